package fleet

import (
	"context"
	"fmt"
	"math"
)

// place is a subnet where instances may be launched.
type place struct {
	subnet string
	// free is how many addresses are left, count how many of the fleet's instances are
	// there, without those that are about to be replaced.
	free, count int
	// special places are for the slots that name them.
	special bool
}

// findPlaces reads where instances may be launched: one request, the first time.
// Subnets that only some slots name are not read: EC2 says when they are full.
func (r *run) findPlaces(ctx context.Context) error {
	if len(r.places) > 0 {
		return nil
	}
	subnets, err := r.aws.Subnets(ctx, r.spec.SubnetIDs)
	if len(r.spec.SubnetIDs) == 0 {
		subnets, err = r.aws.DefaultSubnets(ctx)
	}
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, member := range r.observed.Members {
		counts[member.Instance.SubnetID]++
	}
	known := map[string]bool{}
	for _, subnet := range subnets {
		known[subnet.ID] = true
		r.places = append(r.places, place{subnet: subnet.ID, free: subnet.FreeAddresses, count: counts[subnet.ID]})
	}
	for slot := range r.spec.Size {
		if named := r.spec.override(slot).SubnetID; named != "" && !known[named] {
			known[named] = true
			r.places = append(r.places, place{subnet: named, free: math.MaxInt32, count: counts[named], special: true})
		}
	}
	if len(r.places) == 0 {
		return fmt.Errorf("%s has no default VPC to launch in: set subnet_ids", r.aws.Name())
	}
	return nil
}

// leave takes instances that are about to be replaced out of their subnets' counts, so
// that the new ones are dealt out as if the old ones were gone; a negative number puts
// them back.
func (r *run) leave(changes []Change, by int) {
	for _, change := range changes {
		for i := range r.places {
			if r.places[i].subnet == change.Old.Instance.SubnetID {
				r.places[i].count -= by
			}
		}
	}
}

// deal gives each slot to that of the open subnets which has the fewest instances and
// a free address, the first of equals, and counts it there. Slots for which no address
// is left are left over.
func deal(slots []int, places []place, open func(place) bool) (shares map[string][]int, left []int) {
	shares = map[string][]int{}
	for _, slot := range slots {
		least := -1
		for i, candidate := range places {
			if open(candidate) && candidate.free > 0 && (least < 0 || candidate.count < places[least].count) {
				least = i
			}
		}
		if least < 0 {
			left = append(left, slot)
			continue
		}
		places[least].free--
		places[least].count++
		shares[places[least].subnet] = append(shares[places[least].subnet], slot)
	}
	return shares, left
}

// release takes back what was dealt out and not launched.
func release(places []place, subnet string, slots int) {
	for i := range places {
		if places[i].subnet == subnet {
			places[i].free += slots
			places[i].count -= slots
		}
	}
}
