package guests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// Scripted is a host whose guests are functions: for simulations, which then need
// neither a kernel's help nor real time. It works inside a testing/synctest bubble.
type Scripted struct {
	// Boot stands for what a boot does; it runs in a goroutine of its own, once per
	// boot. It may return before the guest is off. Nil boots do nothing.
	Boot func(spec Spec, m *Machine)
	// Command stands for Guest.Run; without it commands succeed and print nothing.
	Command func(ctx context.Context, spec Spec, m *Machine, script string) (output string, exitCode int, err error)
	// Executed stands for Guest.Execute; without it Command does, its output on the first
	// stream.
	Executed func(ctx context.Context, spec Spec, m *Machine, command Command) (Result, error)
	// NoWindows says that these guests are Linux's alone, as real ones are.
	NoWindows bool

	mu     sync.Mutex
	guests map[*scriptedGuest]struct{}
	closed bool
}

// Machine is one boot of a scripted guest, as its function sees it. What is done to a
// machine that is off has no effect.
type Machine struct {
	// Console is the serial console.
	Console io.Writer
	// Layers are the frozen layers below the guest, the lowest first.
	Layers []Layer

	ctx      context.Context
	powerOff func()
}

// Context ends when the machine is switched off, from inside or outside.
func (m *Machine) Context() context.Context { return m.ctx }

// PowerOff switches the machine off from inside; Spec.Off is called.
func (m *Machine) PowerOff() { m.powerOff() }

// frozen counts scripted layers, so that no two are equal.
var frozen atomic.Int64

// Status reports that guests run.
func (s *Scripted) Status() (running bool, reason string) { return true, "" }

// lacks says why there are no guests of an OS; "" for those that there are.
func (s *Scripted) lacks(system string) string {
	if s.NoWindows {
		return linuxAlone(system)
	}
	return ""
}

// Start begins a guest's first boot.
func (s *Scripted) Start(spec Spec) (Guest, error) {
	g := &scriptedGuest{host: s, spec: spec}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.guests == nil {
		s.guests = map[*scriptedGuest]struct{}{}
	}
	s.guests[g] = struct{}{}
	return g, g.Boot()
}

// Close switches all guests off.
func (s *Scripted) Close() error {
	s.mu.Lock()
	s.closed = true
	guests := s.guests
	s.guests = nil
	s.mu.Unlock()
	for g := range guests {
		g.Stop()
	}
	return nil
}

type scriptedGuest struct {
	host *Scripted
	spec Spec

	mu sync.Mutex
	// machine is the present boot; nil while the guest is off.
	machine *Machine
	cancel  context.CancelFunc
}

func (g *scriptedGuest) Boot() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.machine != nil {
		return errRunning
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Machine{Layers: slices.Clone(g.spec.Layers), ctx: ctx}
	m.Console = scriptedConsole{guest: g, machine: m}
	m.powerOff = func() { g.off(m) }
	g.machine, g.cancel = m, cancel
	if g.host.Boot != nil {
		go g.host.Boot(g.spec, m)
	}
	return nil
}

// off ends a boot and calls Spec.Off, unless it has ended before.
func (g *scriptedGuest) off(m *Machine) {
	if g.end(m) && g.spec.Off != nil {
		g.spec.Off()
	}
}

// end ends a boot, any when m is nil, and reports whether there was one.
func (g *scriptedGuest) end(m *Machine) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.machine == nil || m != nil && g.machine != m {
		return false
	}
	g.cancel()
	g.machine = nil
	return true
}

func (g *scriptedGuest) present() *Machine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.machine
}

func (g *scriptedGuest) Execute(ctx context.Context, command Command) (Result, error) {
	if g.host.Executed == nil {
		output, code, err := g.Run(ctx, command.Script)
		return Result{Output: output, ExitCode: code}, err
	}
	m := g.present()
	if m == nil {
		return Result{}, ErrOff
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-m.ctx.Done():
			cancel(ErrOff)
		case <-over:
		}
	}()
	result, err := g.host.Executed(ctx, g.spec, m, command)
	if err != nil && m.ctx.Err() != nil {
		err = ErrOff
	}
	return result, err
}

func (g *scriptedGuest) Run(ctx context.Context, script string) (output string, exitCode int, err error) {
	m := g.present()
	if m == nil {
		return "", 0, ErrOff
	}
	if g.host.Command == nil {
		return "", 0, nil
	}
	return g.host.Command(ctx, g.spec, m, script)
}

func (g *scriptedGuest) Stop() { g.end(nil) }

func (g *scriptedGuest) Freeze() (Layer, error) {
	return Layer{Dir: fmt.Sprintf("scripted:%d", frozen.Add(1))}, nil
}

func (g *scriptedGuest) ReplaceDisk(system string, layers []Layer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.machine != nil {
		return errRunning
	}
	g.spec.OS, g.spec.Layers = system, layers
	return nil
}

func (g *scriptedGuest) Destroy() {
	g.Stop()
	g.host.mu.Lock()
	defer g.host.mu.Unlock()
	delete(g.host.guests, g)
}

// scriptedConsole drops what is written after the boot's end.
type scriptedConsole struct {
	guest   *scriptedGuest
	machine *Machine
}

func (c scriptedConsole) Write(p []byte) (int, error) {
	c.guest.mu.Lock()
	on := c.guest.machine == c.machine
	c.guest.mu.Unlock()
	if !on || c.guest.spec.Console == nil {
		return len(p), nil
	}
	return c.guest.spec.Console.Write(p)
}

// ErrOff says that a guest is off, or went off during what was asked of it.
var ErrOff = errors.New("the guest is off")

// What guests refuse, whatever they are made of.
var (
	errClosed  = errors.New("the guests' host is closed")
	errRunning = errors.New("the guest is running")
)
