package cloud

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// allowance is one of EC2's token buckets: what it holds when full, and how much
// comes back each second.
type allowance struct {
	burst  int
	refill rate.Limit
}

// EC2's request buckets by action, and those of the kinds that the others fall under,
// for each account and region.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var (
	mutating    = allowance{50, 5}
	nonMutating = allowance{100, 20}

	requestAllowances = map[string]allowance{
		"RunInstances":                           {5, 2},
		"TerminateInstances":                     {100, 5},
		"StartInstances":                         {5, 2},
		"CreateTags":                             {100, 10},
		"DeleteTags":                             {100, 10},
		"DeregisterImage":                        {100, 5},
		"ModifyImageAttribute":                   {100, 5},
		"DeleteSnapshot":                         {100, 5},
		"CopyImage":                              {100, 1},
		"ModifySnapshotAttribute":                {100, 5},
		"DescribeImageAttribute":                 nonMutating,
		"DescribeSnapshotAttribute":              nonMutating,
		"DescribeImageReferences":                nonMutating,
		"AssociateIamInstanceProfile":            {100, 5},
		"ModifyInstanceMetadataOptions":          {100, 5},
		"DescribeReplaceRootVolumeTasks":         nonMutating,
		"DescribeInstances":                      nonMutating,
		"DescribeInstanceStatus":                 nonMutating,
		"DescribeImages":                         nonMutating,
		"DescribeSnapshots":                      nonMutating,
		"DescribeSubnets":                        nonMutating,
		"DescribeInstanceTypes":                  nonMutating,
		"DescribeRegions":                        nonMutating,
		"GetImageBlockPublicAccessState":         nonMutating,
		"DescribeIamInstanceProfileAssociations": nonMutating,
		"GetConsoleOutput":                       nonMutating,
	}

	// resourceAllowances hold a token for each instance.
	resourceAllowances = map[string]allowance{
		"RunInstances":       {1000, 2},
		"TerminateInstances": {1000, 20},
	}
)

// pacer keeps a region's requests within EC2's buckets, so that many resources do not
// fight each other for tokens with ever longer pauses. It stands inside the SDK's
// retry loop: each attempt takes a token, as it does at EC2.
type pacer struct {
	mu      sync.Mutex
	buckets map[string]*buckets
}

// buckets are those of one action.
type buckets struct {
	requests *bucket
	// resources is nil for most actions.
	resources *bucket
}

func newPacer() *pacer { return &pacer{buckets: map[string]*buckets{}} }

// install puts the pacer right behind the retry middleware of a client's operation.
func (p *pacer) install(stack *smithymiddleware.Stack) error {
	pace := func(
		ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler,
	) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
		of := p.of(middleware.GetOperationName(ctx))
		taken, err := of.take(ctx, cost(ctx))
		if err != nil {
			return smithymiddleware.FinalizeOutput{}, smithymiddleware.Metadata{}, err
		}
		out, metadata, err := next.HandleFinalize(ctx, in)
		of.learn(err, taken)
		return out, metadata, err
	}
	return stack.Finalize.Insert(smithymiddleware.FinalizeMiddlewareFunc("StampPace", pace), "Retry", smithymiddleware.After)
}

func (p *pacer) of(action string) *buckets {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.buckets[action]; ok {
		return found
	}
	requests, ok := requestAllowances[action]
	if !ok {
		requests = mutating
	}
	made := &buckets{requests: newBucket(requests, true)}
	if resources, ok := resourceAllowances[action]; ok {
		// Enforced only once EC2 throttles: accounts that launch by the thousand have
		// had this limit raised, and would wait for hours for nothing. What is spent is
		// counted from the start, so that the first pause is as long as it must be.
		made.resources = newBucket(resources, false)
	}
	p.buckets[action] = made
	return made
}

// take also returns how many tokens of the resources it has taken.
func (b *buckets) take(ctx context.Context, resources int) (taken int, err error) {
	if _, err := b.requests.take(ctx, 1); err != nil || b.resources == nil {
		return 0, err
	}
	return b.resources.take(ctx, resources)
}

// learn hears how a request ended for which so many tokens of the resources were taken. One
// that EC2 throttles takes none there: they go back, or each attempt would wait for the
// tokens of all that have failed before it.
func (b *buckets) learn(err error, taken int) {
	switch {
	case err == nil:
		b.requests.quicken()
	case classOfAnswer(err) == Throttle:
		b.requests.slow()
		if b.resources != nil {
			b.resources.enforce()
			b.resources.giveBack(taken)
		}
	}
}

// bucket is what is thought to be left of one of EC2's buckets. Others who use the
// account take from it unseen; that is noticed when EC2 throttles.
type bucket struct {
	full    allowance
	limiter *rate.Limiter

	mu       sync.Mutex
	enforced bool
	slowed   time.Time
}

func newBucket(full allowance, enforced bool) *bucket {
	return &bucket{full: full, limiter: rate.NewLimiter(full.refill, full.burst), enforced: enforced}
}

// take waits for the tokens and takes them; more than there can be count as all. A
// bucket that is not enforced gives what it has.
func (b *bucket) take(ctx context.Context, tokens int) (taken int, err error) {
	now := time.Now()
	tokens = min(tokens, b.full.burst)
	b.mu.Lock()
	enforced := b.enforced
	b.mu.Unlock()
	if !enforced {
		tokens = max(0, min(tokens, int(b.limiter.TokensAt(now))))
		b.limiter.AllowN(now, tokens)
		return tokens, nil
	}
	reserved := b.limiter.ReserveN(now, tokens)
	if err := wait(ctx, reserved.DelayFrom(now)); err != nil {
		reserved.Cancel()
		return 0, err
	}
	return tokens, nil
}

// giveBack puts tokens back: a reservation of fewer than none.
func (b *bucket) giveBack(tokens int) { b.limiter.ReserveN(time.Now(), -tokens) }

func (b *bucket) enforce() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enforced = true
}

// slow answers a throttle: the bucket was empty, and for now refills at half of the
// pace, down to an eighth. Throttles of one moment are one.
func (b *bucket) slow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.slowed) < time.Second {
		return
	}
	b.slowed = now
	b.limiter.AllowN(now, max(0, int(b.limiter.TokensAt(now))))
	b.limiter.SetLimitAt(now, max(b.limiter.Limit()/2, b.full.refill/8))
}

// quicken answers a success: a tenth of the documented pace back.
func (b *bucket) quicken() {
	if limit := b.limiter.Limit(); limit < b.full.refill {
		b.limiter.SetLimit(min(limit+b.full.refill/10, b.full.refill))
	}
}

// costKey is the context's key for how many instances a request is about.
type costKey struct{}

// costing says how many instances the request is about.
func costing(ctx context.Context, instances int) context.Context {
	return context.WithValue(ctx, costKey{}, instances)
}

func cost(ctx context.Context) int {
	instances, _ := ctx.Value(costKey{}).(int)
	return instances
}
