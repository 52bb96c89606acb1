package fleet

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// The budgets of a fleet of 1,000 in calm weather.
func TestApply_requestsOfAThousand(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Slots = 1000, &Slots{Hostname: "web-%04d"}
		create := stage.Requests(func() {
			if _, err := stage.apply(t.Context(), stage.Region, spec, nil); err != nil {
				t.Fatal(err)
			}
		})
		var plan Plan
		unchanged := stage.Requests(func() { plan = NewPlan(spec, observe(t, stage, spec)) })
		t.Logf("a fleet of 1,000: %d requests to create it, %d for a plan of it unchanged", create, unchanged)
		if create > 20 || unchanged > 6 || !plan.Empty() {
			t.Errorf("%d and %d requests, want at most 20 and 6; plan: %s", create, unchanged, plan)
		}
		destroyed(t, stage, spec)
	})
}

func TestApply_scales(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		first := applied(t, stage, spec, nil)
		wider := spec
		wider.Size = 12
		second := applied(t, stage, wider, &spec)
		if diff := cmp.Diff([]int{4, 4, 4}, perSubnet(second)); diff != "" {
			t.Errorf("instances by subnet (-want +got):\n%s", diff)
		}
		narrower := spec
		narrower.Size = 2
		third := applied(t, stage, narrower, &wider)
		for slot := range narrower.Size {
			if idOf(first, slot) != idOf(second, slot) || idOf(first, slot) != idOf(third, slot) {
				t.Errorf("slot %d changed its instance", slot)
			}
		}
		if len(third.Members) != 2 {
			t.Errorf("%d instances, want 2", len(third.Members))
		}
		destroyed(t, stage, narrower)
	})
}

// Healing replaces what is broken and nothing else, and keeps the subnets balanced.
func TestApply_mends(t *testing.T) {
	for _, fate := range []string{"terminated", "stopped", "impaired"} {
		t.Run(fate, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				spec.Size, spec.Health.Grace = 9, 0
				before := applied(t, stage, spec, nil)
				for _, slot := range []int{2, 5} {
					if err := stage.Lab.SetState(idOf(before, slot), fate); err != nil {
						t.Fatal(err)
					}
				}
				plan := NewPlan(spec, observe(t, stage, spec))
				if diff := cmp.Diff([]int{2, 5}, slotsOf(plan.New)); diff != "" {
					t.Errorf("slots that change (-want +got):\n%s", diff)
				}
				after := applied(t, stage, spec, &spec)
				for slot := range spec.Size {
					if same := idOf(before, slot) == idOf(after, slot); same == slices.Contains([]int{2, 5}, slot) {
						t.Errorf("slot %d: the same instance is %t", slot, same)
					}
				}
				if diff := cmp.Diff([]int{3, 3, 3}, perSubnet(after)); diff != "" {
					t.Errorf("instances by subnet (-want +got):\n%s", diff)
				}
				destroyed(t, stage, spec)
			})
		})
	}
}

// Without room in one subnet the others take its share; without room for the first
// type anywhere, the second is taken.
func TestApply_capacity(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = 12
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stage.Order(lab.NoCapacity{Type: "t3.small", Subnet: subnets[0].ID})
		stage.Order(lab.NoCapacity{Type: "t3.small", Subnet: subnets[1].ID, Left: 2})
		stage.Order(lab.NoCapacity{Type: "t3.small", Subnet: subnets[2].ID, Left: 5})
		observed := applied(t, stage, spec, nil)
		types := map[string]int{}
		for _, member := range observed.Members {
			types[member.Instance.Type]++
		}
		if diff := cmp.Diff(map[string]int{"t3.small": 7, "t3a.small": 5}, types); diff != "" {
			t.Errorf("types (-want +got):\n%s", diff)
		}
		destroyed(t, stage, spec)
	})
}

// What could not be launched fails the apply with what was tried; what was launched is
// there, and the next apply adds the rest.
func TestApply_partialSuccess(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = 6
		stage.Order(lab.NoCapacity{Left: 1})
		observed, err := stage.apply(t.Context(), stage.Region, spec, nil)
		if err == nil || cloud.ClassOf(err) != cloud.Capacity {
			t.Fatalf("got %v, want that there is no capacity", err)
		}
		for _, want := range []string{"lacks 5 of 6 instances", "t3.small in subnet-", "t3a.small in subnet-"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
		if len(observed.Members) != 1 {
			t.Errorf("%d instances are reported, want 1", len(observed.Members))
		}
		if got := stage.Lab.Books().Requests["RunInstances"]; got != 6 {
			t.Errorf("%d launches, want one for each of 6 pools", got)
		}
		stage.Lab.LiftAll()
		again := applied(t, stage, spec, &spec)
		if slot := observed.all()[0].Slot; idOf(again, slot) != idOf(observed, slot) {
			t.Error("what had been launched was not kept")
		}
		destroyed(t, stage, spec)
	})
}

// A throttle is waited for and never counts as lack of capacity; a quota ends the
// search at once.
func TestApply_classes(t *testing.T) {
	tests := map[string]struct {
		trouble lab.FailCall
		class   cloud.Class
		calls   int
	}{
		"throttle": {lab.FailCall{Action: "RunInstances", Code: "RequestLimitExceeded"}, "", 4},
		"quota":    {lab.FailCall{Action: "RunInstances", Code: "VcpuLimitExceeded", Times: -1}, cloud.Quota, 1},
		"denied":   {lab.FailCall{Action: "RunInstances", Code: "UnauthorizedOperation", Times: -1}, cloud.Denied, 1},
		"address":  {lab.FailCall{Action: "RunInstances", Code: "InsufficientFreeAddressesInSubnet"}, "", 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				stage.Order(test.trouble)
				stage.Lab.ResetBooks()
				observed, err := stage.apply(t.Context(), stage.Region, spec, nil)
				if got := cloud.ClassOf(err); err != nil && got != test.class || err == nil && test.class != "" {
					t.Errorf("got %v of class %s, want %q", err, got, test.class)
				}
				if got := stage.Lab.Books().Requests["RunInstances"]; got != test.calls {
					t.Errorf("%d launches, want %d", got, test.calls)
				}
				for _, member := range observed.Members {
					if member.Instance.Type != "t3.small" {
						t.Errorf("%s is a %s", member.Instance.ID, member.Instance.Type)
					}
				}
			})
		})
	}
}

func TestApply_overrides(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.Size = 6
		spec.Slots = &Slots{Hostname: "web-%02d", NameTags: true, Overrides: map[int]Override{
			1: {InstanceType: "t3.large"}, 2: {SubnetID: subnets[2].ID}, 4: {SubnetID: subnets[2].ID}, 5: {Tags: cloud.Tags{"Role": "leader"}},
		}}
		observed := applied(t, stage, spec, nil)
		if got := observed.Members[1].Instance.Type; got != "t3.large" {
			t.Errorf("slot 1 is a %s", got)
		}
		for _, slot := range []int{2, 4} {
			if got := observed.Members[slot].Instance.SubnetID; got != subnets[2].ID {
				t.Errorf("slot %d is in %s", slot, got)
			}
		}
		want := cloud.Tags{"Name": "web-05", "Role": "leader"}
		if diff := cmp.Diff(want, observed.Members[5].Instance.Tags.UserTags()); diff != "" {
			t.Errorf("slot 5's tags (-want +got):\n%s", diff)
		}
		// A tag is changed in place.
		renamed := spec
		renamed.Slots = &Slots{Hostname: "web-%02d", Overrides: spec.Slots.Overrides}
		if after := applied(t, stage, renamed, &spec); idOf(after, 5) != idOf(observed, 5) {
			t.Error("a change of tags replaced an instance")
		}
		destroyed(t, stage, renamed)
	})
}

// Protection is put on, changed in place and lifted by the fleet itself.
func TestApply_protection(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.TerminationProtection = true
		before := applied(t, stage, spec, nil)
		err := stage.Region.TerminateInstances(t.Context(), []string{idOf(before, 0)})
		if !cloud.HasCode(err, cloud.CodeNotPermitted) {
			t.Errorf("got %v, want that it is protected", err)
		}
		fewer := spec
		fewer.Size, fewer.TerminationProtection, fewer.Monitoring, fewer.Metadata.HopLimit = 2, false, true, 2
		after := applied(t, stage, fewer, &spec)
		if len(after.Members) != 2 || idOf(after, 0) != idOf(before, 0) {
			t.Errorf("%v is left of %v", after.Members, before.Members)
		}
		destroyed(t, stage, fewer)
	})
}

// An instance whose slot list somebody has spoilt, and whose slot the state does not know,
// is in none: its slot is filled anew and it ends, although the client token of its launch
// would bring it back.
func TestApply_spoiltSlots(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Slots = 1, &Slots{}
		first := applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		before := applied(t, stage, next, &spec)
		if err := stage.Region.CreateTags(t.Context(), []string{idOf(before, 0)}, cloud.Tags{cloud.TagSlots: "?"}); err != nil {
			t.Fatal(err)
		}
		after := applied(t, stage, next, &next)
		if idOf(after, 0) == idOf(before, 0) || idOf(after, 0) == idOf(first, 0) || len(after.Surplus) > 0 {
			t.Errorf("slot 0 has %s after %s, and %d are too many", idOf(after, 0), idOf(before, 0), len(after.Surplus))
		}
		destroyed(t, stage, next)
	})
}
