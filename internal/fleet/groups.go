package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Group is one step of a rollout.
type Group struct {
	// First are the slots whose old instances end before their new ones are launched;
	// Then are those whose old ones end once the new ones of the whole group are ready.
	First, Then []Change
	// Soak is how long the instances of the canary, of which this is the last group,
	// must stay ready before the next.
	Soak time.Duration
}

// Reason is why the group's first slot is replaced, in words.
func (g Group) Reason() string { return g.all()[0].Reason }

// all are the group's changes.
func (g Group) all() []Change { return slices.Concat(g.First, g.Then) }

// limits are how many instances may be missing, and how many there may be beyond the
// size, at any moment of a rollout. One of them is at least 1, or nothing could move.
func (s Spec) limits(broken int) (unavailable, surge int) {
	unavailable = s.Rollout.MaxUnavailable.Of(s.Size)
	surge = s.Rollout.MaxSurge.AtLeastOne(s.Size)
	if unavailable == 0 && surge == 0 {
		surge = 1
	}
	// Instances that are kept although they are broken are missing already.
	unavailable = max(0, unavailable-broken)
	if unavailable == 0 && surge == 0 {
		surge = 1
	}
	return unavailable, surge
}

// mendGroups divides the replacement of broken instances so that there are never more
// than a rollout may have. What does not run serves nobody, and ends first. What runs
// and fails its checks may still serve somebody, above all where it is the check that is
// wrong: it ends when the new one is ready.
func (s Spec) mendGroups(changes []Change) []Group {
	_, surge := s.limits(0)
	surge = max(surge, 1)
	var group Group
	var running []Change
	for _, change := range changes {
		if change.Old.Instance.State != cloud.InstanceRunning || s.override(change.Slot).PrivateIP != "" {
			group.First = append(group.First, change)
		} else {
			running = append(running, change)
		}
	}
	var groups []Group
	for len(group.First)+len(running) > 0 {
		group.Then, running = take(running, surge)
		groups = append(groups, group)
		group = Group{}
	}
	return groups
}

// groups divides the replacement of working instances into steps that keep the limits:
// while a group is under way, those of First are missing, and those of Then are beyond
// the size. What goes on after an interruption has a canary too: nobody knows whether
// the first one stayed ready for the whole of its soak.
func (s Spec) groups(changes []Change, broken int) []Group {
	unavailable, surge := s.limits(broken)
	var ends, surges []Change
	gives := s.givers(changes)
	for _, change := range s.givenFirst(changes, gives) {
		if change.RootVolume || gives[change.Slot] || s.override(change.Slot).PrivateIP != "" {
			ends = append(ends, change)
		} else {
			surges = append(surges, change)
		}
	}
	canary := s.Rollout.Canary
	var groups []Group
	for len(ends)+len(surges) > 0 {
		most := unavailable + surge
		if canary > 0 {
			most = min(most, canary)
		}
		var group Group
		// What must end first can do nothing else; a root volume, or an address, is taken
		// from one slot even where nothing may be missing.
		group.First, ends = take(ends, min(most, max(unavailable, 1)))
		var more []Change
		more, surges = take(surges, min(most, unavailable)-len(group.First))
		group.First = append(group.First, more...)
		group.Then, surges = take(surges, min(surge, most-len(group.First)))
		if canary > 0 {
			canary -= len(group.First) + len(group.Then)
			if canary <= 0 && len(ends)+len(surges) > 0 {
				group.Soak = s.Rollout.Soak
			}
		}
		groups = append(groups, group)
	}
	return groups
}

// take splits off the first changes, at most so many.
func take(changes []Change, most int) (first, rest []Change) {
	most = min(max(most, 0), len(changes))
	return changes[:most:most], changes[most:]
}

// Forecast says in words what a rollout will do; empty without one.
func (p Plan) Forecast() string {
	if len(p.Rollout) == 0 {
		return ""
	}
	replaced, rebooted, canary, largest := 0, 0, 0, 0
	soak := time.Duration(0)
	for _, group := range p.Rollout {
		for _, change := range group.all() {
			if change.RootVolume {
				rebooted++
			} else {
				replaced++
			}
		}
		largest = max(largest, len(group.First)+len(group.Then))
		if soak == 0 {
			canary += len(group.First) + len(group.Then)
			soak = group.Soak
		}
	}
	var text string
	switch {
	case rebooted == 0:
		text = instances(replaced) + " will be replaced"
	case replaced == 0:
		text = instances(rebooted) + " will get a new root volume"
	default:
		text = fmt.Sprintf("%s will be replaced and %s will get a new root volume", instances(replaced), instances(rebooted))
	}
	text += fmt.Sprintf(", in %s of at most %d", batches(len(p.Rollout)), largest)
	if soak > 0 {
		first := "one"
		if canary > 1 {
			first = strconv.Itoa(canary)
		}
		text += fmt.Sprintf("; the first %s must stay ready for %s before the others follow", first, soak)
	}
	return text
}

func batches(count int) string {
	if count == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", count)
}
