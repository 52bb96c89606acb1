package report

import (
	"sync"
	"time"
)

// newsEvery is how long a person is left without a line while something is waited for.
const newsEvery = time.Minute

// Waiting tells once a minute what is waited for, for how long, and how far it is.
type Waiting struct {
	mu   sync.Mutex
	far  string
	stop chan struct{}
	over sync.WaitGroup
}

// Wait begins to tell of something: "image ami-1 to be available" becomes "waiting for
// image ami-1 to be available (4m0s so far)". Its lines may come from another goroutine,
// and none comes after End. A nil Progress stays silent.
func (p Progress) Wait(what string) *Waiting {
	w := &Waiting{stop: make(chan struct{})}
	if p == nil {
		return w
	}
	begun := time.Now()
	w.over.Go(func() {
		ticker := time.NewTicker(newsEvery)
		defer ticker.Stop()
		for {
			select {
			case <-w.stop:
				return
			case now := <-ticker.C:
				p.Printf("waiting for %s (%s so far)%s", what, now.Sub(begun).Round(time.Second), w.howFar())
			}
		}
	})
	return w
}

// Far says how far it is, in words that the next line ends with; "" says nothing.
func (w *Waiting) Far(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.far = text
}

func (w *Waiting) howFar() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.far == "" {
		return ""
	}
	return ": " + w.far
}

// End stops it.
func (w *Waiting) End() {
	close(w.stop)
	w.over.Wait()
}
