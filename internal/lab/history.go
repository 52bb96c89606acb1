package lab

import (
	"maps"
	"time"
)

// History is what came in, by time, for a page that draws it. Time is the lab's. It is
// not part of the books: resetting them leaves it alone.
type History struct {
	// Now is when it was read.
	Now time.Time `json:"now"`
	// Seconds are those of the last five minutes, Minutes those of the last day, the
	// oldest first. A stretch in which nothing came in is left out.
	Seconds []Stretch `json:"seconds"`
	Minutes []Stretch `json:"minutes"`
}

// Stretch is one second or one minute.
type Stretch struct {
	// Start is when it began.
	Start time.Time `json:"start"`
	// Requests counts all requests by action; Throttled and Failed are those of them
	// that were refused for their rate, and that failed in any other way.
	Requests  map[string]int `json:"requests"`
	Throttled map[string]int `json:"throttled"`
	Failed    map[string]int `json:"failed"`
}

// tally counts by stretches of time and forgets the old ones, so that a lab which
// runs for days stays as small as it was.
type tally struct {
	length, kept time.Duration
	stretches    []Stretch
}

func newTallies() []*tally {
	return []*tally{
		{length: time.Second, kept: 5 * time.Minute},
		{length: time.Minute, kept: 24 * time.Hour},
	}
}

// count enters one request and what became of it.
func (t *tally) count(now time.Time, action string, err *apiError) {
	start := now.Truncate(t.length)
	last := len(t.stretches) - 1
	if last < 0 || t.stretches[last].Start.Before(start) {
		t.forget(now)
		t.stretches = append(t.stretches, Stretch{
			Start: start, Requests: map[string]int{}, Throttled: map[string]int{}, Failed: map[string]int{},
		})
		last = len(t.stretches) - 1
	}
	t.stretches[last].Requests[action]++
	switch {
	case err == nil:
	case err.isThrottle():
		t.stretches[last].Throttled[action]++
	default:
		t.stretches[last].Failed[action]++
	}
}

// forget drops what is older than what is kept.
func (t *tally) forget(now time.Time) {
	old := 0
	for old < len(t.stretches) && !t.stretches[old].Start.After(now.Add(-t.kept)) {
		old++
	}
	t.stretches = t.stretches[old:]
}

func (t *tally) copied(now time.Time) []Stretch {
	t.forget(now)
	all := make([]Stretch, 0, len(t.stretches))
	for _, s := range t.stretches {
		all = append(all, Stretch{
			Start: s.Start, Requests: maps.Clone(s.Requests), Throttled: maps.Clone(s.Throttled), Failed: maps.Clone(s.Failed),
		})
	}
	return all
}

// History returns a copy of what came in lately.
func (l *Lab) History() History {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	return History{Now: now, Seconds: l.tallies[0].copied(now), Minutes: l.tallies[1].copied(now)}
}
