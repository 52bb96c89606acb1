package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// spentTokens is how many client tokens in a row may bring back terminated instances
// before something else must be wrong.
const spentTokens = 50

// unclearAnswers is how often a call whose answer got lost is repeated, with the same
// client token, beyond what the SDK retries itself.
const unclearAnswers = 3

// launch fills slots, from the preferred type to the last, and for each type in all
// subnets that have room. It returns what was launched, also with an error, which
// joins all refusals.
func (r *run) launch(ctx context.Context, slots []int, generation int) ([]Member, error) {
	if err := r.findSubnets(ctx); err != nil {
		return nil, err
	}
	l := &launcher{run: r, generation: generation, slots: slices.Clone(slots), full: map[string]bool{}}
	// Pools that rest are looked at only when nothing else is left.
	for _, resting := range []bool{false, true} {
		for _, instanceType := range r.spec.InstanceTypes {
			if err := l.fill(ctx, instanceType, resting); err != nil {
				return l.launched, err
			}
		}
	}
	if len(l.slots) > 0 {
		return l.launched, errors.Join(l.refusals...)
	}
	return l.launched, nil
}

func (r *run) findSubnets(ctx context.Context) error {
	if len(r.subnets) == 0 {
		r.subnets = r.spec.SubnetIDs
	}
	if len(r.subnets) > 0 {
		return nil
	}
	defaults, err := r.aws.DefaultSubnets(ctx)
	if err != nil {
		return err
	}
	for _, subnet := range defaults {
		r.subnets = append(r.subnets, subnet.ID)
	}
	if len(r.subnets) == 0 {
		return fmt.Errorf("%s has no default VPC to launch in: set subnet_ids", r.aws.Name())
	}
	return nil
}

// launcher is one search for room.
type launcher struct {
	*run
	generation int
	// slots are still to be filled.
	slots    []int
	launched []Member
	// full are subnets without a free address.
	full     map[string]bool
	refusals []error
}

// fill launches as many of the slots as there is room for with that type. An error
// ends the whole search.
func (l *launcher) fill(ctx context.Context, instanceType string, resting bool) error {
	var subnets []string
	for _, subnet := range l.subnets {
		if l.aws.Pools().Resting(cloud.Pool{InstanceType: instanceType, SubnetID: subnet}) == resting {
			subnets = append(subnets, subnet)
		}
	}
	for len(l.slots) > 0 {
		subnets = slices.DeleteFunc(subnets, func(subnet string) bool { return l.full[subnet] })
		if len(subnets) == 0 {
			return nil
		}
		shares := deal(l.slots, subnets, l.counts)
		l.slots = nil
		for _, subnet := range slices.Clone(subnets) {
			hasRoom, err := l.fillPool(ctx, cloud.Pool{InstanceType: instanceType, SubnetID: subnet}, shares[subnet])
			if err != nil {
				return err
			}
			if !hasRoom {
				subnets = slices.DeleteFunc(subnets, func(s string) bool { return s == subnet })
			}
		}
		slices.Sort(l.slots)
	}
	return nil
}

// fillPool launches slots in one pool; those that it has no room for are left over.
func (l *launcher) fillPool(ctx context.Context, pool cloud.Pool, slots []int) (hasRoom bool, err error) {
	batches, err := l.spec.batches(slots)
	if err != nil {
		return false, err
	}
	hasRoom = true
	for _, b := range batches {
		var launched []Member
		if hasRoom {
			launched, err = l.launchBatch(ctx, b, pool)
			l.launched = append(l.launched, launched...)
			if err == nil && len(launched) < len(b.slots) {
				err = &cloud.Error{
					Class: cloud.Capacity, Action: "RunInstances", Region: l.aws.Name(),
					Err: fmt.Errorf("EC2 launched %d of %d", len(launched), len(b.slots)),
				}
			}
			if err != nil {
				hasRoom = false
				if err := l.refused(pool, err); err != nil {
					return false, err
				}
			}
		}
		left := lacking(b.slots, launched)
		l.slots = append(l.slots, left...)
		l.counts[pool.SubnetID] -= len(left)
	}
	return hasRoom, nil
}

// refused decides what a refusal means: another pool may do, or the search is over.
// A throttle never counts as lack of capacity.
func (l *launcher) refused(pool cloud.Pool, err error) error {
	switch cloud.ClassOf(err) {
	case cloud.Capacity:
		l.aws.Pools().Rest(pool)
	case cloud.Addresses:
		l.full[pool.SubnetID] = true
	case cloud.Unsupported:
	default:
		return errors.Join(append(l.refusals, err)...)
	}
	l.options.Progress.Printf("no room for %s in %s: %v", pool.InstanceType, pool.SubnetID, err)
	l.refusals = append(l.refusals, fmt.Errorf("%s in %s: %w", pool.InstanceType, pool.SubnetID, err))
	return nil
}

// launchBatch makes one call. Its client token is derived from the whole of it, so a
// repeated call returns the first one's instances. A token whose instances have been
// terminated since is spent, and the next is used.
func (l *launcher) launchBatch(ctx context.Context, b batch, pool cloud.Pool) ([]Member, error) {
	launch := l.spec.launchOf(b, pool, l.generation, l.observed.Established)
	unclear := 0
	for attempt := 0; attempt < spentTokens; {
		launch.ClientToken = launchToken(l.aws.Name(), launch, attempt)
		instances, err := l.aws.RunInstances(ctx, launch)
		switch {
		case cloud.HasCode(err, cloud.CodeTokenSpent):
			attempt++
			continue
		case err != nil && cloud.ClassOf(err) == cloud.Unclear && unclear < unclearAnswers && ctx.Err() == nil:
			unclear++
			continue
		case err != nil:
			return nil, err
		}
		members := make([]Member, 0, len(instances))
		for _, instance := range instances {
			if instance.Live() && instance.LaunchIndex < len(b.slots) {
				members = append(members, Member{Slot: b.slots[instance.LaunchIndex], Instance: instance, Generation: l.generation})
			}
		}
		if len(members) > 0 {
			l.options.Progress.Printf("launched %d %s in %s for %s", len(members), pool.InstanceType, pool.SubnetID, slotList(b.slots))
			return members, nil
		}
		attempt++
	}
	return nil, fmt.Errorf("%d client tokens in a row brought back terminated instances", spentTokens)
}

func launchToken(region string, launch cloud.Launch, attempt int) string {
	launch.ClientToken = ""
	// A launch holds nothing that JSON cannot hold.
	request, _ := json.Marshal(launch)
	return cloud.Token("fleet", region, strconv.Itoa(attempt), string(request))
}
