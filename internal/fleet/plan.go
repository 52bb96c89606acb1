package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
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

// Change is one slot that gets a new instance.
type Change struct {
	Slot int
	Kind Kind
	// Reason says why in words.
	Reason string
	// Old is the instance that the new one replaces, if there is one, and Subnet its
	// subnet.
	Old, Subnet string
}

// Update is what is changed on a running instance.
type Update struct {
	Member Member
	// Tags are to be written, SurplusTags removed.
	Tags        cloud.Tags
	SurplusTags []string
	Groups      bool
	Profile     bool
}

// Plan is what has to happen to a fleet so that it is as specified.
type Plan struct {
	// Keep are the slots whose instances stay, in order.
	Keep []int
	// New are the slots that get a new instance, in order.
	New []Change
	// Wait are kept instances that must be ready before surplus ones of the same slot end.
	Wait []string
	// End are instances to terminate: of slots beyond the size, and surplus ones.
	End []string
	// Updates are made in place on kept instances.
	Updates []Update
	// NextGeneration is the fleet's once the plan is carried out: a rollout raises it.
	NextGeneration int
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.New)+len(p.End)+len(p.Updates) == 0 }

// Changes are the slots that get a new instance, in order.
func (p Plan) Changes() []Change { return p.New }

// String is the plan in a few words.
func (p Plan) String() string {
	var parts []string
	for _, kind := range []Kind{Missing, BrokenOne, Outdated} {
		var slots []int
		for _, change := range p.New {
			if change.Kind == kind {
				slots = append(slots, change.Slot)
			}
		}
		if len(slots) > 0 {
			parts = append(parts, fmt.Sprintf("launch %d for %s %s", len(slots), kind, slotList(slots)))
		}
	}
	if len(p.End) > 0 {
		parts = append(parts, fmt.Sprintf("end %d", len(p.End)))
	}
	if len(p.Updates) > 0 {
		parts = append(parts, fmt.Sprintf("update %d in place", len(p.Updates)))
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// NewPlan compares the fleet with the spec. It is a pure function.
func NewPlan(spec Spec, observed *Observation) Plan {
	plan := Plan{NextGeneration: observed.Generation}
	chosen, surplus := choose(spec, observed)
	crowded := map[int]bool{}
	for _, member := range surplus {
		crowded[member.Slot] = true
		plan.End = append(plan.End, member.Instance.ID)
	}
	config := spec.configDigest()
	for slot := range spec.Size {
		member, there := chosen[slot]
		change := Change{Slot: slot, Old: member.Instance.ID, Subnet: member.Instance.SubnetID}
		switch outdated := spec.outdated(member, config); {
		case !there:
			change.Kind, change.Reason = Missing, "has no instance"
		case member.Broken != "" && spec.ReplaceUnhealthy:
			change.Kind, change.Reason = BrokenOne, member.Broken
		case outdated != "":
			change.Kind, change.Reason = Outdated, outdated
			plan.NextGeneration = observed.Generation + 1
		default:
			plan.Keep = append(plan.Keep, slot)
			if crowded[slot] {
				plan.Wait = append(plan.Wait, member.Instance.ID)
			}
			if update, differs := spec.update(member); differs {
				plan.Updates = append(plan.Updates, update)
			}
			continue
		}
		plan.New = append(plan.New, change)
	}
	for _, slot := range slices.Sorted(maps.Keys(chosen)) {
		if slot >= spec.Size {
			plan.End = append(plan.End, chosen[slot].Instance.ID)
		}
	}
	return plan
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
	instance := member.Instance
	switch {
	case instance.ID == "":
		return ""
	case instance.ImageID != s.ImageID:
		return fmt.Sprintf("image %s → %s", instance.ImageID, s.ImageID)
	case !slices.Contains(s.InstanceTypes, instance.Type):
		return "type " + instance.Type + " is not listed any more"
	case len(s.SubnetIDs) > 0 && !slices.Contains(s.SubnetIDs, instance.SubnetID):
		return "subnet " + instance.SubnetID + " is not listed any more"
	case member.config != config:
		return "user data, key or host name changed"
	case member.environment != s.environmentDigest(member.Slot):
		return "environment of the slot changed"
	default:
		return ""
	}
}

// update compares what can be changed on a running instance.
func (s Spec) update(member Member) (Update, bool) {
	update := Update{Member: member, Tags: cloud.Tags{}}
	have, want := member.Instance.Tags.UserTags(), s.userTags()
	for key, value := range want {
		if have[key] != value || value == "" && !has(have, key) {
			update.Tags[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if !has(want, key) {
			update.SurplusTags = append(update.SurplusTags, key)
		}
	}
	if len(s.SecurityGroupIDs) > 0 {
		wanted := slices.Sorted(slices.Values(s.SecurityGroupIDs))
		update.Groups = !slices.Equal(slices.Compact(wanted), slices.Sorted(slices.Values(member.Instance.SecurityGroupIDs)))
	}
	update.Profile = !SameProfile(s.InstanceProfile, member.Instance.InstanceProfileARN)
	return update, len(update.Tags)+len(update.SurplusTags) > 0 || update.Groups || update.Profile
}

func has(tags cloud.Tags, key string) bool {
	_, there := tags[key]
	return there
}
