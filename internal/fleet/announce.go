package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Unknown is what a plan does not know of its spec yet. The plan counts as changed
// whatever it may change; when the value turns out to be the same, nothing is.
type Unknown struct {
	// Image is set when ImageID is not known.
	Image bool
	// Launch are attributes that a running instance cannot change.
	Launch []string
	// Slots are the same for one slot.
	Slots map[int]bool
}

// Any reports whether anything is.
func (u Unknown) Any() bool { return u.Image || len(u.Launch)+len(u.Slots) > 0 }

// Reasons for a rollout that is planned before all is known.
const imageUnknown = "image_id is known after the bake"

// of is what is unknown of a slot, as a reason to replace its instance; empty when
// nothing is.
func (u Unknown) of(slot int) string {
	switch {
	case len(u.Launch) > 0:
		return strings.Join(u.Launch, ", ") + " known after apply"
	case u.Slots[slot]:
		return fmt.Sprintf("slots.overrides[%q] known after apply", strconv.Itoa(slot))
	}
	return ""
}

// Circumstances are what an announcement has to know beside the plan.
type Circumstances struct {
	Name string
	// SizeBefore is the size of the fleet before, Size the one that is planned.
	SizeBefore, Size int
	Rollout          Rollout
	// Unknown is what is not known yet.
	Unknown Unknown
	// Changed are the attributes that differ and that a running instance cannot change.
	Changed []string
	// Visible is set when an attribute of the plan shows that something changes.
	Visible bool
}

// Announce says what an apply of the plan does to servers, so that a reviewer sees it
// without reading the instances: which end, why, and in which steps. Terraform plans
// again when it applies, so all of it is in the present tense.
func (p Plan) Announce(about Circumstances) []report.Warning {
	a := announcement{plan: p, about: about}
	a.rollout()
	a.repairs()
	a.shrinks()
	a.surplus()
	a.hidden()
	if len(p.Left) > 0 {
		a.add("Clearing leftovers of fleet "+about.Name, "An apply that died has left them. The apply "+p.Clears()+".")
	}
	return a.warnings
}

// announcement collects the warnings.
type announcement struct {
	plan     Plan
	about    Circumstances
	warnings []report.Warning
}

func (a *announcement) add(summary string, lines ...string) {
	a.warnings = append(a.warnings, report.Warning{Summary: summary, Detail: strings.Join(lines, "\n")})
}

// rollout announces what works and is replaced.
func (a *announcement) rollout() {
	groups := a.plan.Rollout
	if len(groups) == 0 {
		return
	}
	changes := a.plan.of(Outdated)
	disks, replaced := slotsOf(changesBy(changes, true)), slotsOf(changesBy(changes, false))
	lines := []string{}
	if len(replaced) > 0 {
		text := "%s: new instances. Each old one ends, with its disks, %s."
		if len(replaced) == 1 {
			text = "%s: a new instance. The old one ends, with its disks, %s."
		}
		lines = append(lines, fmt.Sprintf(text, sentence(slotRange(replaced)), endsWhen(groups)))
	}
	if len(disks) > 0 {
		lines = append(lines, fmt.Sprintf("%s: new root volumes; instances, addresses and other volumes stay. What is on the old root volumes is lost, and each server boots anew.",
			sentence(slotRange(disks))))
	}
	if canary, soak := canaryOf(groups, a.about.Rollout); canary != "" {
		text := "Canary: " + canary + " first"
		if soak > 0 {
			text += fmt.Sprintf(", which must stay ready for %s before the others follow", soak)
		}
		lines = append(lines, text+".")
	}
	lines = append(lines, "Why: "+strings.Join(a.reasons(changes), "; ")+".")
	if a.about.Unknown.Any() {
		lines = append(lines, "Where that turns out to be as before, nothing is replaced.")
	}
	largest := 0
	for _, group := range groups {
		largest = max(largest, len(group.all()))
	}
	a.add(fmt.Sprintf("Rolling fleet %s: %s, %s of at most %d", a.about.Name, instances(len(changes)), batches(len(groups)), largest), lines...)
}

// changesBy are the changes that replace the root volume, or those that do not.
func changesBy(changes []Change, rootVolume bool) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.RootVolume != rootVolume })
}

// endsWhen says on which side of their new ones the old instances end.
func endsWhen(groups []Group) string {
	before, after := false, false
	for _, group := range groups {
		for _, change := range group.First {
			before = before || !change.RootVolume
		}
		after = after || len(group.Then) > 0
	}
	switch {
	case before && after:
		return "before a successor is launched or when that is ready, as max_unavailable allows"
	case before:
		return "before a successor is launched"
	}
	return "when its successor is ready"
}

// canaryOf names the slots that go first.
func canaryOf(groups []Group, rollout Rollout) (slots string, soak time.Duration) {
	if rollout.Canary == 0 || len(groups) < 2 {
		return "", 0
	}
	var first []int
	for _, group := range groups {
		first = append(first, slotsOf(group.all())...)
		if len(first) >= rollout.Canary {
			slices.Sort(first)
			return slotRange(first), group.Soak
		}
	}
	return "", 0
}

// reasons says why, once for all slots of one reason.
func (a *announcement) reasons(changes []Change) []string {
	by := map[string][]int{}
	var order []string
	for _, change := range changes {
		reason := change.Reason
		if reason == launchSettingChanged && len(a.about.Changed) > 0 {
			reason = strings.Join(a.about.Changed, ", ") + " changed"
		}
		if by[reason] == nil {
			order = append(order, reason)
		}
		by[reason] = append(by[reason], change.Slot)
	}
	if len(order) == 1 {
		return order
	}
	const most = 5
	var texts []string
	for _, reason := range order[:min(most, len(order))] {
		texts = append(texts, slotRange(by[reason])+": "+reason)
	}
	if len(order) > most {
		texts = append(texts, fmt.Sprintf("and %d more reasons", len(order)-most))
	}
	return texts
}

// repairs announces slots whose instances do not work, or are not there.
func (a *announcement) repairs() {
	broken := a.plan.of(BrokenOne)
	if len(broken) > 0 {
		var lines []string
		for _, change := range broken {
			lines = append(lines, fmt.Sprintf("slot %d: %s %s", change.Slot, change.Old.Instance.ID, change.Old.Broken))
		}
		a.add(fmt.Sprintf("Replacing %s of fleet %s", counted(len(broken), "broken instance"), a.about.Name), append(few(lines),
			a.brokenEnd(broken), "To keep such instances, set replace_unhealthy = false.")...)
	}
	a.keeps()
	a.fills()
}

// keeps announces what is broken and stays.
func (a *announcement) keeps() {
	if kept := a.plan.Broken; len(kept) > 0 {
		var lines []string
		for _, member := range kept {
			lines = append(lines, fmt.Sprintf("slot %d: %s %s", member.Slot, member.Instance.ID, member.Broken))
		}
		a.add(fmt.Sprintf("Keeping %s of fleet %s", counted(len(kept), "broken instance"), a.about.Name),
			append(few(lines), "They stay as they are, since replace_unhealthy = false.")...)
	}
}

// fills announces the slots that have lost their instances.
func (a *announcement) fills() {
	var empty []int
	for _, change := range a.plan.of(Missing) {
		if change.Slot < a.about.SizeBefore {
			empty = append(empty, change.Slot)
		}
	}
	if len(empty) > 0 {
		a.add(fmt.Sprintf("Filling %s of fleet %s", counted(len(empty), "empty slot"), a.about.Name),
			sentence(slotRange(empty))+": "+oneOr(len(empty), "a new instance", "a new instance each")+". What was there is terminated or gone.")
	}
}

// brokenEnd says what becomes of broken instances.
func (a *announcement) brokenEnd(broken []Change) string {
	text := "They end, with their disks: those that do not run before their new ones are launched, those that run when their new ones are ready."
	switch running := slices.DeleteFunc(slices.Clone(broken), func(c Change) bool { return c.Old.Instance.State != cloud.InstanceRunning }); {
	case len(running) == 0:
		text = "What does not run ends, with its disks, before its successor is launched."
	case len(running) == len(broken):
		text = "What is broken and runs ends, with its disks, when its successor is ready."
	}
	for _, change := range broken {
		if change.Differs != "" {
			return text + " Successors differ (" + change.Differs + "): they are launched at once, without canary and soak."
		}
	}
	return text
}

// shrinks announces the ends of slots beyond the size.
func (a *announcement) shrinks() {
	var slots []int
	var lines []string
	for _, member := range a.plan.End {
		if member.Slot >= a.about.Size {
			slots = append(slots, member.Slot)
			lines = append(lines, lineOf(member))
		}
	}
	if len(slots) == 0 {
		return
	}
	slices.Sort(slots)
	a.add(fmt.Sprintf("Shrinking fleet %s: %s", a.about.Name, endsOf(len(slots))),
		append([]string{sentence(slotRange(slots)) + ": " + theyEnd(len(slots))}, few(lines)...)...)
}

// surplus announces the ends of instances that no slot needs.
func (a *announcement) surplus() {
	var lines []string
	for _, member := range a.plan.End {
		switch {
		case member.Slot >= a.about.Size:
		case member.Slot < 0:
			lines = append(lines, lineOf(member))
		default:
			lines = append(lines, fmt.Sprintf("%s (slot %d, which has another)", member.Instance.ID, member.Slot))
		}
	}
	if len(lines) == 0 {
		return
	}
	a.add(fmt.Sprintf("Ending surplus instances of fleet %s: %s", a.about.Name, endsOf(len(lines))),
		append([]string{"They belong to the fleet, and no slot needs them. They end, with their disks:"}, few(lines)...)...)
}

// hidden announces what is changed in place and shows in no attribute.
func (a *announcement) hidden() {
	if a.about.Visible || len(a.plan.Updates)+len(a.plan.Mark) == 0 {
		return
	}
	what := map[string]bool{}
	var slots []int
	for _, update := range a.plan.Updates {
		slots = append(slots, update.Member.Slot)
		for _, name := range update.What() {
			what[name] = true
		}
	}
	var lines []string
	if len(slots) > 0 {
		slices.Sort(slots)
		lines = append(lines, fmt.Sprintf("Not as configured: %s of %s. They are set again on the running instances; none ends.",
			strings.Join(slices.Sorted(maps.Keys(what)), ", "), slotRange(slots)))
	}
	if len(a.plan.Mark) > 0 {
		lines = append(lines, fmt.Sprintf("Somebody has changed the tags by which the fleet is found, on %s: they are written again.", firstOf(a.plan.Mark, ", ")))
	}
	a.add("Setting instances of fleet "+a.about.Name+" right in place", lines...)
}

// AnnounceEnd says which instances a destroy ends.
func AnnounceEnd(summary string, observed *Observation) []report.Warning {
	members := observed.all()
	if len(members) == 0 {
		return nil
	}
	var slots []int
	var lines []string
	for _, member := range members {
		if member.Slot >= 0 && !slices.Contains(slots[max(0, len(slots)-1):], member.Slot) {
			slots = append(slots, member.Slot)
		}
		lines = append(lines, lineOf(member))
	}
	slices.Sort(slots)
	which := sentence(slotRange(slices.Compact(slots)))
	if len(slots) == 0 {
		which = "No slot is known"
	}
	return []report.Warning{{
		Summary: summary + ": " + endsOf(len(members)),
		Detail:  strings.Join(append([]string{which + ": " + theyEnd(len(members))}, few(lines)...), "\n"),
	}}
}

// few are the first lines, and how many more there are.
func few(lines []string) []string {
	const most = 10
	if len(lines) <= most {
		return lines
	}
	return append(slices.Clone(lines[:most]), fmt.Sprintf("and %d more", len(lines)-most))
}

// lineOf names an instance that ends by its slot.
func lineOf(member Member) string {
	if member.Slot < 0 {
		return member.Instance.ID + " (its slot is unknown)"
	}
	return fmt.Sprintf("slot %d: %s", member.Slot, member.Instance.ID)
}

func theyEnd(count int) string {
	return oneOr(count, "the instance ends, with its disks.", "the instances end, with their disks.")
}

func oneOr(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}

func endsOf(count int) string {
	return oneOr(count, "1 instance ends", fmt.Sprintf("%d instances end", count))
}

func counted(count int, what string) string {
	if count == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", count, what)
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
