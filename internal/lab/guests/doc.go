// Package guests runs what is inside the lab's instances. On Linux a guest is a
// real, isolated file system: an overlay over the host's own, in its own
// namespaces, in which user data and commands really run, as cloud-init would run
// them. Where the kernel does not allow that, guests are off, and say so on the
// instance's console.
//
// A guest's users own nothing on the host, also when the lab is run by root, who gives
// them ids that nobody has. What a guest may use is limited: tasks, open files and the
// file systems in memory by the kernel, memory by control groups where they can be had,
// the disk by a watch from outside. The kernel itself is shared: guests are no jail for
// programs that attack it.
//
// The package itself is the host's side: it starts guests, keeps their disks and
// talks to them. Package pid1 is the process inside, cloudinit its boot, and disk
// what guests have as file systems.
package guests
