package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holds counts what the process has open, its children and the mounts that it sees.
func holds() map[string]int {
	all := map[string]int{}
	files, _ := os.ReadDir("/proc/self/fd")
	for _, file := range files {
		target, err := os.Readlink("/proc/self/fd/" + file.Name())
		if err != nil {
			continue // the one that has read the directory
		}
		if target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]" {
			continue // Go's own, from the first use of the network on
		}
		if strings.HasPrefix(target, "/memfd:guest") {
			continue // what guests are started from: one for the life of the process
		}
		// Sockets and pipes have numbers, which say nothing from one run to the next.
		kind, _, _ := strings.Cut(target, ":[")
		all["open "+kind]++
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			all["mount "+fields[4]]++
		}
	}
	for _, child := range children() {
		all["process "+child]++
	}
	return all
}

// children are the processes whose parent this one is, by what they run.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func children() (all []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		begin, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
		fields := strings.Fields(string(stat[end+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			all = append(all, fmt.Sprintf("%s (state %s)", stat[begin+1:end], fields[0]))
		}
	}
	return all
}
