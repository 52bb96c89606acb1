package fleet

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// Who uses four fifths of the account's buckets leaves never as many tokens as a batch of
// 250 takes at once, neither to launch it nor to end it: it goes in smaller ones.
func TestApply_besideANeighbour(t *testing.T) {
	onStage(t, lab.Options{Weather: "aws", Seed: 1, Neighbour: 0.8}, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.Size, spec.SubnetIDs = 250, []string{subnets[0].ID}
		observed := applied(t, stage, spec, nil)
		if len(observed.Members) != spec.Size || len(observed.Surplus) > 0 {
			t.Errorf("%d members and %d surplus, want %d and none", len(observed.Members), len(observed.Surplus), spec.Size)
		}
		destroyed(t, stage, spec)
	})
}
