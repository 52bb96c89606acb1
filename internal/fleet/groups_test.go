package fleet

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// A rollout in groups replaces every slot once, and no group takes more out of service
// or adds more than the limits allow.
func TestGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := ordinary(rapid.IntRange(1, 60).Draw(t, "size"))
		spec.Slots = &Slots{Overrides: map[int]Override{}}
		amounts := rapid.Custom(func(t *rapid.T) Amount {
			return Amount{Number: rapid.IntRange(0, 40).Draw(t, "number"), Percent: rapid.Bool().Draw(t, "percent")}
		})
		spec.Rollout.MaxUnavailable, spec.Rollout.MaxSurge = amounts.Draw(t, "unavailable"), amounts.Draw(t, "surge")
		spec.Rollout.Canary, spec.Rollout.Soak = rapid.IntRange(0, 5).Draw(t, "canary"), time.Minute
		broken := rapid.IntRange(0, 3).Draw(t, "broken")
		var changes []Change
		fixed := 0
		for slot := range spec.Size {
			if !rapid.Bool().Draw(t, "changes") {
				continue
			}
			if rapid.IntRange(0, 4).Draw(t, "fixed") == 0 {
				spec.Slots.Overrides[slot] = Override{PrivateIP: fmt.Sprintf("10.0.0.%d", slot)}
				fixed++
			}
			changes = append(changes, Change{Slot: slot, Kind: Outdated})
		}

		groups := spec.groups(changes, broken)

		unavailable, surge := spec.limits(broken)
		if unavailable+surge == 0 {
			t.Fatal("nothing may move")
		}
		// What must end first is taken one by one where nothing may be missing: such a
		// configuration is refused, but one broken instance may bring it about.
		first := max(unavailable, min(1, fixed))
		seen := map[int]bool{}
		soaks := 0
		for i, group := range groups {
			if len(group.all()) == 0 || len(group.First) > first || len(group.Then) > surge {
				t.Fatalf("group %d ends %d first and adds %d; the limits are %d and %d", i, len(group.First), len(group.Then), first, surge)
			}
			visit(t, spec, group, seen)
			if group.Soak > 0 {
				soaks++
				if len(seen) < spec.Rollout.Canary {
					t.Fatalf("the canary soaks after %d slots, want %d", len(seen), spec.Rollout.Canary)
				}
			}
		}
		if len(seen) != len(changes) {
			t.Fatalf("%d slots are replaced, want %d", len(seen), len(changes))
		}
		if want := spec.Rollout.Canary > 0 && len(changes) > spec.Rollout.Canary; (soaks == 1) != want {
			t.Fatalf("%d soaks for a canary of %d among %d", soaks, spec.Rollout.Canary, len(changes))
		}
	})
}

// visit notes the slots of a group: none for a second time, and none with an address of
// its own beside its old instance.
func visit(t *rapid.T, spec Spec, group Group, seen map[int]bool) {
	for _, change := range group.Then {
		if spec.override(change.Slot).PrivateIP != "" {
			t.Fatalf("slot %d has an address of its own and is launched beside its old instance", change.Slot)
		}
	}
	for _, change := range group.all() {
		if seen[change.Slot] {
			t.Fatalf("slot %d is replaced twice", change.Slot)
		}
		seen[change.Slot] = true
	}
}

func TestForecast(t *testing.T) {
	spec := ordinary(10)
	spec.Rollout.Canary, spec.Rollout.Soak, spec.Rollout.MaxSurge = 1, 2*time.Minute, Amount{3, false}
	old := fleetOf(spec)
	spec.ImageID = "ami-2"
	want := "10 instances will be replaced, in 4 batches of at most 3; the first one must stay ready for 2m0s before the others follow"
	if got := NewPlan(spec, observationOf(old)).Forecast(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := NewPlan(ordinary(10), observationOf(old)).Forecast(); got != "" {
		t.Errorf("got %q for a fleet that is as it should be", got)
	}
}

// Mending replaces every slot once and never adds more than the surge; what still runs,
// and has no address to give up, ends after its successor is ready.
func TestMendGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := ordinary(rapid.IntRange(1, 60).Draw(t, "size"))
		spec.Slots = &Slots{}
		spec.Rollout.MaxSurge = Amount{Number: rapid.IntRange(0, 40).Draw(t, "surge"), Percent: rapid.Bool().Draw(t, "percent")}
		var changes []Change
		running := map[int]bool{}
		for slot := range spec.Size {
			state := rapid.SampledFrom([]string{"", cloud.InstanceRunning, cloud.InstanceStopped}).Draw(t, "state")
			if state == "" {
				continue
			}
			running[slot] = state == cloud.InstanceRunning
			changes = append(changes, Change{Slot: slot, Kind: BrokenOne, Old: Member{Slot: slot, Instance: cloud.Instance{State: state}}})
		}
		_, surge := spec.limits(0)
		seen := map[int]bool{}
		for i, group := range spec.mendGroups(changes) {
			if len(group.all()) == 0 || len(group.Then) > max(surge, 1) {
				t.Fatalf("group %d adds %d; the limit is %d", i, len(group.Then), surge)
			}
			for _, change := range group.First {
				if running[change.Slot] {
					t.Fatalf("slot %d ends first, and runs", change.Slot)
				}
			}
			visit(t, spec, group, seen)
		}
		if len(seen) != len(changes) {
			t.Fatalf("%d slots are replaced, want %d", len(seen), len(changes))
		}
	})
}
