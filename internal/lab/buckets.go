package lab

import (
	"strings"
	"time"
)

// allowance is a token bucket: what it holds when full, and how much comes back each
// second.
type allowance struct{ full, refill float64 }

// EC2's buckets, for each account and region. Each action has its own.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var (
	nonMutating = allowance{100, 20}
	unfiltered  = allowance{50, 10}
	mutating    = allowance{50, 5}

	// requestAllowances are the actions that do not have the allowance of their kind.
	requestAllowances = map[string]allowance{
		"RunInstances":                  {5, 2},
		"StartInstances":                {5, 2},
		"TerminateInstances":            {100, 5},
		"CreateTags":                    {100, 10},
		"DeleteTags":                    {100, 10},
		"CopyImage":                     {100, 1},
		"DeregisterImage":               {100, 5},
		"ModifyImageAttribute":          {100, 5},
		"ModifySnapshotAttribute":       {100, 5},
		"CreateSnapshot":                {100, 5},
		"CreateSnapshots":               {100, 5},
		"DeleteSnapshot":                {100, 5},
		"CreateVolume":                  {100, 5},
		"DeleteVolume":                  {100, 5},
		"CreateNetworkInterface":        {100, 5},
		"CreateLaunchTemplateVersion":   {100, 5},
		"ModifyLaunchTemplate":          {100, 5},
		"ModifyInstanceMetadataOptions": {100, 5},
		"AssociateIamInstanceProfile":   {100, 5},
		"EnableFastLaunch":              {5, 2},
		"CreateStoreImageTask":          {50, 0.1},
		"DescribeInstanceTopology":      {1, 1},
	}

	// unfilteredActions have a smaller bucket for requests that neither filter nor
	// page. A list of ids is neither.
	unfilteredActions = map[string]bool{
		"DescribeInstances":            true,
		"DescribeInstanceStatus":       true,
		"DescribeNetworkInterfaces":    true,
		"DescribeSecurityGroups":       true,
		"DescribeSnapshots":            true,
		"DescribeSpotInstanceRequests": true,
		"DescribeVolumes":              true,
	}

	// resourceAllowances hold a token for each instance that a request is about.
	resourceAllowances = map[string]allowance{
		"RunInstances":       {1000, 2},
		"StartInstances":     {1000, 2},
		"TerminateInstances": {1000, 20},
		"StopInstances":      {1000, 20},
	}
)

// bucketKey names one bucket.
type bucketKey struct{ account, region, action, kind string }

// bucket is what was left of an allowance at a time. It fills evenly: AWS adds tokens
// once a second, but not at a moment that anybody could know.
type bucket struct {
	left float64
	at   time.Time
}

// take takes tokens, all or none.
func (b *bucket) take(of allowance, tokens float64, now time.Time) bool {
	b.left = min(of.full, b.left+of.refill*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < tokens {
		return false
	}
	b.left -= tokens
	return true
}

// beside is what is left of an allowance beside a neighbour who uses that share of it. One
// token at a time comes through, however little that is.
func (a allowance) beside(share float64) allowance {
	return allowance{full: max(1, a.full*(1-share)), refill: a.refill * (1 - share)}
}

func (l *Lab) take(key bucketKey, of allowance, tokens float64, now time.Time) bool {
	of = of.beside(l.neighbour)
	found := l.buckets[key]
	if found == nil {
		found = &bucket{left: of.full, at: now}
		l.buckets[key] = found
	}
	return found.take(of, tokens, now)
}

// admit takes a token for a request from its action's bucket. Services besides EC2
// are not throttled.
func (l *Lab) admit(c *call, now time.Time) *apiError {
	if !l.weather.throttles || c.service != "ec2" {
		return nil
	}
	of, known := requestAllowances[c.action]
	key := bucketKey{account: c.account.id, region: c.region, action: c.action}
	switch {
	case known:
	case !readsOnly(c.action):
		of = mutating
	case unfilteredActions[c.action] && !c.narrowed():
		of, key.kind = unfiltered, "unfiltered"
	default:
		of = nonMutating
	}
	if !l.take(key, of, 1, now) {
		return c.throttled()
	}
	return nil
}

func readsOnly(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List")
}

// narrowed tells whether a request has a filter or asks for a page.
func (c *call) narrowed() bool {
	for name := range c.form {
		if name == "MaxResults" || name == "NextToken" || strings.HasPrefix(name, "Filter.") {
			return true
		}
	}
	return false
}

// spend takes a token for each of the instances that a checked request is about. More
// tokens than there are is a request too many; it then launches or ends nothing.
func (r *region) spend(action string, instances int) *apiError {
	if !r.lab.weather.throttles {
		return nil
	}
	key := bucketKey{account: r.account.id, region: r.name, action: action, kind: "instances"}
	if !r.lab.take(key, resourceAllowances[action], float64(instances), r.now()) {
		return throttled("Request limit exceeded.")
	}
	return nil
}
