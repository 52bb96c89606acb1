package image

import (
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// early is the pause when a wait has begun: what is there at once is seen at once, and then
// looks get rare quickly.
func early(elapsed time.Duration) time.Duration { return max(500*time.Millisecond, 2*elapsed) }

// imagePace waits for an image or a copy. That takes from a minute, for a few blocks, to many,
// and is noticed late by no more than a share of it.
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html
func imagePace(elapsed time.Duration) time.Duration {
	const begun, least, share = 30 * time.Second, 10 * time.Second, 18
	if elapsed < begun {
		return min(early(elapsed), begun)
	}
	return max(least, elapsed/share)
}

// stopping waits for an instance to stop by itself. Nobody knows when its work will be done,
// but then it is stopping for a while first: only that must not be missed.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html
type stopping struct{ since time.Time }

// hear takes in the state that was read, and reports whether the stop is news.
func (s *stopping) hear(state string) (news bool) {
	if state != cloud.InstanceStopping {
		s.since = time.Time{}
	} else if s.since.IsZero() {
		s.since, news = time.Now(), true
	}
	return news
}

// pace says how long to pause.
func (s *stopping) pace(elapsed time.Duration) time.Duration {
	const usual, longest = 12 * time.Second, 30 * time.Second
	if !s.since.IsZero() {
		return max(5*time.Second, time.Since(s.since)/9)
	}
	return min(early(elapsed), max(usual, min(elapsed/30, longest)))
}
