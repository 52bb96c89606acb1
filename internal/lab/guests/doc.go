// Package guests runs what is inside the lab's instances. On Linux a guest is a
// real, isolated file system: an overlay over the host's own, in its own
// namespaces, in which user data and commands really run, as cloud-init would run
// them. Where the kernel does not allow that, guests are off, and say so on the
// instance's console.
//
// The package itself is the host's side: it starts guests, keeps their disks and
// talks to them. Package pid1 is the process inside, cloudinit its boot, and disk
// what guests have as file systems.
package guests
