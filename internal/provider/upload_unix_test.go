//go:build !windows

package provider

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// within fails a test whose work does not end, which a pipe or a device would cause.
func within(t *testing.T, limit time.Duration, work func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		t.Fatal("it hangs")
		return nil
	}
}

func fifo(t *testing.T, name string) string {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	return name
}

// What has no end, or waits for somebody, is not opened; what is too large is not read.
func TestFindFiles_regularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if err := os.Mkdir(filepath.Join(dir, "a pipe"), 0o755); err != nil {
		t.Fatal(err)
	}
	fifo(t, filepath.Join(dir, "a pipe", "pipe"))
	large := filepath.Join(dir, "large", "file")
	write(t, large, "", 0o600)
	if err := os.Truncate(large, maxUpload+1); err != nil {
		t.Fatal(err)
	}
	for source, says := range map[string]string{
		"/dev/zero": "neither a file nor a directory", filepath.Join(dir, "s"): "neither", filepath.Join(dir, "a pipe"): "neither",
		filepath.Join(dir, "a pipe", "pipe"): "neither", large: "larger than 512 MiB", filepath.Dir(large): "larger than 512 MiB",
	} {
		err := within(t, 10*time.Second, func() error { return findFiles(&guest.Upload{}, source, nil) })
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want something of %q", source, err, says)
		}
	}
}
