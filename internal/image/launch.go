package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// spentTokens is how many client tokens in a row may bring back a terminated
// instance before something else must be wrong.
const spentTokens = 50

// unclearAnswers is how often a call whose answer got lost is repeated, with the
// same client token, beyond what the SDK retries itself.
const unclearAnswers = 3

// pool is one place to launch in.
type pool struct{ instanceType, subnetID string }

// pools lists where a temporary instance may run: for each type every subnet, so
// that the preferred type is tried everywhere first.
func (r *run) pools(ctx context.Context, architecture string, types []string) ([]pool, error) {
	if len(types) == 0 {
		types = []string{r.spec.defaultType(architecture)}
	}
	subnets := r.spec.Bake.SubnetIDs
	if len(subnets) == 0 {
		defaults, err := r.aws.DefaultSubnets(ctx)
		if err != nil {
			return nil, err
		}
		for _, subnet := range defaults {
			subnets = append(subnets, subnet.ID)
		}
		if len(subnets) == 0 {
			return nil, fmt.Errorf("%s has no default VPC to launch in: set bake.subnet_ids", r.aws.Name())
		}
	}
	var pools []pool
	for _, instanceType := range types {
		for _, subnet := range subnets {
			pools = append(pools, pool{instanceType, subnet})
		}
	}
	return pools, nil
}

// defaultType is the smallest on which nobody waits long. Windows needs more memory.
func (s Spec) defaultType(architecture string) string {
	switch {
	case s.windows():
		return "t3.large"
	case architecture == "arm64":
		return "t4g.small"
	default:
		return "t3.small"
	}
}

// launchTemporary launches a builder or a proof in the first pool that has room.
func (r *run) launchTemporary(ctx context.Context, architecture string, types []string, launch cloud.Launch) (cloud.Instance, error) {
	pools, err := r.pools(ctx, architecture, types)
	if err != nil {
		return cloud.Instance{}, err
	}
	launch.MinCount, launch.MaxCount = 1, 1
	launch.SecurityGroupIDs = r.spec.Bake.SecurityGroupIDs
	launch.AssociatePublicIP = r.spec.Bake.AssociatePublicIP
	launch.Metadata = cloud.MetadataOptions{
		Tokens: "required", Endpoint: "enabled", HopLimit: r.spec.Bake.HopLimit, InstanceTags: r.spec.Bake.InstanceTags,
	}
	var refusals []error
	for _, rested := range []bool{false, true} {
		for _, pool := range pools {
			key := cloud.Pool{InstanceType: pool.instanceType, SubnetID: pool.subnetID}
			if r.aws.Pools().Resting(key) != rested {
				continue
			}
			launch.InstanceType, launch.SubnetID = pool.instanceType, pool.subnetID
			instance, err := r.launchOne(ctx, launch)
			switch {
			case err == nil:
				return instance, nil
			case cloud.ClassOf(err) == cloud.Capacity:
				r.aws.Pools().Rest(key)
			case cloud.ClassOf(err) == cloud.Unsupported, cloud.ClassOf(err) == cloud.Addresses:
			default:
				return cloud.Instance{}, err
			}
			r.options.Progress.Printf("no room for %s in %s: %v", pool.instanceType, pool.subnetID, err)
			refusals = append(refusals, fmt.Errorf("%s in %s: %w", pool.instanceType, pool.subnetID, err))
		}
		if len(refusals) > 0 {
			break
		}
	}
	return cloud.Instance{}, errors.Join(refusals...)
}

// nextAfterLaunch says what to do about a call that was refused.
func nextAfterLaunch(err error) string {
	const again = ", then run terraform apply again"
	switch cloud.ClassOf(err) {
	case cloud.Quota:
		return "ask for a higher quota (Service Quotas, Amazon EC2), or name types of another family" + again
	case cloud.Capacity, cloud.Unsupported, cloud.Addresses:
		return "name further types in bake.instance_types or verify.instance_types, or further subnets in bake.subnet_ids" + again
	case cloud.Denied:
		return "run terraform apply again"
	default:
		return "correct what AWS complains of" + again
	}
}

// launchOne launches one instance with a client token derived from what it is for,
// so that a repeated call returns the first one's instance. A token that brings
// back a terminated instance is spent, and the next is used.
func (r *run) launchOne(ctx context.Context, launch cloud.Launch) (cloud.Instance, error) {
	r.temporary.Store(true) // also of one whose answer gets lost
	unclear := 0
	for attempt := 0; attempt < spentTokens; {
		launch.ClientToken = r.owner.LaunchToken(launch, attempt)
		instances, err := r.aws.RunInstances(ctx, launch)
		r.note(ctx, err)
		switch {
		case cloud.HasCode(err, cloud.CodeTokenSpent):
			attempt++
		case cloud.ClassOf(err) == cloud.Unclear && err != nil && unclear < unclearAnswers && ctx.Err() == nil:
			unclear++
		case err != nil:
			if cloud.ClassOf(err) == cloud.Unclear || ctx.Err() != nil {
				r.begun.Store(true)
			}
			return cloud.Instance{}, err
		case len(instances) == 1 && instances[0].Live():
			r.begun.Store(true)
			return instances[0], nil
		default:
			attempt++
		}
	}
	return cloud.Instance{}, fmt.Errorf("%d client tokens in a row brought back terminated instances", spentTokens)
}
