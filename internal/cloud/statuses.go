package cloud

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Statuses returns what the two status checks say. Only instances that run have a
// status; others are left out, unless they are asked for, and ids that do not exist.
//
// A request can name 100 ids, while a page has 1,000 instances of the region: so many
// ids are picked out of the region's pages, as long as that takes fewer requests. How
// many pages there are, the last reading knows.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func (r *Region) Statuses(ctx context.Context, query StatusQuery) ([]InstanceStatus, error) {
	reading := &statusReading{region: r, until: query.Until, all: query.IDs == nil, wanted: map[string]bool{}}
	for _, id := range query.IDs {
		reading.wanted[id] = true
	}
	reading.missing = len(reading.wanted)
	running := filter("instance-state-name", InstanceRunning)
	if query.AnyState {
		reading.anyState = aws.Bool(true)
		running = filter("instance-state-name", append(LiveInstanceStates(), InstanceShuttingDown)...)
	}
	var err error
	switch {
	case query.ImpairedOnly:
		// Filters are joined by "and", while it is enough that one check failed.
		for _, check := range []string{"system-status.status", "instance-status.status"} {
			if err == nil {
				err = reading.paged(ctx, noLimit, running, filter(check, "impaired"))
			}
		}
	case query.IDs == nil:
		err = reading.paged(ctx, noLimit, running)
	default:
		if batches := (len(query.IDs) - 1) / maxStatusIDs; batches > 0 && r.statusPages.expected() <= batches {
			err = reading.paged(ctx, batches, running)
			r.statusPages.learn(reading.read, reading.exhausted)
		}
		if err == nil && !reading.exhausted {
			err = reading.named(ctx, query.IDs)
		}
	}
	return reading.found, err
}

const noLimit = 1 << 30

// statusReading collects statuses until nobody wants more.
type statusReading struct {
	region *Region
	until  func([]InstanceStatus) bool
	// wanted has an id that is asked for and has not come yet (true), or one that has
	// come (false). With all set, ids that are not in it are wanted too.
	wanted map[string]bool
	all    bool
	// missing is how many have not come yet, when not all are wanted.
	missing int
	found   []InstanceStatus
	// anyState is set for instances that do not run.
	anyState *bool
	// read is how many pages have been read.
	read int
	// satisfied is set when the reader has seen enough, exhausted when EC2 has no more.
	satisfied, exhausted bool
}

// paged reads the region's instances in pages, at most so many.
func (s *statusReading) paged(ctx context.Context, most int, filters ...types.Filter) error {
	if s.done() {
		return nil
	}
	in := &ec2.DescribeInstanceStatusInput{Filters: filters, MaxResults: aws.Int32(pageSize), IncludeAllInstances: s.anyState}
	return pages(
		func(token *string) (*ec2.DescribeInstanceStatusOutput, error) {
			in.NextToken = token
			return call(ctx, s.region.name, "DescribeInstanceStatus", s.region.ec2.describeStatus, in)
		},
		func(out *ec2.DescribeInstanceStatusOutput) *string { return out.NextToken },
		func(out *ec2.DescribeInstanceStatusOutput) bool {
			s.take(out.InstanceStatuses)
			s.exhausted = aws.ToString(out.NextToken) == ""
			s.read++
			return !s.done() && s.read < most
		})
}

// named asks for those of the ids that have not come yet.
func (s *statusReading) named(ctx context.Context, ids []string) error {
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !s.wanted[id] })
	for batch := range slices.Chunk(missing, maxStatusIDs) {
		for len(batch) > 0 && !s.done() {
			out, err := call(ctx, s.region.name, "DescribeInstanceStatus", s.region.ec2.describeStatus,
				&ec2.DescribeInstanceStatusInput{InstanceIds: batch, IncludeAllInstances: s.anyState})
			if err == nil {
				s.take(out.InstanceStatuses)
				break
			}
			known, named := without(batch, err)
			if !named {
				return err
			}
			batch = known
		}
	}
	return nil
}

func (s *statusReading) done() bool { return s.satisfied || !s.all && s.missing == 0 }

func (s *statusReading) take(statuses []types.InstanceStatus) {
	for _, from := range statuses {
		to := InstanceStatus{InstanceID: aws.ToString(from.InstanceId)}
		if from.InstanceState != nil {
			to.State = string(from.InstanceState.Name)
		}
		if from.SystemStatus != nil {
			to.System = string(from.SystemStatus.Status)
		}
		if from.InstanceStatus != nil {
			to.Instance = string(from.InstanceStatus.Status)
		}
		to.ImpairedSince = earliest(from.SystemStatus, from.InstanceStatus)
		if wanted, said := s.wanted[to.InstanceID]; wanted || s.all && !said {
			s.wanted[to.InstanceID] = false
			s.missing--
			s.found = append(s.found, to)
		}
	}
	s.satisfied = s.until != nil && s.until(s.found)
}

// earliest is when the first of the checks began to fail.
func earliest(checks ...*types.InstanceStatusSummary) time.Time {
	var first time.Time
	for _, check := range checks {
		if check == nil {
			continue
		}
		for _, detail := range check.Details {
			if since := aws.ToTime(detail.ImpairedSince); !since.IsZero() && (first.IsZero() || since.Before(first)) {
				first = since
			}
		}
	}
	return first
}

// pageCount is how many pages the statuses of a region take, as far as is known.
type pageCount struct {
	mu    sync.Mutex
	pages int
	at    time.Time
}

// countLasts is how long a count is believed: fleets grow and shrink.
const countLasts = 5 * time.Minute

// expected is how many pages there are at least; 0 if nobody has looked lately.
func (c *pageCount) expected() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) > countLasts {
		return 0
	}
	return c.pages
}

// learn hears how many pages were read, and whether that was all of them. Those that were
// enough may have been found by luck.
func (c *pageCount) learn(read int, exhausted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !exhausted {
		read = max(read+1, c.pages)
	}
	c.pages, c.at = read, time.Now()
}
