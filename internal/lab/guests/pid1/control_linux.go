package pid1

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// runDir holds the scripts and outputs of commands; it is not part of the disk.
const runDir = "/run/lab"

// maxOutput is how much of a command's output is reported, in bytes.
const maxOutput = 4 << 20

// runEnvironment is what commands from outside find set, as under Systems Manager's
// agent, a service of root.
var runEnvironment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LANG=C.UTF-8",
}

// run is one command from outside under way.
type run struct {
	group     int
	cancelled bool
}

// serve answers the host until it goes away, which ends the guest: nobody would
// ever stop it.
func (g *guest) serve() {
	for {
		var request Request
		if err := g.conn.Receive(&request); err != nil {
			os.Exit(1)
		}
		switch request.Op {
		case OpRun:
			g.mu.Lock()
			g.runs[request.ID] = &run{}
			g.mu.Unlock()
			go g.answer(request)
		case OpCancel:
			g.cancel(request.ID)
		case OpPause:
			// Errors mean that nothing runs that could be halted.
			_ = unix.Kill(-1, unix.SIGSTOP)
			_ = g.conn.Send(Event{Kind: KindResult, ID: request.ID})
		case OpResume:
			_ = unix.Kill(-1, unix.SIGCONT)
		case OpStop:
			// What a stop from outside is to a guest: the power button.
			go g.shutdown(unix.LINUX_REBOOT_CMD_POWER_OFF, "System Power Off", "Power down")
		}
	}
}

func (g *guest) answer(request Request) {
	event := Event{Kind: KindResult, ID: request.ID}
	if err := g.run(request, &event); err != nil {
		event.Error = err.Error()
	}
	g.mu.Lock()
	delete(g.runs, request.ID)
	g.mu.Unlock()
	_ = g.conn.Send(event)
}

// run runs a script by its #! line, by /bin/sh without one. Its output goes to
// files: a pipe would stay open for as long as a daemon that the script started.
func (g *guest) run(request Request, into *Event) error {
	base := filepath.Join(runDir, strconv.FormatInt(request.ID, 10))
	if err := os.WriteFile(base, []byte(request.Script), 0o700); err != nil {
		return err
	}
	defer os.Remove(base)
	output, err := openOutput(base + ".out")
	if err != nil {
		return err
	}
	defer output.close()
	errorOutput := output
	if request.Apart {
		if errorOutput, err = openOutput(base + ".err"); err != nil {
			return err
		}
		defer errorOutput.close()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()

	path, args := "/bin/sh", []string{"sh", base}
	if strings.HasPrefix(request.Script, "#!") {
		path, args = base, []string{base}
	}
	env := request.Environment
	if !request.Apart {
		env = append([]string{"AWS_SSM_INSTANCE_ID=" + g.config.InstanceID}, runEnvironment...)
	}
	files := [3]*os.File{null, output.File, errorOutput.File}
	group, done, err := g.reaper.start(cmp.Or(request.Directory, "/"), path, args, env, files)
	if err != nil {
		return fmt.Errorf("starting the command: %w", err)
	}
	g.started(request.ID, group)
	into.ExitCode = <-done
	if into.Data, err = output.read(); err != nil || !request.Apart {
		return err
	}
	into.Errors, err = errorOutput.read()
	return err
}

// output is a file that takes what a command prints.
type output struct{ *os.File }

func openOutput(path string) (output, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_TRUNC, 0o600)
	return output{file}, err
}

func (o output) read() ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(o.File, 0, maxOutput))
}

func (o output) close() {
	_ = os.Remove(o.Name())
	_ = o.Close()
}

// started notes a run's process group, and ends it at once if it was cancelled
// before it had one.
func (g *guest) started(id int64, group int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	current := g.runs[id]
	current.group = group
	if current.cancelled {
		_ = kill(group)
	}
}

func (g *guest) cancel(id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	current, ok := g.runs[id]
	if !ok {
		return
	}
	current.cancelled = true
	if current.group != 0 {
		_ = kill(current.group)
	}
}

func kill(group int) error {
	err := unix.Kill(-group, unix.SIGKILL)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
