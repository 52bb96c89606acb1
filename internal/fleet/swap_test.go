package fleet

import (
	"context"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// doorkeeper sees to it that no instance leaves a target group before it serves in
// another.
type doorkeeper struct {
	*cloud.Region
	t     *testing.T
	other string
	left  int
}

func (d *doorkeeper) DeregisterTargets(ctx context.Context, groupARN string, instanceIDs []string) error {
	targets, err := d.Targets(ctx, d.other)
	if err != nil {
		return err
	}
	for _, id := range instanceIDs {
		d.left++
		if !serving(targets[id]) {
			d.t.Errorf("%s leaves its target group and is %q in the other", id, targets[id].State)
		}
	}
	return d.Region.DeregisterTargets(ctx, groupARN, instanceIDs)
}

// One target group in place of another: an instance joins the new one before it leaves
// the old one.
func TestApply_swapsTargetGroups(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		former, other := stage.TargetGroup("blue"), stage.TargetGroup("green")
		spec.TargetGroupARNs = []string{former}
		before := applied(t, stage, spec, nil)
		next := spec
		next.TargetGroupARNs = []string{other}
		door := &doorkeeper{Region: stage.Region, t: t, other: other}
		after, err := stage.apply(t.Context(), door, next, &spec)
		if err != nil || door.left != spec.Size || idOf(after, 0) != idOf(before, 0) {
			t.Errorf("%d instances left the old group, want %d: %v", door.left, spec.Size, err)
		}
		healthy(t, stage, other, after)
		destroyed(t, stage, next)
	})
}
