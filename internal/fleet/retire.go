package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// endReplaced ends, before more is replaced, the old instances of slots whose new ones are
// there: an apply that was interrupted has left both. Beside those of the next group there
// would be more than the limits allow.
func (r *run) endReplaced(ctx context.Context) error {
	if len(r.plan.of(BrokenOne))+len(r.plan.Rollout) == 0 {
		return nil // all that is surplus ends in the end
	}
	slots := map[int]bool{}
	for _, member := range r.plan.Wait {
		slots[member.Slot] = true
	}
	var replaced, others []Member
	for _, member := range r.plan.End {
		if slots[member.Slot] {
			replaced = append(replaced, member)
		} else {
			others = append(others, member)
		}
	}
	if err := r.endOnceReady(ctx, r.plan.Wait, replaced, "what was replaced before is as specified, and no more was replaced"); err != nil {
		return err
	}
	r.plan.Wait, r.plan.End = nil, others
	return nil
}

// endSurplus ends what is beyond the size, and surplus instances once those that stay
// in their slots are ready.
func (r *run) endSurplus(ctx context.Context) error {
	return r.endOnceReady(ctx, r.plan.Wait, r.plan.End, "the slots that stay are as specified")
}

// endOnceReady ends surplus instances once others are ready; now says what is there should
// they not end.
func (r *run) endOnceReady(ctx context.Context, wait, surplus []Member, now string) error {
	if len(surplus) == 0 {
		return nil
	}
	if err := r.waitReady(ctx, wait); err != nil {
		return r.failure("has slots with two instances", "", err,
			"both instances of such a slot are kept, since the newer one is not ready", "run terraform apply again")
	}
	if err := r.end(ctx, surplus); err != nil {
		return r.failure("has instances that could not be terminated", "", err, now, "run terraform apply again")
	}
	return nil
}

// end drains instances and terminates them.
func (r *run) end(ctx context.Context, members []Member) error {
	for _, member := range members {
		r.ended[member.Instance.ID] = true
		if r.filled[member.Slot].Instance.ID == member.Instance.ID {
			delete(r.filled, member.Slot)
		}
	}
	return end(ctx, r.aws, r.groups(), members, r.options.Progress)
}

func end(ctx context.Context, aws AWS, groups []string, members []Member, progress report.Progress) error {
	if len(members) == 0 {
		return nil
	}
	working := slices.DeleteFunc(slices.Clone(members), func(member Member) bool { return member.Broken != "" })
	if err := drain(ctx, aws, groups, working, progress); err != nil {
		return err
	}
	progress.Printf("ending %s", memberRange(members))
	if err := lift(ctx, aws, members); err != nil {
		return err
	}
	return terminate(ctx, aws, slices.Sorted(slices.Values(idsOf(members))))
}

// terminate ends all instances that nothing protects. What somebody else has protected
// stays, and is the error, a *ProtectedError. EC2 refuses a request of which it will not
// end all, and ends none of those that are in a zone with a protected one.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
func terminate(ctx context.Context, aws AWS, ids []string) error {
	var protected []string
	var part func(ids []string) error
	part = func(ids []string) error {
		err := aws.TerminateInstances(ctx, ids)
		switch {
		case !cloud.HasCode(err, cloud.CodeNotPermitted):
			return err
		case len(ids) == 1:
			protected = append(protected, ids[0])
			return nil
		}
		if err := part(ids[:len(ids)/2]); err != nil {
			return err
		}
		return part(ids[len(ids)/2:])
	}
	if err := part(ids); err != nil || len(protected) == 0 {
		return err
	}
	return &ProtectedError{InstanceIDs: protected}
}

// ProtectedError says that instances could not be ended, because they are protected from
// termination and it was not the fleet that has protected them.
type ProtectedError struct{ InstanceIDs []string }

// Error names the instances.
func (e *ProtectedError) Error() string {
	return fmt.Sprintf("%s protected from termination, and not by this fleet", isOrAre(e.InstanceIDs))
}

func isOrAre(ids []string) string {
	if len(ids) == 1 {
		return ids[0] + " is"
	}
	return firstOf(ids, ", ") + " are"
}

// lift takes off the protection that the fleet itself has put on.
func lift(ctx context.Context, aws AWS, members []Member) error {
	var ids []string
	for _, member := range members {
		if strings.Contains(member.Instance.Tags[cloud.TagProtection], protectTermination) {
			ids = append(ids, member.Instance.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return aws.SetTerminationProtection(ctx, ids, false)
}
