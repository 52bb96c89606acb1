package lives

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// world is an account with who lives in it: two workspaces, and another team.
type world struct {
	t     *testing.T
	stage *rehearsal.Stage
	luck  *rand.Rand
	// weather is the lab's; base is a public image.
	weather, base string
	account       cloud.Caller
	// ours has the two workspaces; hand is an operator with a console.
	ours []*workspace
	hand *process
	team *team
	// zombies are operations of processes that have died.
	zombies sync.WaitGroup

	mu sync.Mutex
	// truth is, by id, the owner that a thing was made for, as its tags said before anybody
	// could write others. protected are things that somebody has protected by hand.
	truth     map[string]string
	protected map[string]bool
	// atWork is which workspace an owner that is in no state yet is created by.
	atWork map[string]*process
	// orphans are the owners whose create was killed at its last request; ending are those
	// that have come as far.
	orphans map[string]bool
	ending  map[string]*process
	// ended are the instances that a workspace has asked EC2 to end.
	ended  map[string]bool
	faults []string
	log    []string
	counts map[string]int
}

func newWorld(t *testing.T, stage *rehearsal.Stage, luck *rand.Rand, weather string) *world {
	w := &world{
		t: t, stage: stage, luck: luck, weather: weather, base: stage.BaseImageID(),
		truth: map[string]string{}, protected: map[string]bool{}, atWork: map[string]*process{}, counts: map[string]int{},
		orphans: map[string]bool{}, ending: map[string]*process{}, ended: map[string]bool{},
	}
	w.hand = w.start(func(request) {}, nothing, 0, nil)
	account, err := w.hand.account.Caller(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.account = account
	w.team = &team{world: w, things: map[string]thing{}}
	for _, label := range []string{"A", "B"} {
		w.ours = append(w.ours, newWorkspace(w, label, rand.New(rand.NewPCG(luck.Uint64(), 1))))
	}
	return w
}

// owner is a resource object of this account that is not created yet.
func (w *world) owner(kind ownership.Kind, name string) ownership.Owner {
	return ownership.Owner{Kind: kind, Name: name, Account: w.account.Account, Partition: w.account.Partition, Region: w.hand.region.Name()}
}

// record changes a state.
func (w *world) record(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// fault notes what must not be.
func (w *world) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	w.faults = append(w.faults, text)
	w.log = append(w.log, "FAULT: "+text)
}

func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// stateOf is the workspace whose state has an owner, or nil.
func (w *world) stateOf(ownerID string) *workspace {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stateOfLocked(ownerID)
}

func (w *world) stateOfLocked(ownerID string) *workspace {
	for _, space := range w.ours {
		if slices.Contains(space.owners(), ownerID) {
			return space
		}
	}
	return nil
}

func (w *world) orphaned(ownerID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.orphans[ownerID]
}

// learn writes down whose everything is that is there. It must come before anybody tags
// anything by hand.
func (w *world) learn() []lab.Leftover {
	left := w.stage.Lab.Books().Leftovers
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, each := range left {
		key := each.Region + "/" + each.ID
		// A successor takes over its predecessor's parameter, tags and all.
		if _, known := w.truth[key]; (!known || each.Type == "parameter") && !w.team.hasLocked(each.ID) {
			w.truth[key] = each.Tags[cloud.TagOwner]
		}
	}
	return left
}

var leaseOwner = regexp.MustCompile(`work=create owner=(o-[0-9a-f]+)`)

// spaceProcess starts a process of a workspace, whose every request is looked at.
func (w *workspace) spaceProcess(how blow, nth int, cancel context.CancelFunc) *process {
	var p *process
	p = w.start(func(asked request) { w.look(p, asked) }, how, nth, cancel)
	return p
}

// changers are the requests that change things, with the parameter that names them.
var changers = map[string]string{
	"TerminateInstances": "InstanceId.", "DeregisterImage": "ImageId", "DeleteSnapshot": "SnapshotId",
	"ModifyImageAttribute": "ImageId", "ModifySnapshotAttribute": "SnapshotId", "ModifyInstanceAttribute": "InstanceId",
	"CreateReplaceRootVolumeTask": "InstanceId", "CreateTags": "ResourceId.", "DeleteTags": "ResourceId.",
	"DisableImageDeregistrationProtection": "ImageId", "EnableImageDeregistrationProtection": "ImageId", "EnableImageDeprecation": "ImageId",
	"DisableImageDeprecation": "ImageId", "CreateImage": "InstanceId", "StopInstances": "InstanceId.", "MonitorInstances": "InstanceId.",
}

// look refuses nothing, and notes what a workspace does to things that are not its own.
func (w *workspace) look(p *process, asked request) {
	if found := leaseOwner.FindStringSubmatch(asked.form.Get("VersionDescription")); found != nil {
		w.record(func() { w.atWork[found[1]] = p })
	}
	if asked.action == "DeleteLaunchTemplate" {
		w.lastRequest(p)
	}
	at, changes := changers[asked.action]
	if !changes {
		return
	}
	left := w.learn()
	for _, id := range values(asked.form, at) {
		if asked.action == "TerminateInstances" {
			w.record(func() { w.ended[id] = true })
		}
		w.lookAt(p, asked, id, left)
	}
}

// lastRequest notes the owners that a process is creating while it gives up a lease: should
// it die before Terraform has written them down, they need an import.
func (w *workspace) lastRequest(p *process) {
	w.record(func() {
		for id, by := range w.atWork {
			if by == p && w.stateOfLocked(id) == nil {
				w.ending[id] = p
			}
		}
	})
}

// bury notes what no state will ever know of what a process has made.
func (w *workspace) bury(p *process) {
	w.record(func() {
		for id, by := range w.ending {
			w.orphans[id] = w.orphans[id] || by == p && w.stateOfLocked(id) == nil
		}
	})
}

func (w *workspace) lookAt(p *process, asked request, id string, left []lab.Leftover) {
	if w.team.has(id) {
		w.fault("%s: %s of %s, which belongs to another team", w.label, asked.action, id)
		return
	}
	w.mu.Lock()
	var whose string
	var ownProtection bool
	for _, each := range left {
		if each.ID == id {
			whose, ownProtection = w.truth[each.Region+"/"+id], each.Tags[cloud.TagProtection] != ""
		}
	}
	space, by, protected := w.stateOfLocked(whose), w.atWork[whose], w.protected[id]
	w.mu.Unlock()
	switch {
	case space != nil && space != w:
		w.fault("%s: %s of %s, whose owner %s is in the state of %s", w.label, asked.action, id, whose, space.label)
	case space == nil && by != nil && by != p && !by.isDead() && !by.isOver():
		w.fault("%s: %s of %s, whose owner %s is being created by somebody else", w.label, asked.action, id, whose)
	case protected && !ownProtection && asked.lifts():
		w.fault("%s: %s lifts the protection of %s, which somebody has put on by hand", w.label, asked.action, id)
	}
}

// lifts reports whether a request takes a protection away that no plan shows. That of an
// image is in the configuration, and so in the plan.
func (r request) lifts() bool { return r.form.Get("DisableApiTermination.Value") == "false" }

// values are the values of a parameter, or of a list.
func values(form url.Values, at string) []string {
	if !strings.HasSuffix(at, ".") {
		return form[at]
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(form)) {
		if strings.HasPrefix(key, at) {
			all = append(all, form[key]...)
		}
	}
	return all
}
