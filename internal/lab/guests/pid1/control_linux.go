package pid1

import (
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
	code, output, err := g.run(request)
	if err != nil {
		event.Error = err.Error()
	}
	event.ExitCode, event.Data = code, output
	g.mu.Lock()
	delete(g.runs, request.ID)
	g.mu.Unlock()
	_ = g.conn.Send(event)
}

// run runs a script by its #! line, by /bin/sh without one. Its output goes to a
// file: a pipe would stay open for as long as a daemon that the script started.
func (g *guest) run(request Request) (int, []byte, error) {
	base := filepath.Join(runDir, strconv.FormatInt(request.ID, 10))
	if err := os.WriteFile(base, []byte(request.Script), 0o700); err != nil {
		return 0, nil, err
	}
	defer os.Remove(base)
	output, err := os.OpenFile(base+".out", os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()

	path, args := "/bin/sh", []string{"sh", base}
	if strings.HasPrefix(request.Script, "#!") {
		path, args = base, []string{base}
	}
	env := append([]string{"AWS_SSM_INSTANCE_ID=" + g.config.InstanceID}, runEnvironment...)
	group, done, err := g.reaper.start(path, args, env, [3]*os.File{null, output, output})
	if err != nil {
		return 0, nil, fmt.Errorf("starting the command: %w", err)
	}
	g.started(request.ID, group)
	code := <-done
	text, err := io.ReadAll(io.NewSectionReader(output, 0, maxOutput))
	return code, text, err
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
