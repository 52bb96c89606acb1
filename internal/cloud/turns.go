package cloud

import (
	"context"
	"sync"
)

// Turns lets one piece of work at a time have a key, within this process. The zero value
// is ready.
type Turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

// Take waits until nobody has the key, and returns what gives it back. The error is the
// context's.
func (t *Turns) Take(ctx context.Context, key string) (release func(), err error) {
	for {
		t.mu.Lock()
		other, busy := t.busy[key]
		if !busy {
			if t.busy == nil {
				t.busy = map[string]chan struct{}{}
			}
			done := make(chan struct{})
			t.busy[key] = done
			t.mu.Unlock()
			return sync.OnceFunc(func() {
				t.mu.Lock()
				delete(t.busy, key)
				t.mu.Unlock()
				close(done)
			}), nil
		}
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other:
		}
	}
}
