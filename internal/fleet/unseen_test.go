package fleet

import (
	"context"
	"fmt"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// hasty stops the apply at a launch: with its answer, or before it has come.
type hasty struct {
	*cloud.Region
	stop   context.CancelFunc
	answer bool
}

func (h hasty) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	launched, err := h.Region.RunInstances(ctx, launch)
	h.stop()
	if !h.answer {
		return nil, ctx.Err()
	}
	return launched, err
}

// A create that is stopped at its launch has instances that EC2 does not show yet. They are
// in the state, or the next create has them: never nobody.
func TestApply_stoppedBeforeTheLaunchIsSeen(t *testing.T) {
	for _, answer := range []bool{true, false} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("answer %t, seed %d", answer, seed), func(t *testing.T) {
				onStage(t, lab.Options{Weather: "aws", Seed: seed}, func(t *testing.T, stage *terraform, spec Spec) {
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					observed, err := stage.apply(ctx, hasty{stage.Region, stop, answer}, spec, nil)
					if err == nil {
						t.Fatal("an apply that was stopped reports success")
					}
					if observed.Empty() {
						stage.owner.ID = ""
					} else if _, err := stage.destroy(t.Context(), stage.Region, spec); err != nil {
						t.Fatal(err)
					}
					applied(t, stage, spec, nil)
					destroyed(t, stage, spec)
				})
			})
		}
	}
}

// A create that has taken over from a dead one and is stopped before it has read anything
// leaves the lease to the next one: nobody else would know of what the dead one has made.
func TestApply_stoppedBeforeItHasReadWhatItTakesOver(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dies := hasty{stage.Region, func() { stage.DieAt(1, false, cancel) }, true}
		if _, err := Apply(ctx, dies, spec, Options{Owner: stage.owner}); err == nil {
			t.Fatal("a create that was killed reports success")
		}
		stage.Restart()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		outcome, err := Apply(ctx, blind{stage.Region, stop}, spec, Options{Owner: stage.owner})
		if err == nil || !outcome.Observed.Empty() {
			t.Fatalf("got %+v, %v, want a create that was stopped before it had read anything", outcome, err)
		}
		applied(t, stage, spec, nil)
		destroyed(t, stage, spec)
	})
}

// blind is stopped at its first look at instances.
type blind struct {
	*cloud.Region
	stop context.CancelFunc
}

func (b blind) Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error) {
	b.stop()
	return b.Region.Instances(ctx, query)
}
