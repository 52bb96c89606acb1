package ownership

import "syscall"

// machineID tells this boot of this machine from others.
func machineID() string {
	boot, _ := syscall.Sysctl("kern.bootsessionuuid")
	return boot
}
