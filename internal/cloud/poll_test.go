package cloud

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reading is one answer of a poll's Read.
type reading struct {
	state, reason string
	err           error
}

// pollOf polls through the readings; the last one stays.
func pollOf(readings ...reading) (Poll[string], *[]time.Duration) {
	var at []time.Duration
	begun := time.Now()
	return Poll[string]{
		What:    "image ami-1 (eu-west-1)",
		Pending: []string{"pending"}, Target: []string{"available"}, Failed: []string{"failed"},
		Read: func(context.Context) (string, string, string, error) {
			at = append(at, time.Since(begun))
			r := readings[min(len(at), len(readings))-1]
			return "the image", r.state, r.reason, r.err
		},
	}, &at
}

func seconds(all ...float64) []time.Duration {
	var durations []time.Duration
	for _, s := range all {
		durations = append(durations, time.Duration(s*float64(time.Second)))
	}
	return durations
}

func TestPoll_Wait(t *testing.T) {
	pending, available := reading{state: "pending"}, reading{state: "available"}
	failed := func(class Class) reading {
		return reading{err: &Error{Class: class, Code: "Code", Action: "DescribeImages", Region: "eu-west-1"}}
	}
	tests := map[string]struct {
		readings []reading
		change   func(*Poll[string])
		want     string
		at       []time.Duration
	}{
		"there already":  {readings: []reading{available}, at: seconds(0)},
		"growing pauses": {readings: []reading{pending, pending, pending, available}, at: seconds(0, 0.5, 1.25, 2.375)},
		"pauses of its own": {
			readings: []reading{pending, pending, pending, pending, available},
			change:   func(p *Poll[string]) { p.First, p.Most = 4*time.Second, 8*time.Second }, at: seconds(0, 4, 10, 18, 26),
		},
		"throttle and cut connection": {
			readings: []reading{failed(Throttle), pending, failed(Unclear), available}, at: seconds(0, 0.5, 1.25, 2.375),
		},
		"error": {
			readings: []reading{pending, failed(Denied)}, at: seconds(0, 0.5),
			want: "waiting for image ami-1 (eu-west-1): DescribeImages (eu-west-1): Code: ",
		},
		"failed state": {
			readings: []reading{pending, {state: "failed", reason: "Client.InvalidSnapshot.NotFound"}}, at: seconds(0, 0.5),
			want: "waiting for image ami-1 (eu-west-1): state failed, want available; AWS says: Client.InvalidSnapshot.NotFound",
		},
		"failed state without a reason": {
			readings: []reading{{state: "failed"}}, at: seconds(0), want: "waiting for image ami-1 (eu-west-1): state failed, want available",
		},
		"state that nobody expects": {
			readings: []reading{{state: "transient"}}, at: seconds(0), want: "waiting for image ami-1 (eu-west-1): state transient, want available",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				poll, at := pollOf(test.readings...)
				if test.change != nil {
					test.change(&poll)
				}
				thing, err := poll.Wait(t.Context())
				if textOf(err) != test.want || err == nil && thing != "the image" {
					t.Errorf("got %q, error %q, want %q", thing, textOf(err), test.want)
				}
				if diff := cmp.Diff(test.at, *at); diff != "" {
					t.Errorf("when it read (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPoll_pausesEndGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		poll, at := pollOf(reading{state: "pending"})
		_, err := poll.Wait(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		last := (*at)[len(*at)-1] - (*at)[len(*at)-2]
		if last != 15*time.Second {
			t.Errorf("the last pause was %v, want 15 s", last)
		}
	})
}

func TestPoll_ends(t *testing.T) {
	throttle := reading{err: &Error{Class: Throttle, Action: "DescribeImages", Region: "eu-west-1", Code: "Throttling", Message: "slowly"}}
	tests := map[string]struct {
		readings []reading
		cancel   bool
		want     string
	}{
		"timeout": {
			readings: []reading{{state: "pending"}},
			want:     "waiting for image ami-1 (eu-west-1): state pending after 1m0s, want available",
		},
		"cancelled": {
			readings: []reading{{state: "pending"}}, cancel: true,
			want: "interrupted while waiting for image ami-1 (eu-west-1): state pending after 1m0s, want available",
		},
		"never read": {
			readings: []reading{throttle},
			want: "waiting for image ami-1 (eu-west-1): state unknown after 1m0s, want available; " +
				"last error: DescribeImages (eu-west-1): Throttling: slowly",
		},
		"an error that has passed": {
			readings: []reading{throttle, {state: "pending"}},
			want:     "waiting for image ami-1 (eu-west-1): state pending after 1m0s, want available",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				want := context.DeadlineExceeded
				if test.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(time.Minute, cancel)
					want = context.Canceled
				}
				defer cancel()
				poll, _ := pollOf(test.readings...)
				thing, err := poll.Wait(ctx)
				if err == nil || err.Error() != test.want || !errors.Is(err, want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				if thing != "the image" {
					t.Errorf("got %q, want what was read last", thing)
				}
			})
		})
	}
}

// TestPoll_cancelledWhileReading has an error of the reading that is the context's.
func TestPoll_cancelledWhileReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	poll := Poll[string]{What: "x", Target: []string{"done"}, Read: func(ctx context.Context) (string, string, string, error) {
		cancel()
		return "", "", "", ctx.Err()
	}}
	_, err := poll.Wait(ctx)
	if timeout, ok := errors.AsType[*TimeoutError](err); !ok || timeout.LastErr != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the wait was cancelled, and nothing else", err)
	}
}

func TestPoll_Changed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type change struct {
			State string
			At    time.Duration
		}
		var got []change
		poll, _ := pollOf(reading{state: "pending"}, reading{state: "pending"}, reading{state: "available"})
		poll.Changed = func(state string, elapsed time.Duration) { got = append(got, change{state, elapsed}) }
		if _, err := poll.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []change{{"pending", 0}, {"available", 1250 * time.Millisecond}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// Once a minute it is told what is waited for, and how far it is.
func TestPoll_tells(t *testing.T) {
	for name, far := range map[string]func() string{"the image": nil, "its own words": func() string { return "63 %" }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				poll, _ := pollOf(reading{state: "pending"})
				var lines []string
				poll.Progress, poll.Far = func(line string) { lines = append(lines, line) }, far
				ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
				defer cancel()
				if _, err := poll.Wait(ctx); err == nil {
					t.Fatal("it is there")
				}
				words := "it is pending"
				if far != nil {
					words = far()
				}
				want := []string{
					"waiting for image ami-1 (eu-west-1) (1m0s so far): " + words, "waiting for image ami-1 (eu-west-1) (2m0s so far): " + words,
				}
				if diff := cmp.Diff(want, lines); diff != "" {
					t.Errorf("lines (-want +got):\n%s", diff)
				}
			})
		})
	}
}
