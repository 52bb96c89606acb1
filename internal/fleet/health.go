package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// waitReady waits until the instances run and both status checks of each are passed.
// An instance that ends while it is waited for ends the wait, with AWS's reason.
func (r *run) waitReady(ctx context.Context, members []Member) error {
	waiting := map[string]bool{}
	for _, member := range members {
		waiting[member.Instance.ID] = true
	}
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("%s (%s) to be ready", instances(len(members)), r.aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			if err := r.dropReady(ctx, waiting); err != nil {
				return 0, "", "", err
			}
			if len(waiting) == 0 {
				return 0, "ready", "", nil
			}
			if dead, err := r.dead(ctx, waiting); dead != "" || err != nil {
				return 0, "ended", dead, err
			}
			return len(waiting), "not ready", "", nil
		},
		Pending: []string{"not ready"},
		Target:  []string{"ready"},
		Failed:  []string{"ended"},
	}.Wait(ctx)
	if err == nil {
		r.options.Progress.Printf("%s ready", instances(len(members)))
		return nil
	}
	if _, late := errors.AsType[*cloud.TimeoutError](err); late {
		return fmt.Errorf("%w; not ready are %s", err, r.names(members, waiting))
	}
	return err
}

// dropReady takes out of the set the instances that are ready by now.
func (r *run) dropReady(ctx context.Context, waiting map[string]bool) error {
	ids := make([]string, 0, len(waiting))
	for id := range waiting {
		ids = append(ids, id)
	}
	statuses, err := r.aws.Statuses(ctx, cloud.StatusQuery{IDs: ids})
	if err != nil {
		return err
	}
	for _, status := range statuses {
		if status.Ready() {
			delete(waiting, status.InstanceID)
		}
	}
	return nil
}

// dead says which instances that are waited for have ended, and why.
func (r *run) dead(ctx context.Context, waiting map[string]bool) (string, error) {
	ended, err := r.aws.Instances(ctx, cloud.InstanceQuery{
		Tags:   ownership(r.spec.Name),
		States: []string{cloud.InstanceShuttingDown, cloud.InstanceTerminated, cloud.InstanceStopping, cloud.InstanceStopped},
	})
	if err != nil {
		return "", err
	}
	var reasons []string
	for _, instance := range ended {
		if waiting[instance.ID] {
			reasons = append(reasons, fmt.Sprintf("%s is %s (%s)", instance.ID, instance.State, instance.StateReason))
		}
	}
	return strings.Join(reasons, "; "), nil
}

// names lists instances with their slots, the first ten of them.
func (r *run) names(members []Member, waiting map[string]bool) string {
	const most = 10
	var names []string
	for _, member := range members {
		if waiting[member.Instance.ID] {
			names = append(names, fmt.Sprintf("%s (slot %d)", member.Instance.ID, member.Slot))
		}
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
