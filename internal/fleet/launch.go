package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// spentTokens is how many client tokens in a row may bring back terminated instances
// before something else must be wrong.
const spentTokens = 50

// unclearAnswers is how often a call whose answer got lost is repeated, with the same
// client token, beyond what the SDK retries itself.
const unclearAnswers = 3

// shape is what slots must share to be launched by one call, whatever their
// environment and tags are.
type shape struct {
	// types are tried in order, joined by commas.
	types string
	// subnet and address are empty where any will do.
	subnet, address string
}

// shapes divides slots by their shape, in the order of their first slots.
func (s Spec) shapes(slots []int) (order []shape, by map[shape][]int) {
	by = map[shape][]int{}
	for _, slot := range slots {
		override := s.override(slot)
		subnet := override.SubnetID
		if override.PrivateIP != "" && subnet == "" {
			subnet = s.SubnetIDs[0] // the only one: see Validate
		}
		of := shape{types: strings.Join(s.types(slot), ","), subnet: subnet, address: override.PrivateIP}
		if by[of] == nil {
			order = append(order, of)
		}
		by[of] = append(by[of], slot)
	}
	return order, by
}

// launch fills slots, from the preferred type to the last, and for each type in all
// subnets that have room. It returns what was launched, also with an error, which
// joins all refusals.
func (r *run) launch(ctx context.Context, slots []int, generation int) ([]Member, error) {
	if err := r.findPlaces(ctx); err != nil {
		return nil, err
	}
	if err := r.findRootDevice(ctx); err != nil {
		return nil, err
	}
	if err := r.waitReleased(ctx, slots); err != nil {
		return nil, err
	}
	var launched []Member
	order, by := r.spec.shapes(slots)
	for _, of := range order {
		l := &launcher{run: r, shape: of, generation: generation, slots: by[of], empty: map[cloud.Pool]bool{}}
		err := l.search(ctx)
		launched = append(launched, l.launched...)
		for _, member := range l.launched {
			r.filled[member.Slot] = member
		}
		if err == nil {
			err = r.tagSlots(ctx, l.launched)
		}
		if err != nil {
			return launched, err
		}
	}
	return launched, nil
}

// findRootDevice asks the image for the name of its root device, when the volume there
// is not left to it: one request, the first time.
func (r *run) findRootDevice(ctx context.Context) error {
	if r.rootDevice != "" || r.spec.RootVolume == (cloud.Volume{}) {
		return nil
	}
	image, err := describeImage(ctx, r.aws, r.spec.ImageID)
	if err != nil {
		return err
	}
	if image.RootDeviceName == "" {
		return fmt.Errorf("image %s has no root device, so root_volume has nothing to be", r.spec.ImageID)
	}
	r.rootDevice = image.RootDeviceName
	return nil
}

func describeImage(ctx context.Context, aws AWS, imageID string) (cloud.Image, error) {
	images, err := aws.Images(ctx, cloud.ImageQuery{IDs: []string{imageID}})
	if err != nil {
		return cloud.Image{}, err
	}
	if len(images) == 0 {
		return cloud.Image{}, fmt.Errorf("image %s: %w", imageID, errNoImage)
	}
	return images[0], nil
}

// tagSlots gives instances the tags that only their slot has: a call for each set of
// tags. Interrupted before that, the next apply finds them wanting.
func (r *run) tagSlots(ctx context.Context, launched []Member) error {
	var updates []Update
	for _, member := range launched {
		if special := r.spec.SpecialTags(member.Slot); len(special) > 0 {
			updates = append(updates, Update{Member: member, Tags: special})
		}
	}
	return r.writeTags(ctx, updates)
}

// launcher is one search for room.
type launcher struct {
	*run
	shape      shape
	generation int
	// slots are still to be filled.
	slots    []int
	launched []Member
	refusals []error
	// empty are pools that had no room in this very search: it asks them once.
	empty map[cloud.Pool]bool
}

// search tries all pools; those that rest are looked at only when nothing else is
// left.
func (l *launcher) search(ctx context.Context) error {
	for _, resting := range []bool{false, true} {
		for instanceType := range strings.SplitSeq(l.shape.types, ",") {
			if err := l.fill(ctx, instanceType, resting); err != nil {
				return err
			}
		}
	}
	if len(l.slots) > 0 {
		return errors.Join(l.refusals...)
	}
	return nil
}

// fill launches as many of the slots as there is room for with that type. An error
// ends the whole search.
func (l *launcher) fill(ctx context.Context, instanceType string, resting bool) error {
	closed := map[string]bool{}
	open := func(p place) bool {
		pool := cloud.Pool{InstanceType: instanceType, SubnetID: p.subnet}
		here := l.shape.subnet == p.subnet || l.shape.subnet == "" && !p.special
		return here && !closed[p.subnet] && !l.empty[pool] && l.aws.Pools().Resting(pool) == resting
	}
	for len(l.slots) > 0 {
		shares, left := deal(l.slots, l.places, open)
		if len(shares) == 0 {
			l.noAddresses(open)
			return nil
		}
		l.slots = left
		for _, p := range slices.Clone(l.places) {
			slots := shares[p.subnet]
			if len(slots) == 0 {
				continue
			}
			hasRoom, err := l.fillPool(ctx, cloud.Pool{InstanceType: instanceType, SubnetID: p.subnet}, slots)
			if err != nil {
				return err
			}
			closed[p.subnet] = !hasRoom
		}
		slices.Sort(l.slots)
	}
	return nil
}

// noAddresses notes that subnets were left out because they are full.
func (l *launcher) noAddresses(open func(place) bool) {
	for _, p := range l.places {
		if open(p) && p.free <= 0 {
			l.refusals = append(l.refusals, fmt.Errorf("subnet %s has no free address", p.subnet))
		}
	}
}

// fillPool launches slots in one pool; those that it has no room for are left over.
func (l *launcher) fillPool(ctx context.Context, pool cloud.Pool, slots []int) (hasRoom bool, err error) {
	batches, err := l.spec.batches(slots)
	if err != nil {
		return false, err
	}
	hasRoom = true
	for len(batches) > 0 {
		b := batches[0]
		batches = batches[1:]
		var launched []Member
		if hasRoom {
			launched, err = l.launchBatch(ctx, b, pool)
			if halves, throttled := l.halves(ctx, b, err); throttled {
				batches = append(halves, batches...)
				continue
			}
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
		release(l.places, pool.SubnetID, len(left))
	}
	return hasRoom, nil
}

// halves divides a batch that EC2 has throttled for as long as the SDK asks again: what
// others of the account use of the bucket of instances leaves too little for all at once,
// and may always do.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
func (l *launcher) halves(ctx context.Context, b batch, err error) (halves []batch, throttled bool) {
	if err == nil || cloud.ClassOf(err) != cloud.Throttle || len(b.slots) < 2 || ctx.Err() != nil {
		return nil, false
	}
	half := len(b.slots) / 2
	l.options.Progress.Printf("EC2 throttles a launch of %d: launching fewer at a time", len(b.slots))
	for _, slots := range [][]int{b.slots[:half], b.slots[half:]} {
		smaller, err := l.spec.batches(slots)
		if err != nil {
			return nil, false // it was none for all of them
		}
		halves = append(halves, smaller...)
	}
	return halves, true
}

// made reports whether there are instances of a client token. An answer may have got lost
// before others were throttled.
func (l *launcher) made(ctx context.Context, launch cloud.Launch) bool {
	there, err := l.aws.Instances(ctx, cloud.InstanceQuery{Tags: launch.Tags.With(l.owner.Tags())})
	return err == nil && slices.ContainsFunc(there, func(i cloud.Instance) bool { return i.ClientToken == launch.ClientToken })
}

// refused decides what a refusal means: another pool may do, or the search is over.
// A throttle never counts as lack of capacity.
func (l *launcher) refused(pool cloud.Pool, err error) error {
	switch cloud.ClassOf(err) {
	case cloud.Capacity:
		l.aws.Pools().Rest(pool)
		l.empty[pool] = true
	case cloud.Addresses:
		for i := range l.places {
			if l.places[i].subnet == pool.SubnetID {
				l.places[i].free = 0
			}
		}
	case cloud.Unsupported:
	default:
		return errors.Join(append([]error{err}, l.refusals...)...) // what has ended it comes first
	}
	l.options.Progress.Printf("no room for %s in %s: %v", pool.InstanceType, pool.SubnetID, err)
	l.refusals = append(l.refusals, fmt.Errorf("%s in %s: %w", pool.InstanceType, pool.SubnetID, err))
	return nil
}

// launchBatch makes one call. Its client token is derived from the whole of it, so a
// repeated call returns the first one's instances. A token whose instances have been
// terminated since, or have lost their slots, is spent, and the next is used.
func (l *launcher) launchBatch(ctx context.Context, b batch, pool cloud.Pool) ([]Member, error) {
	launch := l.spec.launchOf(l.owner, b, pool, l.generation, l.rootDevice)
	launch.PrivateIP = l.shape.address
	seen := map[string]bool{}
	for _, member := range l.observed.all() {
		seen[member.Instance.ID] = true
	}
	unclear := 0
	for attempt := 0; attempt < spentTokens; {
		launch.ClientToken = l.owner.LaunchToken(launch, attempt)
		instances, err := l.aws.RunInstances(ctx, launch)
		l.note(ctx, err)
		switch {
		case cloud.HasCode(err, cloud.CodeTokenSpent):
			attempt++
			continue
		case err != nil && cloud.ClassOf(err) == cloud.Unclear && unclear < unclearAnswers && ctx.Err() == nil:
			unclear++
			continue
		case err != nil && cloud.ClassOf(err) == cloud.Throttle && unclear < unclearAnswers && l.made(ctx, launch):
			unclear++
			continue
		case err != nil:
			l.failed(ctx, err)
			return nil, err
		}
		if members := l.filledBy(b, instances, seen); len(members) > 0 {
			l.options.Progress.Printf("launched %d %s in %s for %s", len(members), pool.InstanceType, pool.SubnetID, slotRange(b.slots))
			return members, nil
		}
		attempt++
	}
	return nil, fmt.Errorf("%d client tokens in a row brought back terminated instances", spentTokens)
}

// filledBy are the members that a batch's instances make: those that live and were not there
// before.
func (l *launcher) filledBy(b batch, instances []cloud.Instance, seen map[string]bool) []Member {
	var members []Member
	for _, instance := range instances {
		if instance.Live() && !seen[instance.ID] && !l.stripped(instance) && instance.LaunchIndex < len(b.slots) {
			members = append(members, Member{
				Slot: b.slots[instance.LaunchIndex], Instance: instance, ImageID: instance.ImageID,
				Hostname: l.spec.Hostname(b.slots[instance.LaunchIndex]),
				// From when this machine has it: EC2's clock may be another.
				Generation: l.generation, since: time.Now(),
			})
		}
	}
	return members
}

// failed notes a launch that may have been one all the same.
func (l *launcher) failed(ctx context.Context, err error) {
	if cloud.ClassOf(err) == cloud.Unclear || ctx.Err() != nil {
		l.unheard = true
	}
}

// stripped reports whether somebody has taken the fleet's tags off an instance that a
// spent token brings back: nothing would find it any more. An answer without any tags
// is believed, unless the instance is so old that it would have been seen with them.
func (r *run) stripped(instance cloud.Instance) bool {
	if len(instance.Tags) > 0 {
		return !r.owner.Claimed(instance.Tags)
	}
	return instance.LaunchedAt.Before(r.begun.Add(-visibleAfter))
}

// visibleAfter is how long it may take until everybody sees what was made.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const visibleAfter = 5 * time.Minute

// lacking are the slots for which nothing was launched.
func lacking(slots []int, launched []Member) []int {
	filled := map[int]bool{}
	for _, member := range launched {
		filled[member.Slot] = true
	}
	return slices.DeleteFunc(slices.Clone(slots), func(slot int) bool { return filled[slot] })
}
