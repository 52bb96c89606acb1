package lab

import (
	"maps"
	"slices"
)

// Books are what the lab has written down.
type Books struct {
	// Requests counts all requests by action, refused ones too.
	Requests map[string]int `json:"requests"`
	// Throttled counts those that were refused for their rate.
	Throttled map[string]int `json:"throttled"`
	// Failed counts those that were refused for anything else, or met an error.
	Failed map[string]int `json:"failed"`
	// Leftovers is everything of the lab's accounts that has not been terminated,
	// deregistered or deleted, by account and region and in order of creation. What a fresh account
	// has is not in it.
	Leftovers []Leftover `json:"leftovers"`
}

// Leftover is one thing that is still there.
type Leftover struct {
	// Type is EC2's resource type: "instance", "image", "snapshot", "volume",
	// "network-interface", "security-group", "launch-template", "key-pair",
	// "placement-group", "capacity-reservation", or one of the other services' that it has no
	// name for: "target-group", "load-balancer", "auto-scaling-group", "parameter", "bucket", "object", "kms-key" or
	// "kms-alias".
	Type   string            `json:"type"`
	ID     string            `json:"id"`
	Region string            `json:"region"`
	Tags   map[string]string `json:"tags"`
	// Account is whose it is, if it is not the lab's own account's.
	Account string `json:"account,omitempty"`
}

// counts are the requests since the start or the last reset.
type counts struct{ requests, throttled, failed map[string]int }

func newCounts() counts {
	return counts{requests: map[string]int{}, throttled: map[string]int{}, failed: map[string]int{}}
}

// count enters one request and what became of it.
func (c counts) count(action string, err *apiError) {
	c.requests[action]++
	switch {
	case err == nil:
	case err.isThrottle():
		c.throttled[action]++
	default:
		c.failed[action]++
	}
}

// Books returns a copy of the books as they are now.
func (l *Lab) Books() Books {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agenda.settle(l.clock.now())
	books := Books{
		Requests: maps.Clone(l.counts.requests), Throttled: maps.Clone(l.counts.throttled), Failed: maps.Clone(l.counts.failed),
		Leftovers: []Leftover{},
	}
	for _, r := range l.allRegions() {
		for _, left := range r.leftovers() {
			left.Account = r.account.foreignID()
			books.Leftovers = append(books.Leftovers, left)
		}
	}
	return books
}

// ResetBooks clears the counts; leftovers stay, they are not counts.
func (l *Lab) ResetBooks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts = newCounts()
}

func (r *region) leftovers() []Leftover {
	var all []Leftover
	for _, kind := range slices.Concat(taggables, elbTaggables) {
		for _, thing := range kind.all(r) {
			if r.furniture(kind.kind, thing.id) {
				continue
			}
			all = append(all, Leftover{Type: kind.kind, ID: thing.id, Region: r.name, Tags: maps.Clone(thing.tags)})
		}
	}
	return append(all, r.serviceLeftovers()...)
}

// furniture is what a fresh account has, and what is over but still described.
func (r *region) furniture(kind, id string) bool {
	switch kind {
	case "instance":
		return r.instances.get(id).state == stateTerminated
	case "capacity-reservation":
		return r.reservations.get(id).state != "active"
	case "security-group":
		return r.groups.get(id).name == "default"
	case "subnet", "vpc", "replace-root-volume-task", "route-table", "internet-gateway", "spot-instances-request":
		return true
	case "security-group-rule", "listener":
		return true // it goes with what it belongs to
	}
	return false
}
