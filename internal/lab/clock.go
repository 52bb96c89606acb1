package lab

import (
	"math"
	"time"
)

// clock is the lab's one clock. It runs speed times as fast as the machine's, from
// the moment it was made; a lab in a testing/synctest bubble must be made there.
type clock struct {
	origin time.Time
	speed  float64
}

func newClock(speed float64) clock { return clock{origin: time.Now(), speed: speed} }

// now is the lab's time, in UTC.
func (c clock) now() time.Time {
	elapsed := time.Since(c.origin)
	return c.origin.Add(time.Duration(float64(elapsed) * c.speed)).Round(0).UTC()
}

// real is how long some of the lab's time takes on the machine, rounded up: who waits
// for that finds it passed.
func (c clock) real(lasting time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(lasting) / c.speed))
}

// wait lets some of the lab's time pass. It is false when the lab is closed before.
func (l *Lab) wait(lasting time.Duration) bool {
	over := time.NewTimer(l.clock.real(lasting))
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-l.closing:
		return false
	}
}

// at is the lab's time at a moment of the machine's clock.
func (c clock) at(moment time.Time) time.Time {
	return c.origin.Add(time.Duration(float64(moment.Sub(c.origin)) * c.speed)).Round(0).UTC()
}
