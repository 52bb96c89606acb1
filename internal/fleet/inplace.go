package fleet

import (
	"context"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// updateInPlace changes tags, security groups and profile on running instances. Tags
// are the same for all, so they cost a call for each 1,000 instances.
func (r *run) updateInPlace(ctx context.Context) error {
	var retag, regroup, profile []string
	surplus := map[string]bool{}
	for _, update := range r.plan.Updates {
		id := update.Member.Instance.ID
		if len(update.Tags)+len(update.SurplusTags) > 0 {
			retag = append(retag, id)
		}
		for _, key := range update.SurplusTags {
			surplus[key] = true
		}
		if update.Groups {
			regroup = append(regroup, id)
		}
		if update.Profile {
			profile = append(profile, id)
		}
	}
	if err := r.retag(ctx, retag, slices.Sorted(maps.Keys(surplus))); err != nil {
		return r.inPlaceFailure("tags", err)
	}
	for _, id := range regroup {
		if err := r.aws.SetSecurityGroups(ctx, id, r.spec.SecurityGroupIDs); err != nil {
			return r.inPlaceFailure("security groups of "+id, err)
		}
	}
	if len(profile) == 0 {
		return nil
	}
	if err := r.aws.SetInstanceProfile(ctx, profile, r.spec.InstanceProfile); err != nil {
		return r.inPlaceFailure("instance profile", err)
	}
	return nil
}

func (r *run) retag(ctx context.Context, ids, surplus []string) error {
	if len(ids) == 0 {
		return nil
	}
	r.options.Progress.Printf("updating the tags of %s", instances(len(ids)))
	if err := r.aws.CreateTags(ctx, ids, r.spec.userTags()); err != nil {
		return err
	}
	surplus = slices.DeleteFunc(surplus, cloud.Owned)
	if len(surplus) == 0 {
		return nil
	}
	return r.aws.DeleteTags(ctx, ids, surplus)
}

func (r *run) inPlaceFailure(what string, err error) error {
	return r.failure("was not updated altogether", what, err, "no instance was replaced or ended by this", "run terraform apply again")
}
