package ownership

import "os"

// machineID tells this boot of this machine from others.
// https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html
func machineID() string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(boot)
}
