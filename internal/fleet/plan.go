package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// Kind is why a slot changes.
type Kind string

// The kinds.
const (
	// Missing slots have no instance.
	Missing Kind = "missing"
	// BrokenOne slots have one that does not work.
	BrokenOne Kind = "broken"
	// Outdated slots have one that works but is not as specified.
	Outdated Kind = "outdated"
)

// Change is one slot that gets a new instance, or its instance a new root volume.
type Change struct {
	Slot int
	Kind Kind
	// Reason says why in words; Differs, of a broken one, how it is not as specified either.
	Reason, Differs string
	// Old is the member that is replaced; without a slot that is filled it is zero.
	Old Member
	// RootVolume keeps the instance and replaces its root volume.
	RootVolume bool
}

// Plan is what has to happen to a fleet so that it is as specified.
type Plan struct {
	// Keep are the slots whose instances stay, in order.
	Keep []int
	// Broken are those of them that do not work and stay all the same.
	Broken []Member
	// New are the slots that get a new instance or root volume, in order.
	New []Change
	// Rollout are those of New that work as they are, in the order in which they are
	// replaced.
	Rollout []Group
	// Wait are kept instances that must be ready before surplus ones of the same slot end.
	Wait []Member
	// End are instances to terminate: of slots beyond the size, and surplus ones.
	End []Member
	// Updates are made in place on kept instances.
	Updates []Update
	// Left is what applies have left that died: their leases, and what there is under those
	// of creates that were to follow this fleet. It is cleared.
	Left []ownership.Left
	// Mark are instances whose tags somebody has changed: they get them again.
	Mark []string
	// NextGeneration is the fleet's once the plan is carried out: a rollout raises it.
	NextGeneration int
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.New)+len(p.End)+len(p.Updates)+len(p.Left)+len(p.Mark) == 0 }

// of are the changes of one kind.
func (p Plan) of(kind Kind) []Change {
	return slices.DeleteFunc(slices.Clone(p.New), func(c Change) bool { return c.Kind != kind })
}

// String is the plan in a few words.
func (p Plan) String() string {
	var parts []string
	for _, kind := range []Kind{Missing, BrokenOne, Outdated} {
		if changes := p.of(kind); len(changes) > 0 {
			verb := "replace"
			if kind == Missing {
				verb = "fill"
			}
			parts = append(parts, fmt.Sprintf("%s %s %s", verb, kind, slotRange(slotsOf(changes))))
		}
	}
	if len(p.End) > 0 {
		parts = append(parts, "end "+memberRange(p.End))
	}
	if len(p.Updates) > 0 {
		parts = append(parts, fmt.Sprintf("update %d in place", len(p.Updates)))
	}
	if len(p.Mark) > 0 {
		parts = append(parts, fmt.Sprintf("tag %d again", len(p.Mark)))
	}
	for _, left := range p.Left {
		parts = append(parts, "clear what is left of "+leftWords(left))
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// slotsOf are the changes' slots, in their order.
func slotsOf(changes []Change) []int {
	slots := make([]int, 0, len(changes))
	for _, change := range changes {
		slots = append(slots, change.Slot)
	}
	return slots
}

// NewPlan compares the fleet with the spec. It is a pure function.
func NewPlan(spec Spec, observed *Observation) Plan {
	plan := Plan{NextGeneration: observed.Generation, Left: observed.left, Mark: observed.spoilt}
	chosen, surplus := choose(spec, observed)
	crowded := map[int]bool{}
	for _, member := range surplus {
		crowded[member.Slot] = true
		plan.End = append(plan.End, member)
	}
	config := spec.configDigest()
	for slot := range spec.Size {
		member, there := chosen[slot]
		if change, changes := spec.change(slot, member, there, config); changes {
			plan.New = append(plan.New, change)
			if update, differs := spec.update(member); differs && change.RootVolume {
				plan.Updates = append(plan.Updates, update)
			}
			continue
		}
		plan.Keep = append(plan.Keep, slot)
		if member.Broken != "" {
			plan.Broken = append(plan.Broken, member)
		}
		if crowded[slot] {
			plan.Wait = append(plan.Wait, member)
		}
		if update, differs := spec.update(member); differs {
			plan.Updates = append(plan.Updates, update)
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(chosen)) {
		if slot >= spec.Size {
			plan.End = append(plan.End, chosen[slot])
		}
	}
	if outdated := plan.of(Outdated); len(outdated) > 0 {
		plan.NextGeneration = min(plan.NextGeneration+1, maxGeneration)
		plan.Rollout = spec.groups(outdated, len(plan.Broken))
	}
	return plan
}

// change decides whether a slot needs another instance, or another disk.
func (s Spec) change(slot int, member Member, there bool, config string) (Change, bool) {
	change := Change{Slot: slot, Old: member}
	outdated := ""
	if there {
		outdated = s.outdated(member, config)
	}
	switch {
	case !there:
		change.Kind, change.Reason = Missing, "has no instance"
	case member.Broken != "" && s.ReplaceUnhealthy:
		change.Kind, change.Reason, change.Differs = BrokenOne, member.Broken, outdated
	case outdated != "":
		change.Kind, change.Reason = Outdated, outdated
		// Only a running instance can get another disk.
		change.RootVolume = s.Rollout.Strategy == StrategyRootVolume && (s.Unknown.Image || member.ImageID != s.ImageID) && s.onlyImageDiffers(member, config) &&
			member.Instance.State == cloud.InstanceRunning
	default:
		return Change{}, false
	}
	return change, true
}

// choose prefers, where a slot has several instances, one that works and is as
// specified: a rollout that was interrupted may go on, or back.
func choose(spec Spec, observed *Observation) (chosen map[int]Member, surplus []Member) {
	config := spec.configDigest()
	fits := func(m Member) bool { return m.Broken == "" && spec.outdated(m, config) == "" }
	chosen = maps.Clone(observed.Members)
	for _, member := range observed.Surplus {
		if current, there := chosen[member.Slot]; there && fits(member) && !fits(current) {
			chosen[member.Slot], member = member, current
		}
		surplus = append(surplus, member)
	}
	return chosen, surplus
}

// outdated says in words how a member differs from the spec in what cannot be changed
// on a running instance.
func (s Spec) outdated(member Member, config string) string {
	switch {
	case s.Unknown.Image:
		return imageUnknown
	case member.ImageID == unfinished:
		return "the replacement of a root volume was begun and never seen to end; to be image " + s.ImageID
	case member.ImageID != s.ImageID:
		return fmt.Sprintf("image %s → %s", member.ImageID, s.ImageID)
	}
	return s.outdatedBeyondImage(member, config)
}

func (s Spec) onlyImageDiffers(member Member, config string) bool {
	return s.outdatedBeyondImage(member, config) == ""
}

// launchSettingChanged is the reason where only a digest says that something differs.
const launchSettingChanged = "user data, volumes or another launch setting changed"

func (s Spec) outdatedBeyondImage(member Member, config string) string {
	instance, override := member.Instance, s.override(member.Slot)
	subnets := s.SubnetIDs
	if override.SubnetID != "" {
		subnets = []string{override.SubnetID}
	}
	switch {
	case !slices.Contains(s.types(member.Slot), instance.Type):
		return "type " + instance.Type + " is not wanted any more"
	case len(subnets) > 0 && !slices.Contains(subnets, instance.SubnetID):
		return "subnet " + instance.SubnetID + " is not wanted any more"
	case s.Unknown.of(member.Slot) != "":
		return s.Unknown.of(member.Slot)
	case member.config != config:
		return launchSettingChanged
	case member.environment != s.environmentDigest(member.Slot):
		return "environment or address of the slot changed"
	default:
		return ""
	}
}

// LeaveForeignTags takes out of the plan the removal of tags that the configuration never
// had: other people and their tools write them, on one instance or another. Previous is
// what was wanted before; without one, whatever is not wanted is removed.
func (p *Plan) LeaveForeignTags(previous *Spec) {
	if previous == nil {
		return
	}
	var updates []Update
	for _, update := range p.Updates {
		had := previous.slotTags(update.Member.Slot)
		update.SurplusTags = slices.DeleteFunc(slices.Clone(update.SurplusTags), func(key string) bool {
			_, wanted := had[key]
			return !wanted
		})
		if update.any() {
			updates = append(updates, update)
		}
	}
	p.Updates = updates
}

// Expect is what a plan said of a slot whose instance was well when the state was read:
// Terraform insists on that, whatever has happened to the instance since. Previous is the
// configuration in the state; the rest is what the state says of the instance.
func (s Spec) Expect(previous Spec, slot int, instance cloud.Instance, imageID string) (Change, bool) {
	instance.State = cloud.InstanceRunning
	member := Member{
		Slot: slot, Instance: instance, ImageID: imageID,
		config: previous.configDigest(), environment: previous.environmentDigest(slot),
	}
	return s.change(slot, member, true, s.configDigest())
}
