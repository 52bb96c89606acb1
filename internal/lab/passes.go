package lab

import "time"

// PassesAt tells when an instance has passed, or will pass, both status checks: what a
// client has to wait for, and no client can know beforehand. It is zero before the
// instance runs.
func (l *Lab) PassesAt(id string) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agenda.settle(l.clock.now())
	found, err := l.instance(id)
	if err != nil {
		return time.Time{}, err
	}
	return found.healthyAt, nil
}
