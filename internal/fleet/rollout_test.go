package fleet

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// A rollout keeps to its limits at every moment.
func TestRollout_limits(t *testing.T) {
	tests := map[string]struct {
		rollout     Rollout
		most, least int
	}{
		"new before old":    {Rollout{MaxSurge: Amount{2, false}}, 12, 10},
		"old before new":    {Rollout{MaxUnavailable: Amount{30, true}}, 10, 7},
		"both":              {Rollout{MaxUnavailable: Amount{2, false}, MaxSurge: Amount{1, false}}, 11, 8},
		"neither means one": {Rollout{}, 11, 10},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
				spec.Size, spec.Rollout = 10, test.rollout
				applied(t, stage, spec, nil)
				next := spec
				next.ImageID = stage.OtherImageID()
				count := newCensus(t, stage, spec)
				observed, err := stage.apply(t.Context(), count, next, &spec)
				if err != nil {
					t.Fatal(err)
				}
				if count.most > test.most || count.least < test.least {
					t.Errorf("at most %d instances, at least %d ready; want %d and %d", count.most, count.least, test.most, test.least)
				}
				for slot, member := range observed.Members {
					if member.ImageID != next.ImageID {
						t.Errorf("slot %d has image %s", slot, member.ImageID)
					}
				}
				if sizes := perSubnet(observed); sizes[2]-sizes[0] > 1 {
					t.Errorf("instances by subnet: %v", sizes)
				}
				destroyed(t, stage, next)
			})
		})
	}
}

// An image that does not work stops at the canary, and the fleet goes back to what it
// was: only the canary was touched.
func TestRollout_rollsBack(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout.Canary, spec.Rollout.Soak = 6, 1, 10*minute
		before := applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID})

		observed, err := stage.apply(t.Context(), stage.Region, bad, &spec)

		failure := report.As(err, "")
		if err == nil || !strings.Contains(failure.Detail(), "has failed its") || !strings.Contains(failure.Detail(), "slot 0") {
			t.Fatalf("got %v, want that slot 0 fails its status check", err)
		}
		for slot := range spec.Size {
			if idOf(observed, slot) != idOf(before, slot) {
				t.Errorf("slot %d was replaced, although its new instance never was ready", slot)
			}
		}
		if plan := NewPlan(spec, observe(t, stage, spec)); !plan.Empty() {
			t.Errorf("the former configuration is not all there: %s", plan)
		}
		destroyed(t, stage, spec)
	})
}

// A canary that fails while it soaks has replaced its old instance: it gets another of
// the former image.
func TestRollout_rollsBackAfterSoak(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout.Canary, spec.Rollout.Soak, spec.Health.Grace = 4, 2, 30*minute, minute
		before := applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID, AfterSeconds: 900})

		observed, err := stage.apply(t.Context(), stage.Region, bad, &spec)

		if err == nil || !strings.Contains(err.Error(), "did not survive its soak") {
			t.Fatalf("got %v, want that the canary did not survive", err)
		}
		for slot := range spec.Size {
			if same, want := idOf(observed, slot) == idOf(before, slot), slot >= 2; same != want {
				t.Errorf("slot %d: the same instance is %t, want %t", slot, same, want)
			}
			if observed.Members[slot].ImageID != spec.ImageID {
				t.Errorf("slot %d has image %s, want the former one", slot, observed.Members[slot].ImageID)
			}
		}
		destroyed(t, stage, spec)
	})
}

// With "pause" a rollout stops where it is, and the next apply goes on from there.
func TestRollout_pausesAndGoesOn(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout = 6, Rollout{MaxSurge: Amount{2, false}}
		before := applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		// The second batch fails.
		stage.Order(lab.FailCall{Action: "RunInstances", Nth: 3, Times: -1, Code: "VcpuLimitExceeded"})
		observed, err := stage.apply(t.Context(), stage.Region, next, &spec)
		if err == nil {
			t.Fatal("the rollout went through without capacity")
		}
		rolled := 0
		for _, member := range observed.Members {
			if member.ImageID == next.ImageID {
				rolled++
			}
		}
		if rolled != 2 {
			t.Errorf("%d slots are of the new image, want 2", rolled)
		}
		stage.Lab.LiftAll()
		plan := NewPlan(next, observe(t, stage, next))
		if diff := cmp.Diff([]int{2, 3, 4, 5}, slotsOf(plan.New)); diff != "" {
			t.Errorf("what is left (-want +got):\n%s", diff)
		}
		after := applied(t, stage, next, &spec)
		for slot := range 2 {
			if idOf(after, slot) != idOf(observed, slot) {
				t.Errorf("slot %d was replaced twice", slot)
			}
		}
		if idOf(after, 5) == idOf(before, 5) {
			t.Error("slot 5 was not replaced")
		}
		destroyed(t, stage, next)
	})
}

// Image and size change in one apply, and a bad image takes back both.
func TestRollout_imageAndSize(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		before := applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID, bad.Size = stage.OtherImageID(), 5
		stage.Order(lab.Impair{Image: bad.ImageID})
		observed, err := stage.apply(t.Context(), stage.Region, bad, &spec)
		if err == nil || len(observed.Members) != 3 || idOf(observed, 0) != idOf(before, 0) {
			t.Fatalf("got %v with %d members, want a failure and the 3 former ones", err, len(observed.Members))
		}
		stage.Lab.LiftAll()
		after := applied(t, stage, bad, &spec)
		if len(after.Members) != 5 || after.Members[0].ImageID != bad.ImageID {
			t.Errorf("got %d members of %s", len(after.Members), after.Members[0].ImageID)
		}
		destroyed(t, stage, bad)
	})
}

// Instances are registered when they run, count as ready when they are healthy, and
// are drained before they end.
func TestRollout_targetGroups(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		arn := stage.TargetGroup("web")
		spec.TargetGroupARNs = []string{arn}
		before := applied(t, stage, spec, nil)
		healthy(t, stage, arn, before)

		// Taken out by hand, an instance is put back without being touched otherwise.
		if err := stage.Region.DeregisterTargets(t.Context(), arn, []string{idOf(before, 1)}); err != nil {
			t.Fatal(err)
		}
		mended := applied(t, stage, spec, &spec)
		if idOf(mended, 1) != idOf(before, 1) {
			t.Error("an instance was replaced because it was not registered")
		}
		healthy(t, stage, arn, mended)

		next := spec
		next.ImageID = stage.OtherImageID()
		begun := time.Now()
		rolled := applied(t, stage, next, &spec)
		if took := time.Since(begun); took < 5*minute {
			t.Errorf("the rollout took %s: nothing was drained, which takes five minutes", took)
		}
		healthy(t, stage, arn, rolled)

		without := next
		without.TargetGroupARNs = nil
		after := applied(t, stage, without, &next)
		if idOf(after, 0) != idOf(rolled, 0) {
			t.Error("an instance was replaced because it left a target group")
		}
		if targets, err := stage.Region.Targets(t.Context(), arn); err != nil || slices.ContainsFunc(idsOf(after.all()), func(id string) bool { return serving(targets[id]) }) {
			t.Errorf("instances are still in the group: %v, %v", targets, err)
		}
		destroyed(t, stage, without)
	})
}

func healthy(t *testing.T, stage *terraform, arn string, observed *Observation) {
	t.Helper()
	targets, err := stage.Region.Targets(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	for slot, member := range observed.Members {
		if got := targets[member.Instance.ID].State; got != cloud.TargetHealthy {
			t.Errorf("slot %d is %q in its target group", slot, got)
		}
	}
}

// By root volume, instances keep their ids and addresses.
func TestRollout_rootVolume(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.Strategy, spec.Rollout.MaxUnavailable = StrategyRootVolume, Amount{2, false}
		before := applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		after := applied(t, stage, next, &spec)
		for slot := range spec.Size {
			if idOf(before, slot) != idOf(after, slot) || after.Members[slot].ImageID != next.ImageID {
				t.Errorf("slot %d: %s of %s, want %s of %s", slot, idOf(after, slot), after.Members[slot].ImageID, idOf(before, slot), next.ImageID)
			}
		}
		destroyed(t, stage, next)
	})
}

var slotZeroStopped = regexp.MustCompile(`slot 0 \(i-[0-9a-f]+\) is stopped`)

// A new instance that works, and then does not, stops the rollout before it is a matter
// of all of them: also when it was not the canary, and when it was the last.
func TestRollout_doesNotGoOnOverTheFallen(t *testing.T) {
	for after := 1; after <= 4; after++ {
		t.Run(fmt.Sprintf("after %d", after), func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				spec.Size = 4
				spec.Rollout.Rollback = true
				applied(t, stage, spec, nil)
				next := spec
				next.ImageID = stage.OtherImageID()
				ready := 0
				_, err := Apply(t.Context(), stage.Region, next, Options{Owner: stage.owner, Previous: &spec, Progress: func(line string) {
					if strings.HasSuffix(line, " ready") {
						ready++
					}
					if ready == after {
						ready++
						_ = stage.Lab.SetState(idOf(observe(t, stage, next), 0), "stopped")
					}
				}})
				detail := report.As(err, "").Detail()
				if err == nil || !strings.Contains(detail, "ready before, and not any more") || !slotZeroStopped.MatchString(detail) {
					t.Fatalf("the rollout ended with %v", err)
				}
				observed := observe(t, stage, spec)
				if plan := NewPlan(spec, observed); !plan.Empty() {
					t.Errorf("after the way back there is something to do: %s", plan)
				}
				destroyed(t, stage, spec)
			})
		})
	}
}

// Mending keeps to the size and its surge as well: what has stopped makes room, what
// still runs goes when its successor is ready.
func TestMend_limits(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout = 10, Rollout{MaxSurge: Amount{2, false}}
		applied(t, stage, spec, nil)
		before := observe(t, stage, spec)
		for slot := range 8 {
			state := "impaired"
			if slot < 3 {
				state = "stopped"
			}
			if err := stage.Lab.SetState(idOf(before, slot), state); err != nil {
				t.Fatal(err)
			}
		}
		timer := time.NewTimer(time.Hour) // past the grace, and long enough to be seen
		<-timer.C
		count := newCensus(t, stage, spec)
		observed, err := stage.apply(t.Context(), count, spec, &spec)
		if err != nil {
			t.Fatal(err)
		}
		if count.most > 12 || count.least < 2 {
			t.Errorf("at most %d instances, at least %d ready; want 12 and 2", count.most, count.least)
		}
		for slot := range 10 {
			if kept := idOf(observed, slot) == idOf(before, slot); kept != (slot >= 8) {
				t.Errorf("slot %d kept its instance: %t", slot, kept)
			}
		}
		destroyed(t, stage, spec)
	})
}

// A rollout whose process was killed goes on within its limits: what has a successor ends
// before others get theirs.
func TestRollout_goesOnWithinItsLimits(t *testing.T) {
	for nth, died := 1, true; died; nth++ {
		onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
			spec.Rollout.MaxSurge = Amount{1, false}
			applied(t, stage, spec, nil)
			former := spec
			spec.ImageID = stage.OtherImageID()
			requests := stage.Interrupt(rehearsal.Cut{Request: nth, After: true, Dead: true}, func(ctx context.Context) {
				_, _ = stage.apply(ctx, stage.Region, spec, &former)
			})
			if died = requests >= nth; !died {
				return
			}
			<-time.After(10 * minute) // its lease is stale then
			census := newCensus(t, stage, spec)
			if _, err := stage.apply(t.Context(), census, spec, &former); err != nil {
				t.Fatalf("killed after request %d: the next apply: %v", nth, err)
			}
			if census.most > 4 || census.least < 3 {
				t.Errorf("killed after request %d: the next apply had up to %d instances, and down to %d that were ready, of 3", nth, census.most, census.least)
			}
		})
	}
}
