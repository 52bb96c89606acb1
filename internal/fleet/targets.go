package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// groupTargets are the targets of each group, by its ARN and by instance.
type groupTargets map[string]map[string]cloud.Target

func targetGroups(ctx context.Context, aws AWS, arns []string) (groupTargets, error) {
	groups := groupTargets{}
	for _, arn := range arns {
		found, err := aws.Targets(ctx, arn)
		if err != nil {
			return nil, err
		}
		groups[arn] = found
	}
	return groups, nil
}

// serving reports whether a target does what it is there for. In a group that no load
// balancer uses nothing is checked, and nothing can be waited for.
func serving(target cloud.Target) bool {
	return target.State == cloud.TargetHealthy || target.State == cloud.TargetUnused && target.Reason == cloud.TargetNotInUse
}

// registered reports whether an instance is, or is about to be, in a group.
func registered(target cloud.Target, there bool) bool {
	return there && target.State != cloud.TargetDraining && (target.State != cloud.TargetUnused || target.Reason == cloud.TargetNotInUse)
}

// describeTarget says in words what a group says of an instance.
func describeTarget(arn string, target cloud.Target) string {
	if target.State == "" {
		return "is not in target group " + groupName(arn)
	}
	text := fmt.Sprintf("is %s in target group %s: %s", target.State, groupName(arn), target.Reason)
	if target.Description != "" {
		text += ": " + target.Description
	}
	return text
}

// lookAt notes in which groups a member is missing, and whether it fails in one.
func (m *Member) lookAt(groups groupTargets, health Health, now time.Time) {
	for arn, targets := range groups {
		target, there := targets[m.Instance.ID]
		if !registered(target, there) {
			m.Unregistered = append(m.Unregistered, arn)
		}
		late := m.late(health.Grace, now)
		if health.TargetGroups && late && m.Broken == "" && there && target.State == cloud.TargetUnhealthy {
			m.Broken = describeTarget(arn, target)
		}
	}
	slices.Sort(m.Unregistered)
}

// register puts running instances into all target groups.
func (r *run) register(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, arn := range r.spec.TargetGroupARNs {
		if err := r.aws.RegisterTargets(ctx, arn, ids); err != nil {
			return fmt.Errorf("target group %s: %w", groupName(arn), err)
		}
	}
	return nil
}

// drain takes instances out of all target groups, the former ones included, and waits
// until their connections have ended, for as long as each group allows them.
func (r *run) drain(ctx context.Context, members []Member) error {
	return drain(ctx, r.aws, r.groups(), members, r.options.Progress)
}

// groups are the wanted target groups and those that were wanted before.
func (r *run) groups() []string {
	groups := slices.Clone(r.spec.TargetGroupARNs)
	if r.options.Previous != nil {
		for _, arn := range r.options.Previous.TargetGroupARNs {
			if !slices.Contains(groups, arn) {
				groups = append(groups, arn)
			}
		}
	}
	return groups
}

func drain(ctx context.Context, aws AWS, groups []string, members []Member, progress report.Progress) error {
	ids, left := idsOf(members), len(members)
	if len(ids) == 0 || len(groups) == 0 {
		return nil
	}
	progress.Printf("draining %s from %s", memberRange(members), groupNames(groups))
	for _, arn := range groups {
		if err := aws.DeregisterTargets(ctx, arn, ids); err != nil {
			return err
		}
	}
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the connections of %s (%s) to drain", instances(len(ids)), aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			var err error
			left, err = draining(ctx, aws, groups, ids)
			if err != nil || left > 0 {
				return left, cloud.TargetDraining, "", err
			}
			return 0, "drained", "", nil
		},
		Pending: []string{cloud.TargetDraining},
		Target:  []string{"drained"},

		Progress: progress, Far: func() string { return fmt.Sprintf("%d of %d still have connections", left, len(ids)) },
	}.Wait(ctx)
	return err
}

// draining counts the instances that still have connections in one of the groups.
func draining(ctx context.Context, aws AWS, groups, ids []string) (int, error) {
	all, err := targetGroups(ctx, aws, groups)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, id := range ids {
		busy := slices.ContainsFunc(groups, func(arn string) bool { return all[arn][id].State == cloud.TargetDraining })
		if busy {
			left++
		}
	}
	return left, nil
}
