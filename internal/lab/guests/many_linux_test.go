package guests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is how many guests run at once in the benchmark.
const crowd = 50

// BenchmarkReal_crowd boots many guests at once, each with a script as user data, and
// tells how long it took until the last was done, and what each one holds in memory
// (its share, and what is its alone) and on the disk.
func BenchmarkReal_crowd(b *testing.B) {
	host, err := shared()
	if err != nil {
		b.Skip(err)
	}
	for b.Loop() {
		began := time.Now()
		all := make([]*guest, crowd)
		var booting sync.WaitGroup
		for i := range all {
			booting.Go(func() {
				g := &guest{screen: newScreen(), off: make(chan struct{}, 1)}
				var err error
				g.Guest, err = host.Start(Spec{
					InstanceID: fmt.Sprintf("i-%d", i), Hostname: fmt.Sprintf("crowd-%d", i), OS: "al2023", Console: g.screen,
					UserData: []byte("#!/bin/sh\nhostname > /root/name\n"),
				})
				if err != nil {
					b.Error(err)
					return
				}
				all[i] = g
				for !strings.Contains(g.screen.String(), finished) {
					g.screen.mu.Lock()
					changed := g.screen.changed
					g.screen.mu.Unlock()
					if strings.Contains(g.screen.String(), finished) {
						return
					}
					<-changed
				}
			})
		}
		booting.Wait()
		booted := time.Since(began)
		share, own, disk := 0.0, 0.0, 0.0
		for i, g := range all {
			if g == nil {
				b.FailNow()
			}
			if output, _, err := g.Run(b.Context(), "cat /root/name"); err != nil || output != fmt.Sprintf("crowd-%d\n", i) {
				b.Errorf("guest %d is called %q, %v", i, output, err)
			}
			inside, ok := g.Guest.(*realGuest)
			if !ok {
				b.Fatalf("a %T", g.Guest)
			}
			memory := memoryOf(b, inside.process.cmd.Process.Pid)
			share, own = share+memory["Pss"], own+memory["Private_Clean"]+memory["Private_Dirty"]
			disk += sizeOf(b, filepath.Join(inside.host.dir, inside.dir))
		}
		for _, g := range all {
			g.Destroy()
		}
		b.ReportMetric(booted.Seconds(), "s/crowd")
		b.ReportMetric(share/crowd/1024, "MB-share/guest")
		b.ReportMetric(own/crowd/1024, "MB-own/guest")
		b.ReportMetric(disk/crowd/1024, "kB-disk/guest")
	}
}

// memoryOf sums up the memory of a process and of those below it, in kB, by kind
// (proc_pid_smaps(5)).
func memoryOf(b *testing.B, pid int) map[string]float64 {
	b.Helper()
	total := map[string]float64{}
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Skipf("this kernel does not tell what a process holds: %v", err)
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if value, err := strconv.ParseFloat(fields[1], 64); err == nil && len(fields) == 3 {
			total[strings.TrimSuffix(fields[0], ":")] += value
		}
	}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range children {
		below, _ := os.ReadFile(path)
		for _, child := range strings.Fields(string(below)) {
			if id, err := strconv.Atoi(child); err == nil {
				for kind, value := range memoryOf(b, id) {
					total[kind] += value
				}
			}
		}
	}
	return total
}

// sizeOf is what a tree takes on the disk, in bytes.
func sizeOf(b *testing.B, dir string) float64 {
	b.Helper()
	total := 0.0
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += float64(info.Size())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return total
}
