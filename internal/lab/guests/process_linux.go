package guests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/pid1"
)

// end is how a boot ended.
type end int

const (
	endOff end = iota
	endReboot
	endDied
)

// process is one boot of a guest: its first process, and the connection to it.
type process struct {
	cmd      *exec.Cmd
	conn     *pid1.Conn
	console  io.Writer
	metadata http.Handler
	cloud    http.Handler
	servers  []*http.Server
	// dir is where the guest's disk lies during this boot.
	dir string
	// ended receives how the boot ended.
	ended chan end

	mu   sync.Mutex
	last int64
	runs map[int64]chan pid1.Event
	// over is set once no more answers come.
	over bool
}

// errDuring says that a command's guest went off before the command's end.
var errDuring = fmt.Errorf("%w: it went off during the command", ErrOff)

// startProcess begins a boot.
func startProcess(g *realGuest) (*process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a guest's control connection: %w", err)
	}
	inside := os.NewFile(uintptr(pair[1]), "guest")
	defer inside.Close()
	conn, err := pid1.NewConn(os.NewFile(uintptr(pair[0]), "control"))
	if err != nil {
		return nil, err
	}
	cmd, err := g.host.run(g, inside)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p := &process{
		cmd: cmd, conn: conn, dir: filepath.Join(g.host.dir, g.dir), console: console(g.spec), metadata: orNothing(g.spec.Metadata), cloud: orNothing(g.spec.Cloud),
		ended: make(chan end, 1), runs: map[int64]chan pid1.Event{},
	}
	if err := g.configure(p); err != nil {
		p.kill()
		return nil, errors.Join(err, p.cmd.Wait(), conn.Close())
	}
	go p.follow()
	return p, nil
}

// orNothing is a handler that finds nothing where there is none.
func orNothing(handler http.Handler) http.Handler {
	if handler == nil {
		return http.NotFoundHandler()
	}
	return handler
}

// workplace is a directory that every host has, and that only a guest's first process
// sees the lab's directory at: others than its owner have no way to that.
const workplace = "/tmp"

// run starts a guest's first process.
func (h *realHost) run(g *realGuest, inside *os.File) (*exec.Cmd, error) {
	start := pid1.Start{Control: inside, IDs: h.ids, Number: g.number, Processes: h.limits.guest.Processes}
	if h.ids.One() {
		start.Directory = h.dir
	}
	if h.groups != nil {
		group, err := h.groups.enter(g.number)
		if err != nil {
			return nil, err
		}
		defer group.Close()
		start.Cgroup = group
	}
	return pid1.Run(start)
}

// configure tells a new process what to boot.
func (g *realGuest) configure(p *process) error {
	pid := p.cmd.Process.Pid
	if err := preferToKill(pid); err != nil {
		return err
	}
	config := pid1.Config{
		Root: filepath.Join(g.dir, "mnt"), Trees: g.trees(), OneID: g.host.ids.One(), Limits: g.host.limits.guest,
		InstanceID: g.spec.InstanceID, Hostname: g.spec.Hostname, UserData: g.spec.UserData, PublicKey: g.spec.PublicKey,
		Cloud: g.spec.CloudAddress,
	}
	var mounts []*os.File
	defer func() {
		for _, mount := range mounts {
			_ = mount.Close()
		}
	}()
	if !g.host.ids.One() {
		mount, err := cloneMount(g.host.dir)
		if err != nil {
			return err
		}
		mounts, config.Workplace = append(mounts, mount), workplace
	}
	if g.host.mapped {
		for _, name := range g.host.programs {
			mount, err := mappedMount("/"+name, pid)
			if err != nil {
				return err
			}
			mounts, config.Programs = append(mounts, mount), append(config.Programs, filepath.Join("p", name))
		}
	}
	// A guest that died at once is seen by follow, with its last words.
	_ = p.conn.Send(config, mounts...)
	return nil
}

// console is where a guest prints.
func console(spec Spec) io.Writer {
	if spec.Console == nil {
		return io.Discard
	}
	return spec.Console
}

// follow takes what the guest sends until its end.
func (p *process) follow() {
	for {
		var event pid1.Event
		if err := p.conn.Receive(&event); err != nil {
			break
		}
		switch event.Kind {
		case pid1.KindConsole:
			_, _ = p.console.Write(event.Data)
		case pid1.KindListener:
			if err := p.serve(&p.metadata); err != nil {
				fmt.Fprintf(p.console, "lab: no instance metadata: %v\r\n", err)
			}
		case pid1.KindCloud:
			if err := p.serve(&p.cloud); err != nil {
				fmt.Fprintf(p.console, "lab: no way to the cloud: %v\r\n", err)
			}
		case pid1.KindResult:
			p.mu.Lock()
			answer, ok := p.runs[event.ID]
			delete(p.runs, event.ID)
			p.mu.Unlock()
			if ok {
				answer <- event
			}
		}
	}
	// Without its connection a guest is beyond reach; most are dead already.
	p.kill()
	_ = p.cmd.Wait()
	_ = p.conn.Close()
	for _, server := range p.servers {
		_ = server.Close()
	}
	p.mu.Lock()
	p.over = true
	for _, answer := range p.runs {
		close(answer)
	}
	p.mu.Unlock()
	p.ended <- howEnded(p.cmd.ProcessState)
}

// howEnded reads what reboot(2) in a pid namespace leaves as its first process's end.
func howEnded(state *os.ProcessState) end {
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == unix.SIGHUP:
		return endReboot
	case ok && status.Signaled() && status.Signal() == unix.SIGINT:
		return endOff
	default:
		return endDied
	}
}

// serve serves what is outside on the listener that the guest has just opened in its
// own network. Each is served once: a guest could open any number.
func (p *process) serve(once *http.Handler) error {
	handler := *once
	if handler == nil {
		return errors.New("there is nothing to serve, or it is served already")
	}
	*once = nil
	file, err := p.conn.TakeFile()
	if err != nil {
		return err
	}
	defer file.Close()
	listener, err := net.FileListener(file)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	p.servers = append(p.servers, server)
	go func() { _ = server.Serve(listener) }()
	return nil
}

// run runs a script in the guest and returns the event that answers it.
func (p *process) run(ctx context.Context, request pid1.Request) (pid1.Event, error) {
	id, answer, err := p.ask(request)
	if err != nil {
		return pid1.Event{}, err
	}
	var event pid1.Event
	var ok bool
	select {
	case event, ok = <-answer:
	case <-ctx.Done():
		// What it printed until now is worth having; a killed group answers at once.
		_ = p.conn.Send(pid1.Request{ID: id, Op: pid1.OpCancel})
		event, ok = <-answer
		err = context.Cause(ctx)
	}
	switch {
	case !ok:
		return pid1.Event{}, errors.Join(err, errDuring)
	case event.Error != "":
		return pid1.Event{}, errors.Join(err, errors.New(event.Error))
	}
	return event, err
}

// ask sends a request under a new id and returns where its answer arrives; the
// channel is closed when the guest goes off before.
func (p *process) ask(request pid1.Request) (int64, <-chan pid1.Event, error) {
	answer := make(chan pid1.Event, 1)
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return 0, nil, errDuring
	}
	p.last++
	request.ID = p.last
	p.runs[request.ID] = answer
	p.mu.Unlock()
	if err := p.conn.Send(request); err != nil {
		return 0, nil, errDuring
	}
	return request.ID, answer, nil
}

// pause halts everything in the guest and returns what lets it go on. A guest that
// goes off meanwhile is as quiet.
func (p *process) pause() (resume func()) {
	if _, answer, err := p.ask(pid1.Request{Op: pid1.OpPause}); err == nil {
		<-answer
	}
	return func() { _ = p.conn.Send(pid1.Request{Op: pid1.OpResume}) }
}

// powerButton asks the guest to power off.
func (p *process) powerButton() { _ = p.conn.Send(pid1.Request{Op: pid1.OpStop}) }

// kill ends the guest and everything in it at once.
func (p *process) kill() { _ = p.cmd.Process.Kill() }
