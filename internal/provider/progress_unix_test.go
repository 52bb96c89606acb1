//go:build !windows

package provider

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
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

// The provider's own output reaches nobody: Terraform reads it and shows nothing of it.
func TestProgressFile_isNotOurOwnOutput(t *testing.T) {
	for _, path := range []string{
		"/dev/stdout", "/dev/stderr", "/dev/fd/2", "/dev//fd/3", "/proc/self/fd/1", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/2", "/dev/../dev/stderr",
	} {
		file := progressFile{path: path}
		if err := file.check(); !errors.Is(err, errOwnOutput) {
			t.Errorf("%s: %v", path, err)
		}
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

// A variable that a pipeline has inherited from somebody's terminal must not fail it; what
// the configuration names must be right.
func TestOpenProgress(t *testing.T) {
	nowhere, there := filepath.Join(t.TempDir(), "no", "file"), filepath.Join(t.TempDir(), "file")
	for name, test := range map[string]struct {
		attribute, variable, path string
		severity                  diag.Severity
	}{
		"neither":                          {},
		"attribute":                        {attribute: there, path: there},
		"attribute, not writable":          {attribute: nowhere, path: nowhere, severity: diag.SeverityError},
		"attribute, our own output":        {attribute: "/dev/stderr", path: "/dev/stderr", severity: diag.SeverityError},
		"attribute, and a variable beside": {attribute: there, variable: nowhere, path: there},
		"variable":                         {variable: there, path: there},
		"variable, not writable":           {variable: nowhere, severity: diag.SeverityWarning},
		"variable, our own output":         {variable: "/dev/stdout", severity: diag.SeverityWarning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(progressVariable, test.variable)
			var diags diag.Diagnostics
			file := openProgress(test.attribute, &diags)
			if file.path != test.path {
				t.Errorf("it writes to %q, want %q", file.path, test.path)
			}
			if test.severity == diag.SeverityInvalid != (len(diags) == 0) || len(diags) > 0 && diags[0].Severity() != test.severity {
				t.Errorf("it says %v, want severity %v", diags, test.severity)
			}
		})
	}
}
