package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Poll waits for a thing to reach a state.
type Poll[T any] struct {
	// What names it: "image ami-1 (us-east-1)".
	What string
	// Read returns the thing, its state, and AWS's reason for that state, if any.
	Read func(ctx context.Context) (thing T, state, reason string, err error)
	// Pending, Target and Failed are states; one that is in none of them is an error.
	Pending, Target, Failed []string
	// First is the pause after the first reading, 500 ms by default; it grows by half
	// each time, up to Most, 15 s by default.
	First, Most time.Duration
	// Changed is called for each new state.
	Changed func(state string, elapsed time.Duration)
	// Progress hears once a minute what is waited for, and what Far says after a reading of
	// how far it is: "214 of 300 ready". Without Far that is the state.
	Progress report.Progress
	Far      func() string
}

// StateError says that a thing reached a state from which the wanted one is not to
// be had.
type StateError struct {
	What, State, Reason string
	Want                []string
}

// Error says what it is and what was wanted.
func (e *StateError) Error() string {
	text := fmt.Sprintf("waiting for %s: state %s, want %s", e.What, e.State, strings.Join(e.Want, " or "))
	if e.Reason != "" {
		text += "; AWS says: " + e.Reason
	}
	return text
}

// TimeoutError says that the time ran out, or that the caller gave up, before a
// thing was in the wanted state.
type TimeoutError struct {
	What, LastState string
	Want            []string
	Elapsed         time.Duration
	// LastErr is the last error of a reading, if that was an error.
	LastErr error
	// Err is the context's error.
	Err error
}

// Error gives the last state and the last error, which the deadline itself hides.
func (e *TimeoutError) Error() string {
	state := e.LastState
	if state == "" {
		state = "unknown"
	}
	text := fmt.Sprintf("waiting for %s: state %s after %s, want %s",
		e.What, state, e.Elapsed.Round(time.Second), strings.Join(e.Want, " or "))
	if errors.Is(e.Err, context.Canceled) {
		text = "interrupted while " + text
	}
	if e.LastErr != nil {
		text += fmt.Sprintf("; last error: %v", e.LastErr)
	}
	return text
}

// Unwrap returns the context's error.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Wait reads until the thing is in a target state. Errors of class Throttle and
// Unclear are survived until the context ends; others end the wait.
func (p Poll[T]) Wait(ctx context.Context) (T, error) {
	var lastState string
	var lastErr error
	begun := time.Now()
	waiting := p.Progress.Wait(p.What)
	defer waiting.End()
	pause := p.First
	if pause == 0 {
		pause = 500 * time.Millisecond
	}
	most := p.Most
	if most == 0 {
		most = 15 * time.Second
	}
	for {
		thing, state, reason, err := p.Read(ctx)
		if err != nil && ctx.Err() == nil && !survivable(err) {
			return thing, fmt.Errorf("waiting for %s: %w", p.What, err)
		}
		if err == nil {
			if state != lastState && p.Changed != nil {
				p.Changed(state, time.Since(begun))
			}
			lastState = state
			waiting.Far(p.far(state))
			if over, err := p.judge(state, reason); over {
				return thing, err
			}
		}
		if ctx.Err() == nil {
			lastErr = err
		}
		if err := wait(ctx, pause); err != nil {
			return thing, &TimeoutError{
				What: p.What, LastState: lastState, Want: p.Target,
				Elapsed: time.Since(begun), LastErr: lastErr, Err: err,
			}
		}
		pause = min(pause*3/2, most)
	}
}

// far says how far it is.
func (p Poll[T]) far(state string) string {
	if p.Far == nil {
		return "it is " + state
	}
	return p.Far()
}

// judge tells whether a state ends the wait, and how.
func (p Poll[T]) judge(state, reason string) (over bool, err error) {
	switch {
	case slices.Contains(p.Target, state):
		return true, nil
	case slices.Contains(p.Failed, state) || !slices.Contains(p.Pending, state):
		return true, &StateError{What: p.What, State: state, Reason: reason, Want: p.Target}
	}
	return false, nil
}

// survivable errors of a reading may be over by the next.
func survivable(err error) bool {
	class := ClassOf(err)
	return class == Throttle || class == Unclear
}
