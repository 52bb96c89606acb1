package fleet

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// createThen creates the fleet, and does something once all of it is ready, before the
// create has ended.
func (tf *terraform) createThen(t *testing.T, spec Spec, strike func(ids []string)) (*Observation, error) {
	t.Helper()
	outcome, err := Apply(t.Context(), tf.Region, spec, Options{Owner: tf.owner, Progress: func(line string) {
		if !strings.HasSuffix(line, " ready") {
			return
		}
		found, err := tf.Region.Instances(t.Context(), cloud.InstanceQuery{Tags: tf.owner.Index()})
		if err != nil {
			t.Fatal(err)
		}
		strike(idsOf(membersOf(found, nil)))
	}})
	tf.owner = outcome.Owner
	return outcome.Observed, err
}

// An instance that is interrupted after it was ready, and before the apply has ended,
// is the next reading's: the apply has done what was planned, slot by slot.
func TestApply_instanceGoneAtTheEnd(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Slots = &Slots{Hostname: "web-%d"}
		observed, err := stage.createThen(t, spec, func(ids []string) { _ = stage.Lab.SetState(ids[0], "terminated") })
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
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		observed, err := stage.createThen(t, spec, func([]string) { stage.Order(lab.FailCall{Code: "ExpiredToken", Times: -1}) })
		if err == nil || observed.Empty() || len(observed.Members) != spec.Size || stage.owner.ID == "" {
			t.Errorf("got %v and %+v of %s", err, observed, stage.owner)
		}
		stage.Lab.LiftAll()
		destroyed(t, stage, spec)
	})
}
