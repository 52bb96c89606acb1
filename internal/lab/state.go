package lab

import (
	"maps"
	"slices"
	"time"
)

// State is what the lab's page shows: everything that is there, in all regions. Times
// are the lab's.
type State struct {
	Now time.Time `json:"now"`
	// Account is the number of the lab's own account.
	Account string `json:"account"`
	// Weather is the weather's name; Speed is how much faster than the machine's the
	// lab's clock runs.
	Weather string  `json:"weather"`
	Speed   float64 `json:"speed"`
	// Guests tells whether something really runs inside instances.
	Guests GuestsState `json:"guests"`
	// Instances are in order of region and creation. Those that have been terminated are
	// there for a minute of the machine's time, builders and proofs of images for as long
	// as EC2 describes them; Terminated counts all that it does.
	Instances  []InstanceState `json:"instances"`
	Terminated int             `json:"terminated"`
	// Images are those of the lab's accounts, and those of others that something was
	// made from.
	Images []ImageState `json:"images"`
	// TargetGroups and Parameters are those of the lab's accounts.
	TargetGroups []TargetGroupState `json:"target_groups"`
	Parameters   []ParameterState   `json:"parameters"`
	// Requests, Throttled and Failed are the books' counts by action.
	Requests  map[string]int `json:"requests"`
	Throttled map[string]int `json:"throttled"`
	Failed    map[string]int `json:"failed"`
	// Leftovers is how many things have not been terminated, deregistered or deleted.
	Leftovers int `json:"leftovers"`
	// Seconds are those of the last five minutes in which a request came in.
	Seconds []Stretch `json:"seconds"`
}

// GuestsState tells whether guests run, and if not why not.
type GuestsState struct {
	Running bool   `json:"running"`
	Reason  string `json:"reason,omitempty"`
}

// InstanceState is one instance.
type InstanceState struct {
	ID     string `json:"id"`
	Region string `json:"region"`
	// Account is whose it is, if it is not the lab's own account's.
	Account string `json:"account,omitempty"`
	// State is EC2's name of it: "pending", "running" and so on; Since is when it began.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Health is what the status checks of a running instance say: "ok", "initializing"
	// or "impaired".
	Health string `json:"health,omitempty"`
	Image  string `json:"image"`
	Type   string `json:"type"`
	Zone   string `json:"zone"`
	Subnet string `json:"subnet"`
	// Address is the private one, while there is one.
	Address string `json:"address,omitempty"`
	// Index is the instance's place among those of its RunInstances call.
	Index    int       `json:"index"`
	Launched time.Time `json:"launched"`
	Reason   string    `json:"reason,omitempty"`
	// Failed is, of a builder or a proof, the comment of the newest command that Systems
	// Manager has run in it, if that has failed.
	Failed string            `json:"failed,omitempty"`
	Tags   map[string]string `json:"tags"`
}

// ImageState is one AMI.
type ImageState struct {
	ID     string `json:"id"`
	Region string `json:"region"`
	Name   string `json:"name"`
	// Own tells whether it is one of the lab's accounts'; Account is which, if it is not
	// the lab's own.
	Own     bool   `json:"own"`
	Account string `json:"account,omitempty"`
	State   string `json:"state"`
	// Source is the image that it was made from; empty for images of others.
	Source  string    `json:"source,omitempty"`
	Created time.Time `json:"created"`
	// Gone is set for an image that is no more, but that others were made from or that
	// instances still run on.
	Gone bool              `json:"gone,omitempty"`
	Tags map[string]string `json:"tags"`
}

// terminatedShown is how long the page shows a terminated instance, in the machine's
// time, so that people see it go.
const terminatedShown = time.Minute

// roleTag is on what the provider launches for a while to make an image. The page knows
// the provider's tags, the lab else does not: why a bake has failed is to be seen there
// when its builder is gone.
const roleTag = "stamp:role"

// State returns a copy of what is there now.
func (l *Lab) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	l.agenda.settle(now)
	running, reason := l.guestsRun()
	state := State{
		Now: now, Account: homeID, Weather: l.weatherName, Speed: l.clock.speed,
		Guests:    GuestsState{Running: running, Reason: reason},
		Instances: []InstanceState{}, Images: []ImageState{}, TargetGroups: []TargetGroupState{}, Parameters: []ParameterState{},
		Requests: maps.Clone(l.counts.requests), Throttled: maps.Clone(l.counts.throttled), Failed: maps.Clone(l.counts.failed),
		Seconds: l.tallies[0].copied(now),
	}
	for _, r := range l.allRegions() {
		r.addState(&state, now)
	}
	return state
}

func (r *region) addState(state *State, now time.Time) {
	shown := now.Add(-time.Duration(float64(terminatedShown) * r.lab.clock.speed))
	used := map[string]*image{}
	for _, i := range r.instances.all() {
		if i.state == stateTerminated {
			state.Terminated++
			if i.since.Before(shown) && i.tags[roleTag] == "" {
				continue
			}
		}
		used[i.image.id] = i.image
		state.Instances = append(state.Instances, i.forPage(now))
	}
	for _, own := range r.place.images.all() {
		if own.owner != r.account.id {
			continue
		}
		used[own.id] = own
		if source := r.lab.imageAnywhere(own.sourceImage); source != nil {
			used[source.id] = source
		} else if used[own.sourceImage] == nil {
			used[own.sourceImage] = &image{object: object{id: own.sourceImage}, region: r, owner: r.account.id, state: imageAvailable}
		}
	}
	shownAlready := func(id string) bool {
		return slices.ContainsFunc(state.Images, func(s ImageState) bool { return s.ID == id })
	}
	for _, id := range slices.Sorted(maps.Keys(used)) {
		if id != "" && !shownAlready(id) {
			state.Images = append(state.Images, used[id].forPage(r.lab.imageAnywhere(id) == nil))
		}
	}
	state.Leftovers += len(r.leftovers())
	r.addServices(state, now)
}

// imageAnywhere finds what an image was copied from in another region, too.
func (l *Lab) imageAnywhere(id string) *image {
	for _, r := range l.allRegions() {
		if found := r.place.images.get(id); found != nil {
			return found
		}
	}
	return nil
}

func (i *instance) forPage(now time.Time) InstanceState {
	shown := InstanceState{
		ID: i.id, Region: i.region.name, Account: i.region.account.foreignID(), State: i.state, Since: i.since, Image: i.image.id, Type: i.kind.name,
		Zone: i.launch.subnet.zone.name, Subnet: i.launch.subnet.id, Index: i.index, Launched: i.launched, Tags: maps.Clone(i.tags),
	}
	if i.state == stateRunning {
		shown.Health = i.health(now)
	}
	if i.card != nil {
		shown.Address = i.card.address.String()
	}
	if i.reason != nil {
		shown.Reason = i.reason.Message
	}
	if i.tags[roleTag] != "" {
		shown.Failed = i.failedCommand()
	}
	return shown
}

func (i *image) forPage(gone bool) ImageState {
	account := ""
	owner := i.region.lab.accounts[i.owner]
	if owner != nil {
		account = owner.foreignID()
	}
	return ImageState{
		ID: i.id, Region: i.region.name, Name: i.name, Own: owner != nil, Account: account, State: i.state,
		Source: i.sourceImage, Created: i.created, Gone: gone, Tags: maps.Clone(i.tags),
	}
}
