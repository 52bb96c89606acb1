package cloud

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Limits of EC2's requests.
const (
	// pageSize is the most items of a page, and maxIDs the most ids of a request; one
	// request cannot name ids and a page size.
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-pagination.html
	pageSize = 1000
	maxIDs   = 1000
	// maxStatusIDs is DescribeInstanceStatus's own.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
	maxStatusIDs = 100
	// maxFilterValues is the most values of all filters of a request.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
	maxFilterValues = 200
)

// visibleWithin is how long an id may be unknown after its creation has been
// answered. AWS's advice is to try for up to a few minutes; what takes longer than
// one is in practice an id that is gone.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const visibleWithin = time.Minute

// Region is one region of an account as the engines see it. It is safe for concurrent
// use. Errors of AWS are of type *Error; that the context ended is passed through.
type Region struct {
	name  string
	ec2   ec2Calls
	ssm   ssmCalls
	elb   elbCalls
	s3    s3Calls
	sts   stsCalls
	pools Pools
	turns Turns
	// statusPages spares readings that would not pay.
	statusPages pageCount
	// insecure is set when TLS certificates are not verified.
	insecure bool
}

func newRegion(name string, resolved aws.Config, endpoints map[string]string, account stsCalls) *Region {
	config := resolved.Copy()
	config.Region = name
	return &Region{
		name: name,
		ec2:  newEC2Calls(config, endpoints["ec2"], newPacer()),
		ssm:  newSSMCalls(config, endpoints["ssm"]),
		elb:  newELBCalls(config, endpoints["elbv2"]),
		s3:   newS3Calls(config, endpoints["s3"]),
		sts:  account,
	}
}

// Name is the region's name, like "eu-west-1".
func (r *Region) Name() string { return r.name }

// Pools remembers which pools of the region lacked capacity.
func (r *Region) Pools() *Pools { return &r.pools }

// Turns lets one apply of this process at a time work on a thing of the region.
func (r *Region) Turns() *Turns { return &r.turns }

// created does something to an id that may just have been created, and for a while
// takes "not found" for "not visible yet".
func created(ctx context.Context, do func() error) error {
	return persist(ctx, do, func(err error) bool { return ClassOf(err) == NotFound })
}

// persist repeats what fails in the way of eventual consistency, for at most
// visibleWithin.
func persist(ctx context.Context, do func() error, tooEarly func(error) bool) error {
	deadline := time.Now().Add(visibleWithin)
	for pause := 500 * time.Millisecond; ; pause = min(pause*2, 8*time.Second) {
		err := do()
		if err == nil || !tooEarly(err) || time.Now().Add(pause).After(deadline) {
			return err
		}
		if ended := wait(ctx, pause); ended != nil {
			return fmt.Errorf("%w; last error: %s", ended, err.Error()) // not wrapped: nobody must take it for its class
		}
	}
}

// wait pauses, unless the context ends.
func wait(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// literal keeps EC2 from reading wildcards into a filter's value.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// tagFilters select what carries all of the tags.
func tagFilters(tags Tags) []types.Filter {
	var filters []types.Filter
	for _, tag := range ec2Tags(tags) {
		filters = append(filters, filter("tag:"+aws.ToString(tag.Key), literal.Replace(aws.ToString(tag.Value))))
	}
	return filters
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// ec2Tags are the tags in the order of their keys, so that the same request is the
// same bytes: a client token goes with the parameters that it came with.
func ec2Tags(tags Tags) []types.Tag {
	var all []types.Tag
	for key, value := range tags {
		all = append(all, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	slices.SortFunc(all, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return all
}

// tagsOf keeps each text once: a thousand instances of a batch have the same long tags.
func tagsOf(tags []types.Tag) Tags {
	all := make(Tags, len(tags))
	for _, tag := range tags {
		all[unique.Make(aws.ToString(tag.Key)).Value()] = unique.Make(aws.ToString(tag.Value)).Value()
	}
	return all
}

// tagSpecifications put the same tags on each kind of thing that a call creates.
func tagSpecifications(tags Tags, kinds ...types.ResourceType) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	var all []types.TagSpecification
	for _, kind := range kinds {
		all = append(all, types.TagSpecification{ResourceType: kind, Tags: ec2Tags(tags)})
	}
	return all
}
