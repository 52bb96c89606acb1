// Demo plays the main job on the embedded lab, through a real Terraform CLI: bake,
// verify, capture, stamp, scale, rebake, roll, roll back, mend, destroy. It ends
// with an error as soon as something is not as it says.
package main
