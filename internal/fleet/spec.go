package fleet

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// Spec is what the user wants of a fleet.
type Spec struct {
	Name    string
	ImageID string
	Size    int
	// InstanceTypes are tried in order.
	InstanceTypes []string
	// SubnetIDs are kept balanced; empty means the default VPC's.
	SubnetIDs         []string
	SecurityGroupIDs  []string
	AssociatePublicIP *bool
	// InstanceProfile is a name or an ARN.
	InstanceProfile string
	KeyName         string
	// UserData is the user's own, as it is configured; see guest.UserData and guest.Preamble.
	UserData   []byte
	RootVolume cloud.Volume
	// Volumes are further ones, each with its device name.
	Volumes      []cloud.Volume
	Spot         bool
	Placement    cloud.Placement
	Metadata     cloud.MetadataOptions
	Monitoring   bool
	EBSOptimized *bool
	// Credits is "standard", "unlimited" or empty.
	Credits                               string
	TerminationProtection, StopProtection bool
	TargetGroupARNs                       []string
	Slots                                 *Slots
	Tags                                  cloud.Tags
	Health                                Health
	Rollout                               Rollout
	// ReplaceUnhealthy replaces instances that are stopped or fail their health checks.
	ReplaceUnhealthy bool
	// Unknown is what is not known yet, in a plan.
	Unknown Unknown
}

// Slots are what differs from server to server.
type Slots struct {
	// Hostname is a pattern that guest.ValidHostnamePattern accepts, or empty.
	Hostname string
	// NameTags gives each instance its host name, or its slot, as its Name.
	NameTags  bool
	Overrides map[int]Override
}

// Override is what is special about one slot. Zero fields are as for all others.
type Override struct {
	Environment  map[string]string
	Tags         cloud.Tags
	InstanceType string
	SubnetID     string
	PrivateIP    string
}

// Health is what makes an instance count as ready, and as broken later on.
type Health struct {
	// StatusChecks demands both of EC2's.
	StatusChecks bool
	// TargetGroups demands that the instance is healthy in each target group. A group
	// that no load balancer uses checks nothing, and counts as healthy.
	TargetGroups bool
	// Grace is how long after its launch an instance may fail checks.
	Grace time.Duration
}

// Strategies of a rollout.
const (
	// StrategyReplace launches new instances for old ones.
	StrategyReplace = "replace"
	// StrategyRootVolume gives running instances a new root volume, where nothing but
	// the image has changed; elsewhere it launches new ones.
	StrategyRootVolume = "replace_root_volume"
)

// Rollout says how instances are replaced that work, but are not as specified.
type Rollout struct {
	// Strategy is one of the Strategy… constants; empty means StrategyReplace.
	Strategy string
	// MaxUnavailable is how many instances may be missing, MaxSurge how many there may
	// be beyond the size.
	MaxUnavailable, MaxSurge Amount
	// Canary is how many slots go first; Soak is how long they must then stay ready.
	Canary int
	Soak   time.Duration
	// Rollback puts the former configuration back when a rollout fails; otherwise it
	// stops where it is.
	Rollback bool
}

// SpecError says which part of a spec cannot be, and why.
type SpecError struct {
	// Field is the attribute's path: "size", "slots.overrides", "rollout.max_unavailable".
	Field  string
	Reason string
}

// Error says both.
func (e *SpecError) Error() string { return e.Field + ": " + e.Reason }

// Validate refuses what cannot be launched. Errors are *SpecError, and for user data
// *guest.TooLargeError or *guest.InputError.
func (s Spec) Validate() error {
	if s.Name == "" || s.Size < 0 || len(s.InstanceTypes) == 0 {
		return &SpecError{"fleet", "it takes a name, a size of at least 0 and an instance type"}
	}
	for _, check := range []func() error{s.validateTags, s.validateMarket, s.validateVolumes, s.validateSlots, s.validateRollout} {
		if err := check(); err != nil {
			return err
		}
	}
	if _, err := s.userData(firstSlots(min(s.Size, 1))); err != nil {
		return err
	}
	_, err := s.batches(firstSlots(s.Size))
	return err
}

func firstSlots(size int) []int {
	slots := make([]int, size)
	for i := range slots {
		slots[i] = i
	}
	return slots
}

// override is what is special about a slot, if anything.
func (s Spec) override(slot int) Override {
	if s.Slots == nil {
		return Override{}
	}
	return s.Slots.Overrides[slot]
}

// types are the instance types of a slot, in order.
func (s Spec) types(slot int) []string {
	if special := s.override(slot).InstanceType; special != "" {
		return []string{special}
	}
	return s.InstanceTypes
}

// Types are the instance types that a slot's instance may have, in order.
func (s Spec) Types(slot int) []string { return s.types(slot) }

// Subnet is the one that a slot's instance is sure to be in; empty where there are several,
// or none is named.
func (s Spec) Subnet(slot int) string {
	if named := s.override(slot).SubnetID; named != "" {
		return named
	}
	if len(s.SubnetIDs) == 1 {
		return s.SubnetIDs[0]
	}
	return ""
}

// Hostname is the host name that a slot gets; empty leaves EC2's.
func (s Spec) Hostname(slot int) string {
	if s.Slots == nil {
		return ""
	}
	return hostname(s.Slots.Hostname, slot)
}

// hostname is the host name that a pattern gives to a slot, if any.
func hostname(pattern string, slot int) string {
	if pattern == "" {
		return ""
	}
	return guest.Hostname(pattern, slot)
}

// userTags are those that the user sees on every instance, with a Name unless there
// is one.
func (s Spec) userTags() cloud.Tags { return cloud.Tags{"Name": s.Name}.With(s.Tags) }

// slotTags are the user's tags of one slot's instance.
func (s Spec) slotTags(slot int) cloud.Tags { return s.userTags().With(s.SpecialTags(slot)) }

// SpecialTags are those that only this slot's instance has, over those of all.
func (s Spec) SpecialTags(slot int) cloud.Tags {
	tags := cloud.Tags{}
	if s.Slots != nil && s.Slots.NameTags {
		tags["Name"] = cmp.Or(s.Hostname(slot), fmt.Sprintf("%s-%d", s.Name, slot))
	}
	return tags.With(s.override(slot).Tags)
}

// SameProfile reports whether an instance's profile, given by ARN, is the wanted one,
// given by name or ARN.
func SameProfile(wanted, arn string) bool {
	if wanted == "" || arn == "" || strings.HasPrefix(wanted, "arn:") {
		return wanted == arn
	}
	return strings.HasSuffix(arn, "/"+wanted)
}
