package cloud

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// instanceID finds ids in the message of InvalidInstanceID.NotFound: "The instance IDs
// 'i-1, i-2' do not exist".
var instanceID = regexp.MustCompile(`\bi-[0-9a-f]+\b`)

// Instances returns the instances that match; ids that do not exist are left out. A
// list in the query that is empty, but not nil, matches nothing.
//
// With ids it asks for those, 1,000 at a time; otherwise for pages of 1,000.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func (r *Region) Instances(ctx context.Context, query InstanceQuery) ([]Instance, error) {
	if query.IDs != nil && len(query.IDs) == 0 || query.ImageIDs != nil && len(query.ImageIDs) == 0 {
		return nil, nil
	}
	var found []Instance
	for imageIDs := range atLeastOnce(query.ImageIDs, maxFilterValues/2) {
		filters := instanceFilters(query, imageIDs)
		for ids := range atLeastOnce(query.IDs, maxIDs) {
			some, err := r.describeInstances(ctx, filters, ids)
			// Asking for each id alone would turn one error into a thousand requests.
			if known, named := without(ids, err); named {
				some, err = r.describeKnown(ctx, filters, known)
			}
			if err != nil {
				return nil, err
			}
			found = append(found, some...)
		}
	}
	return found, nil
}

// atLeastOnce yields the values in chunks, and nil once for no values.
func atLeastOnce(values []string, size int) func(func([]string) bool) {
	if len(values) == 0 {
		return func(yield func([]string) bool) { yield(nil) }
	}
	return slices.Chunk(values, size)
}

func instanceFilters(query InstanceQuery, imageIDs []string) []types.Filter {
	states := query.States
	if len(states) == 0 {
		states = LiveInstanceStates()
	}
	filters := append(tagFilters(query.Tags), filter("instance-state-name", states...))
	if len(imageIDs) > 0 {
		filters = append(filters, filter("image-id", imageIDs...))
	}
	return filters
}

// describeKnown asks for ids of which EC2 knows all that it did not name as unknown.
func (r *Region) describeKnown(ctx context.Context, filters []types.Filter, ids []string) ([]Instance, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return r.describeInstances(ctx, filters, ids)
}

func (r *Region) describeInstances(ctx context.Context, filters []types.Filter, ids []string) ([]Instance, error) {
	in := &ec2.DescribeInstancesInput{Filters: filters, InstanceIds: ids}
	if ids == nil {
		in.MaxResults = aws.Int32(pageSize)
	}
	var found []Instance
	err := pages(
		func(token *string) (*ec2.DescribeInstancesOutput, error) {
			in.NextToken = token
			return call(ctx, r.name, "DescribeInstances", r.ec2.describeInstances, in)
		},
		func(out *ec2.DescribeInstancesOutput) *string { return out.NextToken },
		func(out *ec2.DescribeInstancesOutput) bool {
			for _, reservation := range out.Reservations {
				for i := range reservation.Instances {
					found = append(found, instanceOf(&reservation.Instances[i]))
				}
			}
			return true
		})
	return found, err
}

func instanceOf(from *types.Instance) Instance {
	to := Instance{
		ID:             aws.ToString(from.InstanceId),
		ImageID:        aws.ToString(from.ImageId),
		Type:           string(from.InstanceType),
		Architecture:   string(from.Architecture),
		SubnetID:       aws.ToString(from.SubnetId),
		VPCID:          aws.ToString(from.VpcId),
		PrivateIP:      aws.ToString(from.PrivateIpAddress),
		PublicIP:       aws.ToString(from.PublicIpAddress),
		PrivateDNS:     aws.ToString(from.PrivateDnsName),
		LaunchIndex:    int(aws.ToInt32(from.AmiLaunchIndex)),
		LaunchedAt:     aws.ToTime(from.LaunchTime),
		ClientToken:    aws.ToString(from.ClientToken),
		KeyName:        aws.ToString(from.KeyName),
		RootDeviceName: aws.ToString(from.RootDeviceName),
		Spot:           from.InstanceLifecycle == types.InstanceLifecycleTypeSpot,
		EBSOptimized:   aws.ToBool(from.EbsOptimized),
		Tags:           tagsOf(from.Tags),
	}
	if from.Placement != nil {
		to.AvailabilityZone = aws.ToString(from.Placement.AvailabilityZone)
		to.Placement = Placement{Group: aws.ToString(from.Placement.GroupName), Tenancy: string(from.Placement.Tenancy)}
	}
	if from.State != nil {
		to.State = string(from.State.Name)
	}
	if from.StateReason != nil {
		to.StateReason = reason(from.StateReason)
	}
	for _, group := range from.SecurityGroups {
		to.SecurityGroupIDs = append(to.SecurityGroupIDs, aws.ToString(group.GroupId))
	}
	slices.Sort(to.SecurityGroupIDs)
	to.DefaultGroup = len(from.SecurityGroups) == 1 && aws.ToString(from.SecurityGroups[0].GroupName) == "default"
	to.Placement.CapacityReservation = aws.ToString(from.CapacityReservationId)
	if from.IamInstanceProfile != nil {
		to.InstanceProfileARN = aws.ToString(from.IamInstanceProfile.Arn)
	}
	if options := from.MetadataOptions; options != nil {
		to.Metadata = MetadataOptions{
			Tokens: string(options.HttpTokens), Endpoint: string(options.HttpEndpoint),
			HopLimit: int(aws.ToInt32(options.HttpPutResponseHopLimit)), InstanceTags: string(options.InstanceMetadataTags),
		}
	}
	if monitoring := from.Monitoring; monitoring != nil {
		to.Monitoring = monitoring.State == types.MonitoringStateEnabled || monitoring.State == types.MonitoringStatePending
	}
	return to
}

// reason is AWS's reason for a state. The message mostly begins with a code, which at
// times is another one than the code beside it; then it is the message that is right.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func reason(from *types.StateReason) string {
	if message := aws.ToString(from.Message); message != "" {
		return report.Clean(message)
	}
	return report.Clean(aws.ToString(from.Code))
}

// TerminateInstances terminates the instances, 1,000 a request; ids that are gone are
// left out. It returns when EC2 has agreed, not when the instances are gone.
//
// An id that EC2 does not know may be one that was launched a moment ago: it counts as
// gone only when it stays unknown, or an instance would be left behind.
func (r *Region) TerminateInstances(ctx context.Context, ids []string) error {
	for batch := range slices.Chunk(ids, maxIDs) {
		err := created(ctx, func() (err error) {
			batch, err = r.terminateKnown(ctx, batch)
			return err
		})
		if half := len(batch) / 2; half > 0 && err != nil && ClassOf(err) == Throttle && ctx.Err() == nil {
			// What others of the account use of the bucket leaves too little for all at once,
			// and may always do.
			// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
			if err = r.TerminateInstances(ctx, batch[:half]); err == nil {
				err = r.TerminateInstances(ctx, batch[half:])
			}
		}
		if err != nil && !HasCode(err, CodeInstanceNotFound) {
			return err
		}
	}
	return nil
}

// terminateKnown terminates the instances that EC2 knows. The others come back with
// its error: EC2 agrees to all of a request or, for one id that it does not know, to
// nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
func (r *Region) terminateKnown(ctx context.Context, ids []string) (unknown []string, err error) {
	for known := ids; len(known) > 0; {
		_, failed := call(costing(ctx, len(known)), r.name, "TerminateInstances", r.ec2.terminateInstances,
			&ec2.TerminateInstancesInput{InstanceIds: known})
		if failed == nil {
			return unknown, err
		}
		left, named := without(known, failed)
		if !named {
			return ids, failed
		}
		unknown = append(unknown, slices.DeleteFunc(slices.Clone(known), func(id string) bool { return slices.Contains(left, id) })...)
		known, err = left, failed
	}
	return unknown, err
}

// without returns the ids without those that the error says do not exist, and whether
// it names any.
func without(ids []string, err error) (left []string, named bool) {
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Code != CodeInstanceNotFound {
		return ids, false
	}
	gone := instanceID.FindAllString(failed.Message, -1)
	left = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(gone, id) })
	return left, len(left) < len(ids)
}

// ConsoleOutput returns what the instance has printed on its serial console: the last
// 64 KiB of it at most. Only Nitro instances show what they print while they run;
// others show what there was shortly after a start or a stop.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html
func (r *Region) ConsoleOutput(ctx context.Context, instanceID string) (string, error) {
	in := &ec2.GetConsoleOutputInput{InstanceId: &instanceID, Latest: aws.Bool(true)}
	var out *ec2.GetConsoleOutputOutput
	err := created(ctx, func() (err error) {
		out, err = call(ctx, r.name, "GetConsoleOutput", r.ec2.getConsoleOutput, in)
		if HasCode(err, codeUnsupportedOperation) {
			in.Latest = nil
			out, err = call(ctx, r.name, "GetConsoleOutput", r.ec2.getConsoleOutput, in)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return consoleText(r.name, aws.ToString(out.Output))
}
