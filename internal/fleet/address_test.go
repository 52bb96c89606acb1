package fleet

import (
	"testing"
)

// A slot with an address of its own keeps it: its old instance ends first, and the
// address is free only when it is gone, which takes EC2 a while.
func TestRollout_ownAddressIsWaitedFor(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.Rollout.MaxUnavailable = Amount{1, false}
		spec.Slots = &Slots{Overrides: map[int]Override{1: {SubnetID: subnets[0].ID, PrivateIP: "172.31.0.99"}}}
		before := applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		after := applied(t, stage, next, &spec)
		if got := after.Members[1].Instance.PrivateIP; got != "172.31.0.99" || idOf(before, 1) == idOf(after, 1) {
			t.Errorf("slot 1 has %s", got)
		}
		if err := stage.Region.TerminateInstances(t.Context(), []string{idOf(after, 1)}); err != nil {
			t.Fatal(err)
		}
		mended := applied(t, stage, next, &next)
		if got := mended.Members[1].Instance.PrivateIP; got != "172.31.0.99" {
			t.Errorf("slot 1 has %s", got)
		}
		destroyed(t, stage, next)
	})
}

// An address moves from slot to slot, and two slots exchange theirs.
func TestRollout_addressesMove(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		with := func(unavailable int, addresses map[int]string) Spec {
			next := spec
			next.Rollout.MaxUnavailable = Amount{unavailable, false}
			next.Slots = &Slots{Overrides: map[int]Override{}}
			for slot, address := range addresses {
				next.Slots.Overrides[slot] = Override{SubnetID: subnets[0].ID, PrivateIP: address}
			}
			return next
		}
		steps := []Spec{
			with(1, map[int]string{0: "172.31.0.90", 1: "172.31.0.91"}),
			// 91 goes to slot 0, which gives 90 to slot 2; nothing is left to slot 1.
			with(1, map[int]string{0: "172.31.0.91", 2: "172.31.0.90"}),
			with(2, map[int]string{0: "172.31.0.90", 2: "172.31.0.91"}),
		}
		var previous *Spec
		for i, step := range steps {
			observed := applied(t, stage, step, previous)
			for slot, override := range step.Slots.Overrides {
				if got := observed.Members[slot].Instance.PrivateIP; got != override.PrivateIP {
					t.Errorf("step %d: slot %d has %s, want %s", i, slot, got, override.PrivateIP)
				}
			}
			previous = &step
		}
		destroyed(t, stage, *previous)
	})
}
