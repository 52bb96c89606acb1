package rehearsal

import (
	"context"
	"os"
	"testing"
)

// Stride is how far apart the requests are at which a matrix of cuts is cut. make test
// wants each of them (STAMP_THOROUGH); by itself, go test looks at some, to be quick.
func Stride() int {
	if thorough() {
		return 1
	}
	return 6
}

func thorough() bool { return os.Getenv("STAMP_THOROUGH") != "" || os.Getenv("STAMP_BENCH") != "" }

// OnlyThorough skips a test that takes seconds, unless make test or make bench runs it.
func OnlyThorough(t *testing.T) {
	t.Helper()
	if !thorough() {
		t.Skip("it takes its time: make test runs it, or STAMP_THOROUGH=1")
	}
}

// Cut is where a run is interrupted: by Ctrl-C, or by the death of the machine.
type Cut struct {
	// Request is which request of the run it happens at, counted from 1; 0 is never.
	Request int
	// After lets the request have its effect first; its answer is lost either way.
	After bool
	// Dead lets nothing through from then on; without it cleaning up is possible.
	Dead bool
}

// Interrupt runs something that is cut short, and returns how many requests it came
// to make. Its context is cancelled at the cut.
func (s *Stage) Interrupt(cut Cut, do func(ctx context.Context)) (requests int) {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	s.DieAt(cut.Request, cut.After, cancel)
	s.mortal.survive(!cut.Dead)
	do(ctx)
	s.mortal.survive(false)
	s.Revive()
	return s.mortal.requests()
}

// survive says whether the process outlives its death: only that one request is lost.
func (m *mortal) survive(survives bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.survives = survives
}

// requests is how many were sent since DieAt.
func (m *mortal) requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// Kill runs something in a process that is killed at its nth request, before or after that
// has its effect, and tells whether it came so far. After that the stage is another process,
// at once: what the dead one still does arrives nowhere, and is waited for when the test
// ends.
func (s *Stage) Kill(nth int, after bool, do func(ctx context.Context)) (died bool) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	killed, done := make(chan struct{}), make(chan struct{})
	s.DieAt(nth, after, func() {
		cancel()
		close(killed)
	})
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		do(ctx)
	}()
	select {
	case <-killed:
	case <-done:
	}
	died = ctx.Err() != nil
	s.mortal = &mortal{next: s.client.Transport}
	s.Restart()
	return died
}
