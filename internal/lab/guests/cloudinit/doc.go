// Package cloudinit boots a guest as cloud-init boots an EC2 instance: host name,
// machine id, SSH host keys, and the user data, each as often as cloud-init does it:
// on every boot or once per instance id. What it does not understand it says on the
// console.
//
// The rules are those of https://docs.cloud-init.io/en/latest/explanation/format.html
// and https://docs.cloud-init.io/en/latest/explanation/boot.html.
package cloudinit
