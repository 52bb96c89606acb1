package cloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// maxTargets is how many targets one request names here. The API states no limit of
// its own; this keeps requests of a size that is in use everywhere.
const maxTargets = 100

// States of a target.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
const (
	TargetInitial   = "initial"
	TargetHealthy   = "healthy"
	TargetUnhealthy = "unhealthy"
	TargetUnused    = "unused"
	TargetDraining  = "draining"
)

// TargetNotInUse is the reason of targets whose group no load balancer uses: they are
// never checked.
const TargetNotInUse = "Target.NotInUse"

// TargetBadAnswer is the reason of targets that answer with another code than the group
// wants.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
const TargetBadAnswer = "Target.ResponseCodeMismatch"

// Target is what a target group says of one instance.
type Target struct {
	InstanceID string
	// State is one of the Target… constants, or one that is unknown here.
	State string
	// Reason is a code like "Target.Timeout", Description its words.
	Reason, Description string
}

// RegisterTargets puts running instances into a target group. Those that are in it
// already stay.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
func (r *Region) RegisterTargets(ctx context.Context, groupARN string, instanceIDs []string) error {
	for batch := range slices.Chunk(instanceIDs, maxTargets) {
		_, err := call(ctx, r.name, "RegisterTargets", r.elb.register,
			&elb.RegisterTargetsInput{TargetGroupArn: &groupARN, Targets: targets(batch)})
		if err != nil {
			return err
		}
	}
	return nil
}

// DeregisterTargets takes instances out of a target group: no new connections, and
// the old ones drain for as long as the group says. A group that is gone, or an
// instance that is not in it, is as good as done.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
func (r *Region) DeregisterTargets(ctx context.Context, groupARN string, instanceIDs []string) error {
	for batch := range slices.Chunk(instanceIDs, maxTargets) {
		_, err := call(ctx, r.name, "DeregisterTargets", r.elb.deregister,
			&elb.DeregisterTargetsInput{TargetGroupArn: &groupARN, Targets: targets(batch)})
		if err != nil && !HasCode(err, codeTargetGroupNotFound, codeInvalidTarget) {
			return err
		}
	}
	return nil
}

// Targets returns all targets of a group, by instance; none of a group that is gone.
// One request answers for all of them.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
func (r *Region) Targets(ctx context.Context, groupARN string) (map[string]Target, error) {
	out, err := call(ctx, r.name, "DescribeTargetHealth", r.elb.describeHealth, &elb.DescribeTargetHealthInput{TargetGroupArn: &groupARN})
	if HasCode(err, codeTargetGroupNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make(map[string]Target, len(out.TargetHealthDescriptions))
	for _, from := range out.TargetHealthDescriptions {
		if from.Target == nil || from.TargetHealth == nil {
			continue
		}
		id := aws.ToString(from.Target.Id)
		found[id] = Target{
			InstanceID: id, State: string(from.TargetHealth.State),
			Reason: string(from.TargetHealth.Reason), Description: report.Clean(aws.ToString(from.TargetHealth.Description)),
		}
	}
	return found, nil
}

func targets(ids []string) []types.TargetDescription {
	described := make([]types.TargetDescription, 0, len(ids))
	for _, id := range ids {
		described = append(described, types.TargetDescription{Id: &id})
	}
	return described
}
