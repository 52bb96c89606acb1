package rehearsal

import (
	"errors"
	"net/http"
	"sync"
)

// mortal is a transport that can be cut off for good, as a process is that is killed.
type mortal struct {
	next http.RoundTripper

	mu sync.Mutex
	// sent counts requests; at is the one at which the process dies, 0 for never.
	sent, at int
	// after lets that request have its effect, whose answer nobody hears.
	after bool
	died  func()
	dead  bool
	// survives lets everything through after that one request.
	survives bool
}

var errDead = errors.New("the process is dead")

// RoundTrip sends a request, unless the process is dead.
func (m *mortal) RoundTrip(request *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.sent++
	dies := !m.dead && m.sent == m.at
	dead := m.dead || dies
	m.dead = dead && !m.survives
	after, died := m.after, m.died
	m.mu.Unlock()
	if !dead {
		return m.next.RoundTrip(request)
	}
	if dies && after {
		if response, err := m.next.RoundTrip(request); err == nil {
			_ = response.Body.Close()
		}
	} else if request.Body != nil {
		_ = request.Body.Close()
	}
	if dies {
		died()
	}
	return nil, errDead
}

// DieAt makes the process die at its nth request from now, before or after that
// request has its effect: from then on nothing reaches the lab. died is called at that
// moment.
func (s *Stage) DieAt(nth int, after bool, died func()) {
	s.mortal.mu.Lock()
	defer s.mortal.mu.Unlock()
	s.mortal.sent, s.mortal.at, s.mortal.after, s.mortal.died, s.mortal.dead = 0, nth, after, died, false
}

// Revive starts the process anew, and tells whether it had died.
func (s *Stage) Revive() (died bool) {
	s.mortal.mu.Lock()
	defer s.mortal.mu.Unlock()
	died = s.mortal.dead
	s.mortal.at, s.mortal.dead = 0, false
	return died
}
