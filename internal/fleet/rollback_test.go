package fleet

import (
	"context"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// A canary that fails within its grace, but after it was ready, has not stayed ready.
func TestRollout_soakIsNotShieldedByTheGrace(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout.Canary, spec.Rollout.Soak, spec.Health.Grace = 4, 1, 10*minute, 60*minute
		applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID, AfterSeconds: 600})
		observed, err := stage.apply(t.Context(), stage.Region, bad, &spec)
		if err == nil || !strings.Contains(err.Error(), "did not survive its soak") {
			t.Fatalf("got %v, want that the canary did not survive", err)
		}
		if observed.Members[3].ImageID != spec.ImageID {
			t.Error("the rollout went on")
		}
	})
}

// What state holds after an import says little of how the instances were launched.
func TestRollout_doesNotGoBackToWhatNeverWas(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout.Canary, spec.UserData = 4, 1, []byte("#!/bin/sh\n")
		before := applied(t, stage, spec, nil)
		imported := spec
		imported.UserData = nil
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID})
		observed, err := stage.apply(t.Context(), stage.Region, bad, &imported)
		if err == nil {
			t.Fatal("a bad image was rolled out")
		}
		t.Log(err)
		for slot := range spec.Size {
			if idOf(observed, slot) != idOf(before, slot) {
				t.Errorf("slot %d was replaced", slot)
			}
		}
	})
}

// spoiler makes every instance that gets a root volume of one image fail its status
// checks, until it gets one of another.
type spoiler struct {
	*cloud.Region
	stage *terraform
	image string
}

func (s spoiler) ReplaceRootVolume(ctx context.Context, instanceID, imageID, clientToken string, tags cloud.Tags) (cloud.RootVolumeTask, error) {
	s.stage.Lab.LiftAll()
	task, err := s.Region.ReplaceRootVolume(ctx, instanceID, imageID, clientToken, tags)
	if imageID == s.image {
		s.stage.Order(lab.Impair{Instance: instanceID})
	}
	return task, err
}

// A bad image, by root volume, goes back the same way: no instance is replaced.
func TestRollout_rootVolumeRollsBack(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.Strategy, spec.Rollout.MaxUnavailable, spec.Rollout.Canary = StrategyRootVolume, Amount{1, false}, 1
		before := applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		observed, err := stage.apply(t.Context(), spoiler{stage.Region, stage, bad.ImageID}, bad, &spec)
		if err == nil || !strings.Contains(err.Error(), "has failed its") {
			t.Fatalf("got %v, want that the canary fails its checks", err)
		}
		for slot := range spec.Size {
			if idOf(observed, slot) != idOf(before, slot) || observed.Members[slot].ImageID != spec.ImageID {
				t.Errorf("slot %d: %s of %s, want %s of %s", slot, idOf(observed, slot), observed.Members[slot].ImageID, idOf(before, slot), spec.ImageID)
			}
		}
		destroyed(t, stage, spec)
	})
}

// A rollout that was stopped while its canary soaked goes on with a canary: the first
// one did not stay ready for all of its soak, as far as anybody knows.
func TestRollout_goesOnWithACanary(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout.Canary, spec.Rollout.Soak = 4, 1, 60*minute
		applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		ctx, cancel := context.WithTimeout(t.Context(), 40*minute)
		defer cancel()
		observed, err := stage.apply(ctx, stage.Region, next, &spec)
		if err == nil || observed.Members[0].ImageID != next.ImageID || observed.Members[1].ImageID != spec.ImageID {
			t.Fatalf("got %v with images %s and %s, want that the soak was stopped", err, observed.Members[0].ImageID, observed.Members[1].ImageID)
		}
		plan := NewPlan(next, observed)
		if first := plan.Rollout[0]; len(first.all()) != 1 || first.Soak != spec.Rollout.Soak {
			t.Errorf("the rollout goes on with %d at once and a soak of %s", len(first.all()), first.Soak)
		}
	})
}

// New instances that fail leave their target group for as long as it says, and end: also
// where that takes longer than cleaning up after somebody has stopped an apply may.
func TestRollout_discardsTheDrained(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.TargetGroupARNs, spec.Rollout.Rollback = []string{stage.TargetGroup("web")}, false
		before := applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID})
		observed, err := stage.apply(t.Context(), stage.Region, bad, &spec)
		if err == nil || !strings.Contains(adviceOf(t, err), "the new instance was terminated; slots 0-2 run the former one") {
			t.Errorf("got %v", err)
		}
		if len(observed.Surplus) > 0 || idOf(observed, 0) != idOf(before, 0) {
			t.Errorf("%d instances are too many", len(observed.Surplus))
		}
	})
}

// An instance that gets a new disk is also changed in place, in the same apply.
func TestRollout_rootVolumeAndInPlace(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.Strategy, spec.Rollout.MaxUnavailable = StrategyRootVolume, Amount{3, false}
		before := applied(t, stage, spec, nil)
		next := spec
		next.ImageID, next.Tags, next.Monitoring = stage.OtherImageID(), cloud.Tags{"App": "web"}, true
		after := applied(t, stage, next, &spec)
		if got := after.Members[1].Instance; got.ID != idOf(before, 1) || got.Tags["App"] != "web" || !got.Monitoring {
			t.Errorf("slot 1 is %+v", got)
		}
		destroyed(t, stage, next)
	})
}
