// Package disk makes what the lab's guests have as disks: the file systems of the
// public base images, the host's programs below them, and frozen layers.
//
// Of the host a guest sees /usr (and /bin, /lib and their kin), read-only below its
// own overlay, and those few files of /etc without which programs do not work. Keys,
// passwords, home directories and everything else of the host stay outside.
package disk
