//go:build !windows

package provider

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody reads is an error and not a wait without end.
func TestProgressFile_aPipeWithoutAReader(t *testing.T) {
	file := progressFile{path: fifo(t, filepath.Join(t.TempDir(), "pipe"))}
	if err := within(t, 10*time.Second, file.check); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("got %v", err)
	}
	if err := within(t, 10*time.Second, func() error { file.write("x", "y"); return nil }); err != nil {
		t.Error(err)
	}
}

// A reader that reads nothing costs a second a line at most; one that reads gets all.
func TestProgressFile_aPipeWithAReader(t *testing.T) {
	file := progressFile{path: fifo(t, filepath.Join(t.TempDir(), "pipe"))}
	reader, err := os.OpenFile(file.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := file.check(); err != nil {
		t.Fatal(err)
	}
	file.write("image web", "a line\x1b[2J")
	got := make([]byte, 100)
	n, err := reader.Read(got)
	if err != nil || !strings.HasSuffix(string(got[:n]), " image web: a line\n") {
		t.Errorf("read %q, %v", got[:n], err)
	}
	if err := within(t, 20*time.Second, func() error { file.write("x", strings.Repeat("y", 1<<20)); return nil }); err != nil {
		t.Error(err)
	}
}

// What a provider's standard error is: a pipe, or a terminal, under a name of its own.
func TestProgressFile_aDescriptor(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("/dev/fd", strconv.Itoa(int(write.Fd())))
	if _, err := os.Stat(name); err != nil {
		t.Skip(err)
	}
	file := progressFile{path: name}
	if err := file.check(); err != nil {
		t.Fatal(err)
	}
	file.write("image web", "a line")
	_ = write.Close()
	if all, err := io.ReadAll(read); err != nil || !bytes.HasSuffix(all, []byte("image web: a line\n")) {
		t.Errorf("read %q, %v", all, err)
	}
	for _, path := range []string{os.DevNull, filepath.Join(t.TempDir(), "new")} {
		other := progressFile{path: path}
		if err := other.check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	directory := progressFile{path: t.TempDir()}
	if directory.check() == nil {
		t.Error("a directory is taken")
	}
}
