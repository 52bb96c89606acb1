package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
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
	Name            string
	Health          Health
	TargetGroupARNs []string
}

// watch is what the spec looks at.
func (s Spec) watch() Watch {
	return Watch{Name: s.Name, Health: s.Health, TargetGroupARNs: s.TargetGroupARNs}
}

// Observation is what AWS holds of a fleet, read by ownership tags.
type Observation struct {
	// Members has, for each slot that is filled, the instance that fills it.
	Members map[int]Member
	// Surplus are further instances: others of the same slot, left by an interrupted
	// rollout, and those whose tags somebody has spoilt (slot -1).
	Surplus []Member
	// Generation is the highest that was seen, 1 at least.
	Generation int
	// Established is set once a create of the fleet has ended.
	Established bool
	// Unsure is set when AWS could not be read at the end: there may be more.
	Unsure bool
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

// ownership are the tags that everything of a fleet carries.
func ownership(name string) cloud.Tags {
	return cloud.Tags{cloud.TagManagedBy: cloud.ManagedBy, cloud.TagFleet: name}
}

// Observe reads a fleet: a request for each 1,000 instances, and, unless there are
// none, two for impaired ones and one for each target group.
func Observe(ctx context.Context, aws AWS, watch Watch) (*Observation, error) {
	instances, err := aws.Instances(ctx, cloud.InstanceQuery{Tags: ownership(watch.Name)})
	if err != nil || len(instances) == 0 {
		return observationOf(nil), err
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
		member := memberOf(instance)
		if member.Broken == "" && now.Sub(member.since) > watch.Health.Grace {
			member.Broken = impaired[instance.ID]
		}
		member.lookAt(groups, watch.Health, now)
		members = append(members, member)
	}
	return observationOf(members), nil
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
	text := "fails its " + strings.Join(failed, " and ") + " status check"
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
		observed.Established = observed.Established || member.Instance.Tags[cloud.TagEstablished] != ""
		if _, taken := observed.Members[member.Slot]; taken || member.Slot < 0 {
			observed.Surplus = append(observed.Surplus, member)
			continue
		}
		observed.Members[member.Slot] = member
	}
	return observed
}

func memberOf(instance cloud.Instance) Member {
	member := Member{
		Slot:     slotOf(instance),
		Instance: instance,
		ImageID:  cmp.Or(instance.Tags[cloud.TagRootImage], instance.ImageID),
		config:   instance.Tags[cloud.TagConfig],
		since:    instance.LaunchedAt,
	}
	if instance.State == cloud.InstanceStopped || instance.State == cloud.InstanceStopping {
		member.Broken = "is " + instance.State
		if instance.StateReason != "" {
			member.Broken += " (" + instance.StateReason + ")"
		}
	}
	member.Hostname = hostname(instance.Tags[cloud.TagHostname], member.Slot)
	member.environment = environmentsOf(instance.Tags)[member.Slot]
	// A tag that somebody has spoilt reads as zero, like an instance of long ago.
	member.Generation, _ = strconv.Atoi(instance.Tags[cloud.TagGeneration])
	return member
}

// slotOf is the entry of the batch's list at the instance's launch index, -1 when
// the list does not say.
func slotOf(instance cloud.Instance) int {
	slots, err := guest.ParseSlots(instance.Tags[cloud.TagSlots])
	if err != nil || instance.LaunchIndex >= len(slots) {
		return -1
	}
	return slots[instance.LaunchIndex]
}

// environmentTags is how many tags hold the digests of slots with an environment.
const environmentTags = 8

// maxTagValue is the length of a tag's value.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const maxTagValue = 256

func environmentTag(i int) string {
	if i == 0 {
		return cloud.TagEnvironment
	}
	return fmt.Sprintf("%s.%d", cloud.TagEnvironment, i)
}

// environmentsOf reads the digests of a batch, by slot.
func environmentsOf(tags cloud.Tags) map[int]string {
	found := map[int]string{}
	for i := range environmentTags {
		for entry := range strings.SplitSeq(tags[environmentTag(i)], ",") {
			number, value, ok := strings.Cut(entry, "=")
			if slot, err := strconv.Atoi(number); ok && err == nil {
				found[slot] = value
			}
		}
	}
	return found
}
