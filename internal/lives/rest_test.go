package lives

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// rounds is how often an apply may be repeated until all is as specified: once where
// nothing goes wrong by itself.
func (w *world) rounds() int {
	if w.weather == "storm" {
		return 15
	}
	return 3 // for what the first has met and imported, and for leases that were too young
}

// settle applies until all is as specified, and says what is not.
func (w *workspace) settle() {
	var problems []string
	for round := range w.rounds() {
		if round > 0 {
			<-time.After(10 * time.Minute)
		}
		err := w.run(nothing, 0, w.terraformApply)
		if err != nil {
			problems = []string{err.Error()}
			if w.blocked() && onlyExists(w, err) {
				w.count("blocked")
				w.team.unharmed()
				return
			}
			if w.weather != "storm" {
				break
			}
			continue
		}
		if w.weather != "calm" {
			<-time.After(5 * time.Minute) // until everybody sees it
		}
		if problems = w.unrest(); len(problems) == 0 {
			w.count("rests")
			w.team.unharmed()
			return
		}
		if !w.adopted() && !onlyLeases(problems) && w.weather != "storm" {
			break
		}
	}
	w.fault("%s does not come to rest: %s", w.label, strings.Join(problems, "; "))
}

// onlyExists reports whether nothing else has failed than that names are taken.
func onlyExists(w *workspace, err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return slices.ContainsFunc(w.objects(), func(o *object) bool { return o.engine.exists(err) })
	}
	for _, each := range joined.Unwrap() {
		if !onlyExists(w, each) {
			return false
		}
	}
	return true
}

// onlyLeases reports whether nothing else is to be done than to clear the leases of processes
// that have died: for three minutes nobody can tell that they have.
func onlyLeases(problems []string) bool {
	return !slices.ContainsFunc(problems, func(problem string) bool {
		return !strings.Contains(problem, "that has died") && !strings.Contains(problem, "that died")
	})
}

// run is one run of Terraform, with a blow at its nth request.
func (w *workspace) run(how blow, nth int, do func(context.Context, *process) error) error {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	p := w.spaceProcess(how, nth, cancel)
	w.usedBefore = w.usedImages()
	err := do(ctx, p)
	p.over()
	if p.isDead() {
		w.bury(p)
	}
	if struck := p.struckAt(); struck != "" {
		w.count(blows[how])
		w.logf("%s at request %d (%s): %v", blows[how], nth, struck, err)
	} else if err != nil {
		w.logf("failed: %v", err)
	}
	return err
}

// unrest lists what is not as it must be after an apply that succeeded.
func (w *workspace) unrest() []string {
	var problems []string
	ctx := w.t.Context()
	for _, o := range w.objects() {
		switch {
		case !o.wanted || o != w.line && !w.onBase && w.currentImage() == "":
			continue
		case o.current == nil:
			problems = append(problems, fmt.Sprintf("%s %s is not in the state", o.kind, o.name))
			continue
		}
		changes, err := o.engine.changes(ctx, w.hand, o.current)
		if err != nil || changes != "" {
			problems = append(problems, fmt.Sprintf("%s %s is to be changed again: %s %v", o.kind, o.name, changes, err))
		}
	}
	for i, o := range w.fleets {
		if o.wanted && o.current != nil && w.currentImage() != "" {
			problems = append(problems, w.wholeFleet(o, w.crews[i])...)
		}
	}
	problems = append(problems, w.wholeLine()...)
	return append(problems, w.strays()...)
}

// wholeFleet says how a fleet differs from what is promised: so many members, on the line's
// current image, and nothing else that was ever made for it.
func (w *workspace) wholeFleet(o *object, crew *crew) (problems []string) {
	state := stateOfCrew(o.current)
	observed, err := fleet.Observe(w.t.Context(), w.hand.region, crew.watch(o.current.owner, crew.spec(), state.slots))
	if err != nil {
		return []string{err.Error()}
	}
	for slot, member := range observed.Members {
		if member.ImageID != w.currentImage() {
			problems = append(problems, fmt.Sprintf("slot %d of %s runs %s, want %s", slot, o.name, member.ImageID, w.currentImage()))
		}
	}
	made := w.mine(func(i cloud.Instance) bool { return w.madeFor(i.ID) == o.current.owner.ID })
	if len(made) != crew.wants.Size || len(observed.Members) != crew.wants.Size || len(observed.Surplus) > 0 {
		problems = append(problems, fmt.Sprintf("fleet %s has %d members, %d surplus and %d instances in all, want %d",
			o.name, len(observed.Members), len(observed.Surplus), len(made), crew.wants.Size))
	}
	return problems
}

// wholeLine says how the line differs from what is promised beyond its plan: a current image
// that can be launched, no more versions than are retained or in use, and a parameter that
// holds the current one.
func (w *workspace) wholeLine() []string {
	if !w.line.wanted || w.line.current == nil {
		return nil
	}
	var problems []string
	spec, state := w.recipe.spec(), stateOfLine(w.line.current)
	found, err := w.recipe.observe(w.t.Context(), w.hand, w.line.current)
	current := found.Current()
	if err != nil || current == nil || current.ImageID != state.imageID || current.State != cloud.ImageAvailable {
		return []string{fmt.Sprintf("the line's current version is %+v, %v; want %s, available", current, err, state.imageID)}
	}
	used := w.usedImages()
	maps.Copy(used, w.usedBefore) // fleets leave a version after the line has kept it for them
	beyond := len(found.Versions) - spec.Capture.RetainVersions
	for _, version := range found.Versions {
		if used[version.ImageID] {
			beyond--
		}
	}
	if beyond > 0 {
		problems = append(problems, fmt.Sprintf("the line has %d versions, want %d beside those in use", len(found.Versions), spec.Capture.RetainVersions))
	}
	return problems
}

// usedImages are those that instances run, whoever has launched them.
func (w *world) usedImages() map[string]bool {
	used := map[string]bool{}
	all, err := w.hand.region.Instances(w.t.Context(), cloud.InstanceQuery{})
	if err != nil {
		w.logf("nobody can tell which images are in use: %v", err)
	}
	for _, instance := range all {
		used[instance.ImageID] = true
	}
	return used
}

// strays are things of ours that no state and no lease tells of, and owners that two states
// have.
func (w *world) strays() []string {
	creating, err := w.creating()
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	states := map[string]int{}
	w.mu.Lock()
	for _, space := range w.ours {
		for _, id := range space.owners() {
			states[id]++
			if states[id] > 1 {
				problems = append(problems, "owner "+id+" is in two states")
			}
		}
	}
	w.mu.Unlock()
	for _, left := range w.learn() {
		w.mu.Lock()
		whose, theirs := w.truth[left.Region+"/"+left.ID], w.team.hasLocked(left.ID)
		w.mu.Unlock()
		if whose == "" || theirs || states[whose] > 0 || slices.Contains(creating, whose) {
			continue
		}
		problems = append(problems, fmt.Sprintf("%s %s (%s) is of owner %s, which is in no state and has no lease", left.Type, left.ID, left.Region, whose))
	}
	return problems
}

// adopted puts owners into the state whose create was killed at its very last request, as a
// user would who imports them to destroy them; it reports whether there was any.
func (w *workspace) adopted() bool {
	w.learn()
	there := map[string]*object{}
	for _, left := range w.stage.Lab.Books().Leftovers {
		id := w.truth[left.Region+"/"+left.ID]
		for _, o := range w.objects() {
			tag := map[ownership.Kind]string{ownership.Image: cloud.TagImage, ownership.Fleet: cloud.TagFleet}[o.kind]
			if w.orphaned(id) && w.stateOf(id) == nil && !w.team.has(left.ID) && left.Tags[tag] == o.name {
				there[id] = o
			}
		}
	}
	for id, o := range there {
		w.count("imports")
		w.logf("%s %s: owner %s is imported, to be destroyed", o.kind, o.name, id)
		w.record(func() { o.deposed = append(o.deposed, &instance{owner: w.owner(o.kind, o.name).As(id)}) })
	}
	return len(there) > 0
}

// finish destroys both workspaces, after which nothing may be left but what others have.
func (w *world) finish() {
	for _, space := range w.ours {
		space.clear()
	}
	// What a dead create has left is known to the next create alone.
	for range 5 {
		creating, err := w.creating()
		if err == nil && len(creating) == 0 {
			break
		}
		for _, o := range w.ours[0].objects() {
			o.wanted = true
		}
		w.ours[0].settle()
		w.ours[0].clear()
	}
	if w.ours[0].adopted() {
		w.ours[0].clear()
	}
	w.team.unharmed()
	w.team.leave()
	<-time.After(3 * time.Hour)
	for _, left := range w.learn() {
		if w.weather == "storm" && len(left.Tags) == 0 && (left.Type == "image" || left.Type == "snapshot") {
			continue // the other team's: it has not heard of its success; what is ours has tags from its first call
		}
		w.fault("left over at the end: %s %s (%s) %v", left.Type, left.ID, left.Region, left.Tags)
	}
}

// clear is terraform destroy, until nothing is in the state.
func (w *workspace) clear() {
	var err error
	for round := range w.rounds() {
		if round > 0 {
			<-time.After(10 * time.Minute)
		}
		if err = w.run(nothing, 0, w.terraformDestroy); err == nil {
			return
		}
		if w.weather != "storm" {
			break
		}
	}
	w.fault("%s cannot be destroyed: %v", w.label, errors.Join(err))
}
