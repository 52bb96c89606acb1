package lab

import "time"

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
