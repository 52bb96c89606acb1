package provider

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// progressFile appends lines to a file or terminal; without a path it is silent.
type progressFile struct {
	path string
	mu   sync.Mutex
}

// open opens the file without waiting for anybody: a pipe that nobody reads is an error at
// once. A pipe that is read stays possible, since /dev/stderr may be one. A terminal must
// not become ours.
func (p *progressFile) open() (*os.File, error) {
	flags := os.O_APPEND | os.O_CREATE | os.O_WRONLY
	if runtime.GOOS != "windows" { // which has no such pipes, and means something else by it
		flags |= syscall.O_NONBLOCK | syscall.O_NOCTTY
	}
	file, err := os.OpenFile(p.path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0 {
		err = &fs.PathError{Op: "open", Path: p.path, Err: fmt.Errorf("it is a disk, and neither a file nor a terminal")}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// check says at once whether the file can be written.
func (p *progressFile) check() error {
	if p.path == "" {
		return nil
	}
	file, err := p.open()
	if err != nil {
		return err
	}
	return file.Close()
}

// progressPatience is how long a line may wait for a pipe or a terminal that takes nothing.
const progressPatience = time.Second

func (p *progressFile) write(resource, line string) {
	if p == nil || p.path == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	file, err := p.open()
	if err != nil {
		return // progress is for the eyes; it must not stop the work
	}
	defer func() { _ = file.Close() }()
	_ = file.SetWriteDeadline(time.Now().Add(progressPatience)) // an ordinary file needs none, and has none
	_, _ = fmt.Fprintf(file, "%s %s: %s\n", time.Now().Format(time.TimeOnly), report.Clean(resource), report.Clean(line))
}
