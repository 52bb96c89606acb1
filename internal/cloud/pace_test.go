package cloud

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
)

// TestPace_calm holds that what a plan or a small apply asks is not delayed.
func TestPace_calm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		region, _ := overWire(t, func(r request) (int, string) { return ok(r.action, "") })
		begun := time.Now()
		for range 5 {
			if _, err := region.RunInstances(t.Context(), Launch{MinCount: 1, MaxCount: 1000}); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			if _, err := region.Instances(t.Context(), InstanceQuery{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("took %v, want no time", took)
		}
	})
}

// TestPace_requests holds the documented rate, for all who share the region.
func TestPace_requests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		region, _ := overWire(t, func(r request) (int, string) { return ok(r.action, "") })
		begun := time.Now()
		var group sync.WaitGroup
		for range 25 {
			group.Go(func() {
				if _, err := region.RunInstances(t.Context(), Launch{MinCount: 1, MaxCount: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		// 5 at once, then 2 a second.
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("25 launches took %v, want 10 s", took)
		}
	})
}

// throttled is EC2's end of the bucket that holds a token for each instance.
type throttled struct {
	instances, burst, refill float64

	asOf    time.Time
	refused atomic.Int64
}

func (b *throttled) answer(count float64) (int, string) {
	now := time.Now()
	b.instances = min(b.burst, b.instances+now.Sub(b.asOf).Seconds()*b.refill)
	b.asOf = now
	if b.instances < count {
		b.refused.Add(1)
		return refusal(503, "RequestLimitExceeded", "Request limit exceeded.")
	}
	b.instances -= count
	return ok("RunInstances", "")
}

// TestPace_resources launches four times what EC2's resource bucket holds.
func TestPace_resources(t *testing.T) {
	tests := map[string]struct {
		burst, refill float64
		took          time.Duration
		refused       int64
	}{
		// One refusal tells that there is a limit; from then on it is known when to ask.
		"documented limit": {1000, 2, 1500 * time.Second, 1},
		"raised limit":     {10000, 20, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ec2 := &throttled{instances: test.burst, burst: test.burst, refill: test.refill, asOf: time.Now()}
				region, _ := overWire(t, func(request) (int, string) { return ec2.answer(1000) })
				begun := time.Now()
				for range 4 {
					if _, err := region.RunInstances(t.Context(), Launch{MinCount: 1, MaxCount: 1000}); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begun); took < test.took || took > test.took*102/100 {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if got := ec2.refused.Load(); got != test.refused {
					t.Errorf("%d requests were refused, want %d", got, test.refused)
				}
			})
		})
	}
}

// TestPace_refusalsCostNothing is refused again and again, where others leave too little of
// the bucket for so many instances at once. EC2 takes no token for what it refuses: nobody
// waits for those of refused attempts.
func TestPace_refusalsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := newPacer().of("RunInstances")
		for range 20 {
			taken, err := of.take(t.Context(), 200)
			if err != nil {
				t.Fatal(err)
			}
			of.learn(&smithy.GenericAPIError{Code: "RequestLimitExceeded"}, taken)
		}
		if left := of.resources.limiter.Tokens(); left < 1000 {
			t.Errorf("%v tokens are left, want all 1,000", left)
		}
	})
}

func TestPace_slowsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := newPacer().of("DescribeInstances")
		b := of.requests
		for range 10 { // throttles of one moment are one
			b.slow()
		}
		if got := float64(b.limiter.Limit()); got != 10 {
			t.Errorf("after a throttle the pace is %v a second, want 10", got)
		}
		if got := b.limiter.Tokens(); got >= 1 {
			t.Errorf("after a throttle %v tokens are left, want none", got)
		}
		for range 10 {
			<-time.After(time.Second)
			b.slow()
		}
		if got := float64(b.limiter.Limit()); got != 2.5 {
			t.Errorf("after many throttles the pace is %v a second, want 2.5", got)
		}
		for range 20 {
			of.learn(nil, 0)
		}
		if got := float64(b.limiter.Limit()); got != 20 {
			t.Errorf("after successes the pace is %v a second, want 20 again", got)
		}
	})
}

// TestPace_cancelled gives back what a cancelled caller had reserved.
func TestPace_cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(allowance{1, 1}, true)
		if _, err := b.take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := b.take(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		begun := time.Now()
		if _, err := b.take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != 900*time.Millisecond {
			t.Errorf("the next waited %v, want 0.9 s", took)
		}
	})
}

// TestPace_throttleIsSurvived sees a throttle through the SDK: it is asked again, at
// a slower pace.
func TestPace_throttleIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := 3
		region, w := overWire(t, func(r request) (int, string) {
			if refusals--; refusals >= 0 {
				return refusal(503, "RequestLimitExceeded", "slowly")
			}
			return ok(r.action, "")
		})
		if err := region.CreateTags(t.Context(), ids(1), Tags{"a": "1"}); err != nil {
			t.Fatal(err)
		}
		if got := len(w.sent("CreateTags")); got != 4 {
			t.Errorf("asked %d times, want 4", got)
		}
	})
}

// TestPace_unknownAction falls under EC2's bucket for what changes something.
func TestPace_unknownAction(t *testing.T) {
	p := newPacer()
	if got := p.of("ModifyInstanceAttribute").requests.full; got != mutating {
		t.Errorf("got %+v, want %+v", got, mutating)
	}
	if first, second := p.of("ModifyInstanceAttribute"), p.of("ModifyInstanceAttribute"); first != second {
		t.Error("one action has two buckets")
	}
}
