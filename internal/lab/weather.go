package lab

import (
	"fmt"
	"time"
)

// weather decides what befalls requests on their way and how long things take.
// Every request passes through before and after, in that order, in one place
// (Lab.perform).
type weather interface {
	// before may refuse a request before it has had any effect.
	before(c *call, now time.Time) *apiError
	// after may replace the answer of a request that has had its effect.
	after(c *call, now time.Time) *apiError
	// pace is how long transitions take, in the lab's time.
	pace() pace
}

// pace is how long transitions take.
type pace struct {
	// boot is from pending to running; checks is from running until both status
	// checks are passed.
	boot, checks time.Duration
	// stop is from stopping to stopped, terminate from shutting-down to terminated.
	stop, terminate time.Duration
	// image is from pending to available, for an image and its snapshots.
	image time.Duration
}

// calm is weather in which everything happens at once and nothing goes wrong.
type calm struct{}

func (calm) before(*call, time.Time) *apiError { return nil }
func (calm) after(*call, time.Time) *apiError  { return nil }
func (calm) pace() pace                        { return pace{} }

// weatherByName returns the weather of that name; the empty name means calm.
func weatherByName(name string) (weather, error) {
	switch name {
	case "", "calm":
		return calm{}, nil
	default:
		return nil, fmt.Errorf("weather %q is not known to this lab: the only weather is calm", name)
	}
}
