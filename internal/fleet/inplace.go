package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// updateInPlace changes tags, security groups, profile, metadata options, monitoring,
// protection and target groups on running instances.
func (r *run) updateInPlace(ctx context.Context) error {
	if err := r.update(ctx); err != nil {
		return err
	}
	// Only now, so that an instance serves in one group or the other all the time.
	if err := r.leaveFormerGroups(ctx); err != nil {
		return r.inPlaceFailure("target groups", err)
	}
	return nil
}

// update does what is to be done on each instance, and waits until those that are new
// in target groups serve there.
func (r *run) update(ctx context.Context) error {
	updates := r.plan.Updates
	if len(updates) == 0 {
		return nil
	}
	r.tellUpdates(updates)
	some := func(what func(Update) bool) []string {
		var ids []string
		for _, update := range updates {
			if what(update) {
				ids = append(ids, update.Member.Instance.ID)
			}
		}
		return ids
	}
	steps := []struct {
		what string
		ids  []string
		do   func(ids []string) error
	}{
		{"security groups", some(func(u Update) bool { return u.Groups }), func(ids []string) error { return r.regroup(ctx, ids) }},
		{"instance profile", some(func(u Update) bool { return u.Profile }), func(ids []string) error {
			return r.aws.SetInstanceProfile(ctx, ids, r.spec.InstanceProfile)
		}},
		{"metadata options", some(func(u Update) bool { return u.Metadata }), func(ids []string) error {
			return r.aws.SetMetadataOptions(ctx, ids, r.spec.Metadata)
		}},
		{"monitoring", some(func(u Update) bool { return u.Monitoring }), func(ids []string) error {
			return r.aws.SetMonitoring(ctx, ids, r.spec.Monitoring)
		}},
		{"protection", some(func(u Update) bool { return u.Protection }), func(ids []string) error { return r.protect(ctx, ids) }},
		{"target groups", some(func(u Update) bool { return u.Register }), func(ids []string) error { return r.register(ctx, ids) }},
	}
	if err := r.writeTags(ctx, updates); err != nil {
		return r.inPlaceFailure("tags", err)
	}
	for _, step := range steps {
		if len(step.ids) == 0 {
			continue
		}
		if err := step.do(step.ids); err != nil {
			return r.inPlaceFailure(step.what, err)
		}
	}
	return r.waitServing(ctx, updates)
}

// waitServing waits until the instances that were put into target groups serve there.
func (r *run) waitServing(ctx context.Context, updates []Update) error {
	var members []Member
	for _, update := range updates {
		if update.Register && r.spec.Health.TargetGroups {
			members = append(members, update.Member)
		}
	}
	if err := r.waitReady(ctx, members); err != nil {
		return r.inPlaceFailure("target groups", err)
	}
	return nil
}

// leaveFormerGroups takes the instances that are kept out of target groups that are not
// wanted any more. Those that were replaced, or end, leave all groups by themselves.
func (r *run) leaveFormerGroups(ctx context.Context) error {
	chosen, _ := choose(r.spec, r.observed)
	var ids []string
	for _, slot := range r.plan.Keep {
		ids = append(ids, chosen[slot].Instance.ID)
	}
	for _, arn := range r.groups() {
		if slices.Contains(r.spec.TargetGroupARNs, arn) || len(ids) == 0 {
			continue
		}
		if err := r.aws.DeregisterTargets(ctx, arn, ids); err != nil {
			return fmt.Errorf("target group %s: %w", groupName(arn), err)
		}
	}
	return nil
}

func (r *run) regroup(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := r.aws.SetSecurityGroups(ctx, id, r.spec.SecurityGroupIDs); err != nil {
			return err
		}
	}
	return nil
}

// protect sets both protections, and then the tag that says so.
func (r *run) protect(ctx context.Context, ids []string) error {
	if err := r.aws.SetTerminationProtection(ctx, ids, r.spec.TerminationProtection); err != nil {
		return err
	}
	if err := r.aws.SetStopProtection(ctx, ids, r.spec.StopProtection); err != nil {
		return err
	}
	if r.spec.protection() == "" {
		return r.aws.DeleteTags(ctx, ids, []string{cloud.TagProtection})
	}
	return r.aws.CreateTags(ctx, ids, cloud.Tags{cloud.TagProtection: r.spec.protection()})
}

// waitTagged waits until the instances are described with a tag: whoever reads them next
// must not take them for unfinished.
func (r *run) waitTagged(ctx context.Context, ids []string, key, value string) error {
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the tags of %s (%s) to be visible", instances(len(ids)), r.aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			found, err := r.aws.Instances(ctx, cloud.InstanceQuery{IDs: ids})
			for _, instance := range found {
				if instance.Tags[key] != value {
					return 0, "not visible", "", err
				}
			}
			return len(found), "visible", "", err
		},
		Pending: []string{"not visible"},
		Target:  []string{"visible"},

		Progress: r.options.Progress,
	}.Wait(ctx)
	return err
}

// writeTags writes and removes tags: a call for each different set of them, and for
// each 1,000 instances. Those that all instances share are one set.
func (r *run) writeTags(ctx context.Context, updates []Update) error {
	type set struct {
		tags    cloud.Tags
		surplus []string
		ids     []string
	}
	var order []string
	sets := map[string]*set{}
	for _, update := range updates {
		surplus := slices.DeleteFunc(slices.Clone(update.SurplusTags), cloud.Owned)
		if len(update.Tags)+len(surplus) == 0 {
			continue
		}
		// Strings always have a JSON form, and maps one with their keys in order.
		key, _ := json.Marshal([]any{update.Tags, surplus})
		if sets[string(key)] == nil {
			order = append(order, string(key))
			sets[string(key)] = &set{tags: update.Tags, surplus: surplus}
		}
		sets[string(key)].ids = append(sets[string(key)].ids, update.Member.Instance.ID)
	}
	for _, key := range order {
		if err := r.aws.CreateTags(ctx, sets[key].ids, sets[key].tags); err != nil {
			return err
		}
		if len(sets[key].surplus) == 0 {
			continue
		}
		if err := r.aws.DeleteTags(ctx, sets[key].ids, sets[key].surplus); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) inPlaceFailure(what string, err error) error {
	before, more := r.aroundNext(err)
	return r.failure("was not updated altogether", what, err, "no instance was replaced or ended by this", before+"run terraform apply again"+more)
}
