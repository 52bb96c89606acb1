package rehearsal

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Listener hears the lines of a progress, also those that come from several goroutines.
type Listener struct {
	mu    sync.Mutex
	lines []string
	// last is when the last line came, and silence the longest time without one.
	last    time.Time
	silence time.Duration
}

// Begin starts the clock: from now on, silence counts.
func (l *Listener) Begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

// Hear takes in a line.
func (l *Listener) Hear(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	l.silence = max(l.silence, time.Since(l.last))
	l.last = time.Now()
}

// Lines are those that were heard so far.
func (l *Listener) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Silence is the longest time without a line.
func (l *Listener) Silence() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.silence
}

// Heard fails the test unless these lines came in this order, others between them.
func (l *Listener) Heard(t *testing.T, want ...string) {
	t.Helper()
	lines := l.Lines()
	rest := lines
	for _, part := range want {
		at := slices.IndexFunc(rest, func(line string) bool { return strings.Contains(line, part) })
		if at < 0 {
			t.Errorf("no line has %q, after those that have what comes before it, in\n%s", part, strings.Join(lines, "\n"))
			return
		}
		rest = rest[at+1:]
	}
}
