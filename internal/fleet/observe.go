package fleet

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// Member is an instance in a slot.
type Member struct {
	Slot     int
	Instance cloud.Instance
	// ImageID is the image of the root volume: the instance's own, unless the volume
	// has been replaced since.
	ImageID string
	// Hostname is the one it was given; empty means EC2's.
	Hostname string
	// Generation is the fleet's at its launch.
	Generation int
	// Broken says in words what is wrong with the instance; empty means nothing.
	Broken string
	// Unregistered are target groups that do not have the instance.
	Unregistered []string
	// config and environment are the digests at its launch.
	config, environment string
	// since is the beginning of its grace: its launch, or the last change of its disk.
	since time.Time
}

// Watch is what of a fleet is looked at.
type Watch struct {
	Owner           ownership.Owner
	Health          Health
	TargetGroupARNs []string
	// Slots are the slots of instances as the state has them, by instance id: what somebody
	// has written into an instance's tags since does not count. It may be nil.
	Slots map[string]int
	// Known reports whether an owner is in a state that has been read: what it has left is
	// its own to clear. Nil knows none.
	Known func(ownerID string) bool
}

// watch is what the spec looks at.
func (s Spec) watch(owner ownership.Owner) Watch {
	return Watch{Owner: owner, Health: s.Health, TargetGroupARNs: s.TargetGroupARNs}
}

// Observation is what AWS holds of a fleet: what was found by its tags, and is proven.
type Observation struct {
	// Members has, for each slot that is filled, the instance that fills it.
	Members map[int]Member
	// Surplus are further instances: others of the same slot, left by an interrupted
	// rollout, and those whose tags somebody has spoilt (slot -1).
	Surplus []Member
	// Generation is the highest that was seen, 1 at least.
	Generation int
	// Foreign are instances that carry the fleet's tags and are not believed to be its own.
	Foreign []ownership.Foreign
	// Others are the owners of other fleets of that name that have instances.
	Others []string
	// Leases are those of the name: who is at work, and what was left.
	Leases ownership.Leases
	// Unsure is set when AWS could not be read at the end, or an answer was not heard: there
	// may be more.
	Unsure bool

	// left are the leases that this fleet may clear.
	left []ownership.Left
	// spoilt are instances of the fleet's own that tags would not find.
	spoilt []string
	// theirs are the instances of the others, by owner.
	theirs map[string][]cloud.Instance
}

// Empty reports whether nothing of the fleet exists.
func (o *Observation) Empty() bool {
	return o == nil || !o.Unsure && len(o.Members)+len(o.Surplus) == 0
}

// all are the members and the surplus, in the order of the slots.
func (o *Observation) all() []Member {
	var all []Member
	for _, slot := range slices.Sorted(maps.Keys(o.Members)) {
		all = append(all, o.Members[slot])
	}
	return append(all, o.Surplus...)
}

// Observe reads a fleet: a request for each 1,000 instances, one for leases and, unless
// there are no instances, two for impaired ones and one for each target group.
//
// It is for a fleet that is wanted: a successor that Terraform did not come to write down is
// among what has been left. Where the fleet is to be destroyed, its successor is wanted.
func Observe(ctx context.Context, aws AWS, watch Watch) (*Observation, error) {
	observed, err := observeWithLeases(ctx, aws, watch)
	if err != nil || observed.Empty() {
		return observed, err
	}
	observed.lookForLost(watch)
	return observed, nil
}

// lookForLost finds a successor that Terraform did not come to write down.
func (o *Observation) lookForLost(watch Watch) {
	o.Leases = o.Leases.WithLost(watch.Owner, o.Others)
	o.left = o.Leases.Mine(watch.Owner)
}

func observeWithLeases(ctx context.Context, aws AWS, watch Watch) (*Observation, error) {
	leases, err := ownership.Observe(ctx, aws, watch.Owner)
	if err != nil {
		return nil, err
	}
	return observeBeside(ctx, aws, watch, leases)
}

// observeBeside reads a fleet beside the leases that there are.
func observeBeside(ctx context.Context, aws AWS, watch Watch, leases ownership.Leases) (*Observation, error) {
	observed, err := observeInstances(ctx, aws, watch)
	if err != nil {
		return nil, err
	}
	leases.Known = watch.Known
	observed.Leases = leases
	if watch.Owner.ID != "" {
		observed.left = leases.Mine(watch.Owner)
	}
	return observed, nil
}

// observeInstances is Observe without the leases.
func observeInstances(ctx context.Context, aws AWS, watch Watch) (*Observation, error) {
	found, err := find(ctx, aws, watch.Owner, watch.Slots)
	if err != nil {
		return nil, err
	}
	members, err := lookAtAll(ctx, aws, watch, found.ours)
	if err != nil {
		return nil, err
	}
	observed := observationOf(members)
	observed.Foreign, observed.theirs, observed.spoilt = found.foreign, found.theirs, found.spoilt
	observed.Others = slices.Sorted(maps.Keys(found.theirs))
	return observed, nil
}

// lookAtAll says what each instance is in the fleet, and what is wrong with it.
func lookAtAll(ctx context.Context, aws AWS, watch Watch, instances []cloud.Instance) ([]Member, error) {
	if len(instances) == 0 {
		return nil, nil
	}
	impaired, err := impairments(ctx, aws, watch)
	if err != nil {
		return nil, err
	}
	groups, err := targetGroups(ctx, aws, watch.TargetGroupARNs)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	members := make([]Member, 0, len(instances))
	for _, instance := range instances {
		member := memberOf(instance, watch.Slots)
		if member.Broken == "" && member.late(watch.Health.Grace, now) {
			member.Broken = impaired[instance.ID]
		}
		member.lookAt(groups, watch.Health, now)
		members = append(members, member)
	}
	return members, nil
}

// late reports whether a member's grace is over. Without any, nothing excuses it, however
// far the clocks of EC2 and of this machine are apart.
func (m Member) late(grace time.Duration, now time.Time) bool {
	return grace <= 0 || now.Sub(m.since) > grace
}

// impairments says in words what is wrong with the region's impaired instances.
func impairments(ctx context.Context, aws AWS, watch Watch) (map[string]string, error) {
	impaired := map[string]string{}
	if !watch.Health.StatusChecks {
		return impaired, nil
	}
	statuses, err := aws.Statuses(ctx, cloud.StatusQuery{ImpairedOnly: true})
	for _, status := range statuses {
		impaired[status.InstanceID] = describeImpairment(status)
	}
	return impaired, err
}

func describeImpairment(status cloud.InstanceStatus) string {
	var failed []string
	if status.System == "impaired" {
		failed = append(failed, "system")
	}
	if status.Instance == "impaired" {
		failed = append(failed, "instance")
	}
	text := "has failed its " + strings.Join(failed, " and ") + " status check"
	if len(failed) > 1 {
		text += "s"
	}
	if !status.ImpairedSince.IsZero() {
		text += " since " + status.ImpairedSince.UTC().Format(time.RFC3339)
	}
	return text
}

// observationOf puts members into their slots: of several in one slot the one that
// is not broken, of the latest generation, launched last.
func observationOf(members []Member) *Observation {
	observed := &Observation{Members: map[int]Member{}, Generation: 1}
	ordered := slices.SortedFunc(slices.Values(members), func(a, b Member) int {
		return cmp.Or(
			cmp.Compare(len(b.Broken), len(a.Broken)),
			cmp.Compare(a.Generation, b.Generation),
			a.Instance.LaunchedAt.Compare(b.Instance.LaunchedAt),
			cmp.Compare(a.Instance.ID, b.Instance.ID),
		)
	})
	for _, member := range slices.Backward(ordered) {
		observed.Generation = max(observed.Generation, member.Generation)
		if _, taken := observed.Members[member.Slot]; taken || member.Slot < 0 {
			observed.Surplus = append(observed.Surplus, member)
			continue
		}
		observed.Members[member.Slot] = member
	}
	return observed
}
