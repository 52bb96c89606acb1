package fleet

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// fate is AWS to which something happens after the last tag was written, which is the
// end of a create.
type fate struct {
	*cloud.Region
	strike func(ids []string)
}

func (f fate) CreateTags(ctx context.Context, ids []string, tags cloud.Tags) error {
	err := f.Region.CreateTags(ctx, ids, tags)
	f.strike(ids)
	return err
}

// An instance that is interrupted after it was ready, and before the apply has ended,
// is the next reading's: the apply has done what was planned, slot by slot.
func TestApply_instanceGoneAtTheEnd(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
		spec.Slots = &Slots{Hostname: "web-%d"}
		observed, err := Apply(t.Context(), fate{stage.Region, func(ids []string) {
			_ = stage.Lab.SetState(ids[0], "terminated")
		}}, spec, Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		for slot := range spec.Size {
			member := observed.Members[slot]
			if member.Instance.ID == "" || member.Hostname != spec.Hostname(slot) || member.ImageID != spec.ImageID {
				t.Errorf("slot %d is %+v", slot, member)
			}
		}
		if plan := NewPlan(spec, observe(t, stage, spec)); len(plan.New) != 1 {
			t.Errorf("the next plan is: %s", plan)
		}
		destroyed(t, stage, spec)
	})
}

// Credentials that expire when all is launched leave what is known, so that state can
// hold it and a destroy finds it.
func TestApply_cannotReadBack(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
		observed, err := Apply(t.Context(), fate{stage.Region, func([]string) {
			stage.Order(lab.FailCall{Code: "ExpiredToken", Times: -1})
		}}, spec, Options{Create: true})
		if err == nil || observed.Empty() || len(observed.Members) != spec.Size {
			t.Errorf("got %v and %+v", err, observed)
		}
		if _, err := Apply(t.Context(), stage.Region, spec, Options{Create: true}); err == nil || errors.Is(err, ErrExists) {
			t.Errorf("got %v, want that nothing can be read", err)
		}
		stage.Lab.LiftAll()
		destroyed(t, stage, spec)
	})
}

// A fleet whose create was interrupted is marked as complete by the next apply, although
// there is nothing else to do: from then on it has an owner.
func TestApply_marksWhatWasInterrupted(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
		ctx, cancel := context.WithTimeout(t.Context(), minute)
		defer cancel()
		if _, err := Apply(ctx, stage.Region, spec, Options{Create: true}); err == nil {
			t.Fatal("all were ready at once")
		}
		<-time.After(10 * minute)
		plan := NewPlan(spec, observe(t, stage, spec))
		if plan.Empty() || len(plan.New)+len(plan.Updates) > 0 {
			t.Errorf("the plan is: %s", plan)
		}
		applied(t, stage, spec, &spec)
		if _, err := Apply(t.Context(), stage.Region, spec, Options{Create: true}); !errors.Is(err, ErrExists) {
			t.Errorf("got %v, want ErrExists", err)
		}
		destroyed(t, stage, spec)
	})
}
