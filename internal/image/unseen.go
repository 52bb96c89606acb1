package image

import (
	"context"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// unseen is what a run knows of things that AWS may not show yet.
type unseen struct {
	// read is set once the line has been read.
	read bool
	// mu guards what follows: proofs may run side by side.
	mu sync.Mutex
	// asked is when AWS was last asked to make something; unclear is set when nobody knows
	// whether it has, or what has become of it.
	asked   time.Time
	unclear bool
}

// note notes that AWS was asked to make something, and how that ended.
func (u *unseen) note(ctx context.Context, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = time.Now()
	u.unclear = err != nil && (cloud.ClassOf(err) == cloud.Unclear || ctx.Err() != nil)
}

// visibleSoon is how long after a call AWS mostly shows what it has made: its advice is to
// begin with a couple of seconds.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const visibleSoon = 5 * time.Second

// waitVisible waits until what was asked for last is likely to be seen. What comes next
// reads by tags: a destroy, where Terraform has tainted the line.
func (u *unseen) waitVisible(ctx context.Context) {
	timer := time.NewTimer(visibleSoon - time.Since(u.asked))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// mayHaveMore reports whether a create that has failed may have something of which no state
// will know, since its line reads as empty: made by itself, or by the create that it has
// taken over. Its lease then stays for the next create.
func (r *run) mayHaveMore() bool {
	return r.creating() && !r.lost() && r.line.Empty() && (r.unclear || r.lease.TakenOver && !r.read)
}
