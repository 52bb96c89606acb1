package fleet

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// An address is free only when the old instance is gone, which takes EC2 a while.
func TestRollout_ownAddressIsWaitedFor(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *rehearsal.Stage, spec Spec) {
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
