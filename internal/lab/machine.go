package lab

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// machine drives the guest of one instance. What is asked of it is queued and done
// in order by one goroutine, which ends with the queue; so actions never wait for a
// guest, and a guest is never asked two things at once. Its methods are called with
// the lab's lock held, unless they say otherwise; its jobs run without it.
type machine struct {
	instance *instance
	// on tells whether there is a guest at all.
	on bool

	mu    sync.Mutex
	queue []func()
	busy  bool
	// guest is touched by jobs only.
	guest guests.Guest
}

func newMachine(of *instance) *machine {
	on, _ := of.region.lab.guestsRunOn(of.disk())
	return &machine{instance: of, on: on}
}

func (m *machine) lab() *Lab { return m.instance.region.lab }

// do queues a job. A closed lab takes no more.
func (m *machine) do(job func()) {
	if !m.on || m.lab().closed {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, job)
	if !m.busy {
		m.busy = true
		m.lab().drivers.Go(m.work)
	}
}

func (m *machine) work() {
	for {
		m.mu.Lock()
		if len(m.queue) == 0 {
			m.busy = false
			m.mu.Unlock()
			return
		}
		job := m.queue[0]
		m.queue = m.queue[1:]
		m.mu.Unlock()
		job()
	}
}

// boot starts the guest after some of the lab's time, the first time from its image,
// later on its own disk.
func (m *machine) boot(after time.Duration) {
	if !m.on {
		_, reason := m.lab().guestsRunOn(m.instance.disk())
		m.instance.console.printf("lab: nothing runs inside this instance and its user data has no effect: %s\n", reason)
		return
	}
	of := m.instance
	spec := guests.Spec{
		InstanceID: of.id, OS: of.disk().os, Layers: of.disk().layers,
		Hostname: "ip-" + dashed(of.address()), UserData: of.userData, PublicKey: of.publicKey(),
		Metadata: of.metadataHandler(), Console: &of.console, Off: func() { m.lab().poweredOff(of) },
		Cloud: m.lab().cloud, CloudAddress: m.lab().address,
	}
	m.do(func() {
		if after > 0 && (!m.lab().wait(after) || !m.wanted()) {
			return
		}
		if err := m.start(spec); err != nil {
			m.broken(err)
		}
	})
}

// wanted tells whether the instance is still to be on. It takes the lab's lock.
func (m *machine) wanted() bool {
	l := m.lab()
	l.mu.Lock()
	defer l.mu.Unlock()
	return m.instance.state == statePending || m.instance.state == stateRunning
}

func (m *machine) start(spec guests.Spec) error {
	if m.guest != nil {
		return m.guest.Boot()
	}
	guest, err := m.lab().guests.Start(spec)
	if err != nil {
		return err
	}
	m.guest = guest
	return nil
}

// broken ends an instance whose guest did not start. It takes the lab's lock.
func (m *machine) broken(err error) {
	m.instance.console.printf("lab: the guest did not start: %v\n", err)
	l := m.lab()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agenda.settle(l.clock.now())
	m.instance.terminate(reasonGuest)
}

// powerOff stops the guest and then calls off, with the lab's lock held.
func (m *machine) powerOff(off func(at time.Time)) {
	if !m.on || m.lab().closed {
		off(m.lab().clock.now())
		return
	}
	m.do(func() {
		if m.guest != nil {
			m.guest.Stop()
		}
		l := m.lab()
		l.mu.Lock()
		defer l.mu.Unlock()
		off(l.clock.now())
	})
}

// reboot stops the guest and boots it again on its own disk.
func (m *machine) reboot() {
	m.do(func() {
		if m.guest == nil {
			return
		}
		m.guest.Stop()
		if err := m.guest.Boot(); err != nil {
			m.broken(err)
		}
	})
}

// destroy ends the guest and removes its disk.
func (m *machine) destroy() {
	m.do(func() {
		if m.guest != nil {
			m.guest.Destroy()
			m.guest = nil
		}
	})
}

// capture freezes the disk and calls done with the layer, with the lab's lock held.
// A running guest is stopped for that and booted again when restart is set;
// otherwise it is frozen as it is.
func (m *machine) capture(restart bool, done func(layers []guests.Layer, err error)) {
	if !m.on || m.lab().closed {
		done(nil, nil)
		return
	}
	m.do(func() {
		layer, err := m.freeze(restart)
		l := m.lab()
		l.mu.Lock()
		defer l.mu.Unlock()
		done([]guests.Layer{layer}, err)
	})
}

func (m *machine) freeze(restart bool) (guests.Layer, error) {
	if m.guest == nil {
		return guests.Layer{}, ErrNoGuest
	}
	if restart {
		m.guest.Stop()
	}
	layer, err := m.guest.Freeze()
	if restart {
		if err := m.guest.Boot(); err != nil {
			m.broken(err)
		}
	}
	if err != nil {
		return layer, fmt.Errorf("freezing the disk of %s: %w", m.instance.id, err)
	}
	return layer, nil
}

// replaceDisk powers the guest off, gives it another disk and boots it again. In
// between it calls replaced, with the lab's lock held and with what was on the old
// disk if that is kept. Where that fails, the guest boots from its old disk.
func (m *machine) replaceDisk(content disk, keep bool, replaced func(old []guests.Layer, err error)) {
	if l := m.lab(); !m.on || l.closed {
		l.agenda.add(l.clock.now(), func(time.Time) { replaced(nil, nil) })
		return
	}
	m.do(func() {
		old, err := m.swap(content, keep)
		l := m.lab()
		l.mu.Lock()
		replaced(old, err)
		l.mu.Unlock()
		if m.guest == nil {
			return
		}
		if err := m.guest.Boot(); err != nil {
			m.broken(err)
		}
	})
}

func (m *machine) swap(content disk, keep bool) (old []guests.Layer, err error) {
	if m.guest == nil {
		return nil, ErrNoGuest
	}
	m.guest.Stop()
	if keep {
		layer, err := m.guest.Freeze()
		if err != nil {
			return nil, fmt.Errorf("keeping the disk of %s: %w", m.instance.id, err)
		}
		old = []guests.Layer{layer}
	}
	if err := m.guest.ReplaceDisk(content.os, content.layers); err != nil {
		return nil, fmt.Errorf("replacing the disk of %s: %w", m.instance.id, err)
	}
	return old, nil
}

// idle waits until what was asked of the guest is done, and returns the guest. It
// takes the lab's lock.
func (m *machine) idle(ctx context.Context) (guests.Guest, error) {
	l := m.lab()
	l.mu.Lock()
	if !m.on || l.closed {
		_, reason := l.guestsRunOn(m.instance.disk())
		l.mu.Unlock()
		return nil, fmt.Errorf("%w: %s", ErrNoGuest, reason)
	}
	ready := make(chan guests.Guest, 1)
	m.do(func() { ready <- m.guest })
	l.mu.Unlock()
	select {
	case guest := <-ready:
		if guest == nil {
			return nil, ErrNoGuest
		}
		return guest, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// poweredOff is called when a guest has powered itself off: the instance stops, or
// ends if its shutdown behaviour says so.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
func (l *Lab) poweredOff(i *instance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	l.agenda.settle(now)
	if i.state != statePending && i.state != stateRunning {
		return
	}
	if i.shutdownTerminates {
		i.terminate(reasonSelfShutdown)
		return
	}
	i.enter(stateStopping, now)
	i.explain(reasonSelfShutdown, now)
	l.agenda.add(now.Add(l.takes(toStop, i.id)), i.stopped)
}
