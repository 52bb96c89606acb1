package fleet

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// Reader is what a fleet's configuration is read back from.
type Reader interface {
	AWS
	UserData(ctx context.Context, instanceID string) ([]byte, error)
	AttachedVolumes(ctx context.Context, instanceID string) ([]cloud.Volume, error)
	TargetGroups(ctx context.Context, vpcID string) ([]string, error)
}

// Recovered is a spec that was read back from a fleet's instances.
type Recovered struct {
	// Spec leaves out what defaults stand for.
	Spec Spec
	// Exact reports whether the instances were launched with this very spec: their digest says so.
	Exact bool
	// Unread says what could not be read, and why.
	Unread []error
}

// Recover reads back how a fleet was configured: what its instances have in common, and what is
// special about one. It costs a request for the subnets, one for the target groups and one for
// each of these, one for the user data of each launch that has environments, and, where only
// that explains what the instances were launched with, one for the volumes. There must be an
// instance.
func Recover(ctx context.Context, aws Reader, name string, observed *Observation) Recovered {
	r := recovery{aws: aws, observed: observed, slots: slices.Sorted(maps.Keys(observed.Members))}
	for _, slot := range r.slots {
		if member := observed.Members[slot]; r.pattern.Instance.ID == "" || member.Generation > r.pattern.Generation {
			r.pattern = member
		}
	}
	instance := r.pattern.Instance
	r.Spec = Spec{
		Name: name, ImageID: r.pattern.ImageID, Size: r.slots[len(r.slots)-1] + 1, KeyName: instance.KeyName,
		InstanceProfile: profileName(instance.InstanceProfileARN), Spot: instance.Spot, Monitoring: instance.Monitoring,
		TerminationProtection: strings.Contains(instance.Tags[cloud.TagProtection], protectTermination),
		StopProtection:        strings.Contains(instance.Tags[cloud.TagProtection], protectStop),
		Placement:             cloud.Placement{Group: instance.Placement.Group},
	}
	if !instance.DefaultGroup {
		r.Spec.SecurityGroupIDs = instance.SecurityGroupIDs
	}
	r.metadata(ctx)
	r.targetGroups(ctx)
	r.userData(ctx)
	r.places(ctx)
	r.tags()
	r.search(ctx)
	return r.Recovered
}

// recovery is one Recover.
type recovery struct {
	Recovered
	aws      Reader
	observed *Observation
	// slots are those that are filled, in order.
	slots []int
	// pattern is the member that stands for all: one of the latest generation.
	pattern Member
	// users are the texts that the user data may have been configured with.
	users []string
}

func (r *recovery) unread(err error) {
	if err != nil {
		r.Unread = append(r.Unread, err)
	}
}

// profileName is the name in an instance profile's ARN.
func profileName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// metadata leaves out what EC2 does without being told.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-options-order-of-precedence.html
func (r *recovery) metadata(ctx context.Context) {
	have := r.pattern.Instance.Metadata
	r.Spec.Metadata.Tokens = have.Tokens
	if have.Endpoint == "disabled" {
		r.Spec.Metadata.Endpoint = have.Endpoint
	}
	if have.InstanceTags == "enabled" {
		r.Spec.Metadata.InstanceTags = have.InstanceTags
	}
	if have.HopLimit < 2 {
		return
	}
	image, err := describeImage(ctx, r.aws, r.pattern.ImageID)
	if err != nil || have.HopLimit > 2 || image.IMDSSupport != "v2.0" {
		r.Spec.Metadata.HopLimit = have.HopLimit
	}
}

// targetGroups finds the groups that have one of the instances.
func (r *recovery) targetGroups(ctx context.Context) {
	arns, err := r.aws.TargetGroups(ctx, r.pattern.Instance.VPCID)
	if err != nil {
		r.unread(err)
		return
	}
	for _, arn := range arns {
		targets, err := r.aws.Targets(ctx, arn)
		if err != nil {
			r.unread(err)
			return
		}
		if slices.ContainsFunc(r.slots, func(slot int) bool {
			target, there := targets[r.observed.Members[slot].Instance.ID]
			return registered(target, there)
		}) {
			r.Spec.TargetGroupARNs = append(r.Spec.TargetGroupARNs, arn)
		}
	}
	slices.Sort(r.Spec.TargetGroupARNs)
}

// userData reads what the pattern was launched with, and the environments of all slots that
// have one: those are in the user data of their own launches.
func (r *recovery) userData(ctx context.Context) {
	raw, err := r.aws.UserData(ctx, r.pattern.Instance.ID)
	if err != nil {
		r.unread(err)
		return
	}
	r.users = guest.Configured(raw)
	told, slotted := guest.ReadPreamble(raw)
	if !slotted {
		return
	}
	r.users = guest.Configured(told.User)
	r.Spec.Slots = &Slots{Hostname: r.pattern.Instance.Tags[cloud.TagHostname], Overrides: map[int]Override{}}
	read := map[string]guest.Told{r.pattern.Instance.ClientToken: told}
	for _, slot := range r.slots {
		member := r.observed.Members[slot]
		if member.environment == "" {
			continue
		}
		told, there := read[member.Instance.ClientToken]
		if !there {
			raw, err := r.aws.UserData(ctx, member.Instance.ID)
			r.unread(err)
			told, _ = guest.ReadPreamble(raw)
			read[member.Instance.ClientToken] = told
		}
		r.environment(member, told.Environments[slot])
	}
}

// environment takes over what a slot is told, and its address where its digest has one.
func (r *recovery) environment(member Member, environment map[string]string) {
	override := Override{Environment: environment}
	for _, address := range []string{"", member.Instance.PrivateIP} {
		override.PrivateIP = address
		r.Spec.Slots.Overrides[member.Slot] = override
		if r.Spec.environmentDigest(member.Slot) == member.environment {
			return
		}
	}
}

// places finds types and subnets: those of the slots that nothing is special about, and for
// the others their own where they are in none of these.
func (r *recovery) places(ctx context.Context) {
	var special []int
	var subnets []string
	for _, slot := range r.slots {
		instance := r.observed.Members[slot].Instance
		if r.special(slot) {
			special = append(special, slot)
			continue
		}
		r.Spec.InstanceTypes = withValue(r.Spec.InstanceTypes, instance.Type)
		subnets = withValue(subnets, instance.SubnetID)
	}
	if len(r.Spec.InstanceTypes) == 0 { // all are special
		r.Spec.InstanceTypes = []string{r.pattern.Instance.Type}
		subnets = []string{r.pattern.Instance.SubnetID}
	}
	for _, slot := range special {
		instance, override := r.observed.Members[slot].Instance, r.Spec.Slots.Overrides[slot]
		if !slices.Contains(r.Spec.InstanceTypes, instance.Type) {
			override.InstanceType = instance.Type
		}
		if override.PrivateIP != "" || !slices.Contains(subnets, instance.SubnetID) {
			override.SubnetID = instance.SubnetID
		}
		r.Spec.Slots.Overrides[slot] = override
	}
	r.Spec.SubnetIDs = subnets
	defaults, err := r.aws.DefaultSubnets(ctx)
	r.unread(err)
	among := func(id string) bool {
		return slices.ContainsFunc(defaults, func(subnet cloud.Subnet) bool { return subnet.ID == id })
	}
	// Spread as they would be over the default VPC's, they need none.
	if len(subnets) >= min(len(defaults), len(r.slots)-len(special)) && !slices.ContainsFunc(subnets, func(id string) bool { return !among(id) }) {
		r.Spec.SubnetIDs = nil
	}
}

// special reports whether something is special about a slot beside its tags.
func (r *recovery) special(slot int) bool {
	if r.Spec.Slots == nil {
		return false
	}
	_, there := r.Spec.Slots.Overrides[slot]
	return there
}

func withValue(values []string, value string) []string {
	if slices.Contains(values, value) {
		return values
	}
	return append(values, value)
}

// tags are those that most instances have; what else one has is its slot's own.
func (r *recovery) tags() {
	if slots := r.Spec.Slots; slots != nil {
		slots.NameTags = true
		for _, slot := range r.slots {
			named := r.observed.Members[slot].Instance.Tags["Name"] == r.Spec.SpecialTags(slot)["Name"]
			slots.NameTags = slots.NameTags && named
		}
	}
	counts := map[[2]string]int{}
	for _, slot := range r.slots {
		for key, value := range r.tagsOf(slot) {
			counts[[2]string{key, value}]++
		}
	}
	r.Spec.Tags = cloud.Tags{}
	for tag, count := range counts {
		if 2*count > len(r.slots) || count == len(r.slots) {
			r.Spec.Tags[tag[0]] = tag[1]
		}
	}
	if r.Spec.Slots == nil {
		return
	}
	for _, slot := range r.slots {
		own := r.tagsOf(slot)
		maps.DeleteFunc(own, func(key, value string) bool { return r.Spec.Tags[key] == value })
		if len(own) > 0 {
			override := r.Spec.Slots.Overrides[slot]
			override.Tags = own
			r.Spec.Slots.Overrides[slot] = override
		}
	}
}

// tagsOf are the tags of a slot's instance without the Name that the fleet gives it.
func (r *recovery) tagsOf(slot int) cloud.Tags {
	tags := r.observed.Members[slot].Instance.Tags.UserTags()
	given := r.Spec.Name
	if r.Spec.Slots != nil && r.Spec.Slots.NameTags {
		given = r.Spec.SpecialTags(slot)["Name"]
	}
	if tags["Name"] == given {
		delete(tags, "Name")
	}
	return tags
}
