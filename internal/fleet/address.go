package fleet

import (
	"context"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// waitReleased waits until instances that end have given back the addresses that slots
// are to have: an address is in use until the instance's network interface is gone,
// and that goes with the instance. Slots without an address of their own cost nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
func (r *run) waitReleased(ctx context.Context, slots []int) error {
	wanted := map[string]bool{}
	for _, slot := range slots {
		if address := r.spec.override(slot).PrivateIP; address != "" {
			wanted[address] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	query := cloud.InstanceQuery{Tags: r.owner.Tags(), States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown)}
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the addresses of %s (%s) to be free", slotRange(slots), r.aws.Name()),
		Read: func(ctx context.Context) (held int, state, reason string, err error) {
			found, err := r.aws.Instances(ctx, query)
			for _, instance := range found {
				ends := instance.State == cloud.InstanceShuttingDown || r.ended[instance.ID]
				if ends && wanted[instance.PrivateIP] {
					held++
				}
			}
			if held > 0 {
				return held, "in use", "", err
			}
			return 0, "free", "", err
		},
		Pending: []string{"in use"},
		Target:  []string{"free"},

		Progress: r.options.Progress,
	}.Wait(ctx)
	return err
}

// subnetOf is the subnet of a slot that has an address of its own: see Validate.
func (s Spec) subnetOf(slot int) string {
	if subnet := s.override(slot).SubnetID; subnet != "" || len(s.SubnetIDs) == 0 {
		return subnet
	}
	return s.SubnetIDs[0]
}

// takers are the slots that are to have addresses, by address.
func (s Spec) takers() map[string]int {
	takers := map[string]int{}
	if s.Slots != nil {
		for slot, override := range s.Slots.Overrides {
			if override.PrivateIP != "" {
				takers[override.PrivateIP] = slot
			}
		}
	}
	return takers
}

// givers are the slots whose old instances have an address that another slot is to
// have: they end before their new ones are launched, whatever address these get.
func (s Spec) givers(changes []Change) map[int]bool {
	takers, gives := s.takers(), map[int]bool{}
	for _, change := range changes {
		taker, taken := takers[change.Old.Instance.PrivateIP]
		gives[change.Slot] = taken && taker != change.Slot
	}
	return gives
}

// givenFirst puts slots that give an address before those that take it. Slots that
// exchange theirs follow each other: that takes leave to miss all of them at once.
func (s Spec) givenFirst(changes []Change, gives map[int]bool) []Change {
	giver := map[int]Change{}
	takers := s.takers()
	for _, change := range changes {
		if gives[change.Slot] {
			giver[takers[change.Old.Instance.PrivateIP]] = change
		}
	}
	ordered, done := make([]Change, 0, len(changes)), map[int]bool{}
	var add func(Change)
	add = func(change Change) {
		if done[change.Slot] {
			return
		}
		done[change.Slot] = true
		if before, there := giver[change.Slot]; there {
			add(before)
		}
		ordered = append(ordered, change)
	}
	for _, change := range changes {
		add(change)
	}
	return ordered
}
