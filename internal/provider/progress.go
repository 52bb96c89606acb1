package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// progressVariable names the progress file where the configuration does not.
const progressVariable = "STAMP_PROGRESS"

// outputVariable asks for the output of steps in it, where the configuration does not say.
const outputVariable = "STAMP_PROGRESS_OUTPUT"

// wantsOutput reports whether the output of steps is asked for. What is not a truth value
// asks for nothing, with a warning.
func wantsOutput(attribute types.Bool, diags *diag.Diagnostics) bool {
	said := os.Getenv(outputVariable)
	if !attribute.IsNull() || said == "" {
		return attribute.ValueBool()
	}
	wants, err := strconv.ParseBool(said)
	if err != nil {
		diags.AddWarning("No output of steps is written", report.Clean(fmt.Sprintf("%s is %q, and neither true nor false.", outputVariable, said)))
	}
	return wants
}

// openProgress returns the progress file that the attribute names, or the environment
// where the attribute is empty. What the configuration names must be writable. What the
// environment names is a convenience of one terminal, which a pipeline inherits without
// having one: if it is not writable, that is a warning and nothing is written.
func openProgress(attribute string, diags *diag.Diagnostics) *progressFile {
	const advice = "\n\nName a file that may be appended to, and follow it with tail -f."
	file := &progressFile{path: attribute}
	if attribute != "" {
		if err := file.check(); err != nil {
			attributeError(diags, path.Root("progress_file"), "The progress file cannot be written", err.Error()+advice)
		}
		return file
	}
	file.path = os.Getenv(progressVariable)
	if err := file.check(); err != nil {
		diags.AddWarning("No progress is written", report.Clean(progressVariable+": "+err.Error()+advice))
		file.path = ""
	}
	return file
}

// errOwnOutput says that a path leads to what Terraform reads of this process, and shows
// to nobody.
var errOwnOutput = errors.New("it is the output of the provider's process, which Terraform keeps to itself: nobody would see a line of it")

// ownOutput matches the names of a process's own input and output.
// https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html
var ownOutput = regexp.MustCompile(`^(/dev/(stdin|stdout|stderr|fd/.*)|/proc/(self|thread-self|[0-9]+)(/task/[0-9]+)?/fd/.*)$`)

// progressFile appends lines to a file or terminal; without a path it is silent.
type progressFile struct {
	path string
	// output is set when the output of steps belongs into it.
	output bool
	mu     sync.Mutex
}

// open opens the file without waiting for anybody: a pipe that nobody reads is an error at
// once. A terminal must not become ours.
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
	if ownOutput.MatchString(filepath.Clean(p.path)) {
		return &fs.PathError{Op: "open", Path: p.path, Err: errOwnOutput}
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
