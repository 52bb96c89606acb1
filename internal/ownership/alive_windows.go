package ownership

import "os"

// alive reports whether there is a process of that number: on Windows it must be opened to
// be found.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err == nil {
		_ = process.Release()
	}
	return err == nil
}
