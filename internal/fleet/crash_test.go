package fleet

import (
	"context"
	"fmt"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// The process is killed at every request of every kind of apply, before and after the
// request has its effect. The next apply, or destroy, finishes the work: every slot has
// one instance, and nothing is left that it does not know.
func TestApply_survivesKill(t *testing.T) {
	scenarios := map[string]struct {
		// change is what is applied, to a fleet that was there unless create is set.
		create bool
		change func(stage *rehearsal.Stage, spec *Spec, before *Observation)
	}{
		"create":    {create: true, change: func(*rehearsal.Stage, *Spec, *Observation) {}},
		"scale out": {change: func(_ *rehearsal.Stage, spec *Spec, _ *Observation) { spec.Size = 5 }},
		"scale in":  {change: func(_ *rehearsal.Stage, spec *Spec, _ *Observation) { spec.Size = 1 }},
		"mend": {change: func(stage *rehearsal.Stage, _ *Spec, before *Observation) {
			_ = stage.Lab.SetState(idOf(before, 1), "stopped")
		}},
		"roll": {change: func(stage *rehearsal.Stage, spec *Spec, _ *Observation) { spec.ImageID = stage.OtherImageID() }},
		"in place": {change: func(_ *rehearsal.Stage, spec *Spec, _ *Observation) {
			spec.Tags, spec.TerminationProtection = map[string]string{"App": "web"}, true
		}},
	}
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			for _, after := range []bool{false, true} {
				for nth := 1; dies(t, nth, after, scenario.create, scenario.change); nth += rehearsal.Stride() {
					if nth > 100 {
						t.Fatal("an apply of three instances makes more than 100 requests")
					}
				}
			}
		})
	}
}

// dies kills one apply at its nth request and checks what the next one makes of it. It
// is false when the apply was over before.
func dies(t *testing.T, nth int, after, create bool, change func(*rehearsal.Stage, *Spec, *Observation)) (died bool) {
	t.Helper()
	where := fmt.Sprintf("killed at request %d, after its effect is %t", nth, after)
	onStage(t, lab.Options{Seed: uint64(nth)}, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
		spec.Slots, spec.Rollout.MaxSurge = &Slots{Hostname: "web-%d"}, Amount{2, false}
		var previous *Spec
		var before *Observation
		if !create {
			former := spec
			before, previous = applied(t, stage, spec, nil), &former
		}
		change(stage, &spec, before)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stage.DieAt(nth, after, cancel)
		_, err := Apply(ctx, stage.Region, spec, Options{Create: create, Previous: previous})
		died = stage.Revive()
		if died && err == nil {
			t.Errorf("%s: an apply that was killed reports success", where)
		}
		if !died {
			return
		}
		stage.Restart()
		observed, err := Apply(t.Context(), stage.Region, spec, Options{Create: create && !observe(t, stage, spec).Established, Previous: previous})
		if err != nil {
			t.Fatalf("%s: the next apply: %v", where, err)
		}
		if plan := NewPlan(spec, observe(t, stage, spec)); !plan.Empty() || len(observed.Members) != spec.Size {
			t.Errorf("%s: %d members, and there is something to do: %s", where, len(observed.Members), plan)
		}
		destroyed(t, stage, spec)
		if t.Failed() {
			t.Log(where)
		}
	})
	return died
}

// Killed in a create, a destroy finds everything too.
func TestDestroy_survivesKill(t *testing.T) {
	for nth := 1; nth < 30; nth += rehearsal.Stride() {
		for _, after := range []bool{false, true} {
			onStage(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stage.DieAt(nth, after, cancel)
				_, _ = Apply(ctx, stage.Region, spec, Options{Create: true})
				stage.Restart()
				destroyed(t, stage, spec)
			})
		}
	}
}
