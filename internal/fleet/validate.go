package fleet

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

func (s Spec) validateTags() error {
	err := validateTags("tags", s.Tags)
	if err == nil {
		err = s.validateTagKeys("tags", s.Tags)
	}
	if err != nil || s.Slots == nil {
		return err
	}
	for _, slot := range slices.Sorted(maps.Keys(s.Slots.Overrides)) {
		if err := validateTags("slots.overrides", s.Tags.With(s.Slots.Overrides[slot].Tags)); err != nil {
			return err
		}
		if err := s.validateTagKeys(fmt.Sprintf("slots.overrides[%q].tags", strconv.Itoa(slot)), s.Slots.Overrides[slot].Tags); err != nil {
			return err
		}
	}
	return nil
}

// metadataKey are the keys of tags that the metadata service can show.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
var metadataKey = regexp.MustCompile(`^[A-Za-z0-9+=.,_:@-]+$`)

func (s Spec) validateTagKeys(field string, tags cloud.Tags) error {
	if s.Metadata.InstanceTags != "enabled" {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !metadataKey.MatchString(key) || slices.Contains([]string{".", "..", "_index"}, key) {
			return &SpecError{field, fmt.Sprintf("with metadata_options.instance_metadata_tags = \"enabled\", %q cannot be a tag's key, also in default_tags: "+
				"letters, digits and + - = . , _ : @ can, but no spaces and no /", key)}
		}
	}
	return nil
}

// validateTags refuses what one instance cannot have.
func validateTags(field string, tags cloud.Tags) error {
	for key := range tags {
		if cloud.Owned(key) {
			return &SpecError{field, key + " is one of the provider's own"}
		}
	}
	if len(tags) > maxTags {
		return &SpecError{field, fmt.Sprintf("an instance would have %d tags, default_tags included; EC2 allows 50, of which %d are kept for the provider's own",
			len(tags), ownTags)}
	}
	return nil
}

const (
	// ownTags is how many tags an instance may have of the provider, its Name included.
	ownTags = 20
	// maxTags is how many are left for the user.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
	maxTags = 50 - ownTags
)

// validateMarket refuses what spot instances cannot have.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html
func (s Spec) validateMarket() error {
	if s.Spot && s.TerminationProtection {
		return &SpecError{"disable_api_termination", "spot instances cannot be protected from termination"}
	}
	return nil
}

// validateVolumes refuses keys that EC2 would not take.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
func (s Spec) validateVolumes() error {
	for i, volume := range append([]cloud.Volume{s.RootVolume}, s.Volumes...) {
		if volume.KMSKeyID == "" || volume.Encrypted != nil && *volume.Encrypted {
			continue
		}
		if i == 0 {
			return &SpecError{"root_volume.kms_key_id", "a key encrypts only with encrypted = true"}
		}
		return &SpecError{"volumes", fmt.Sprintf("%s has a kms_key_id: a key encrypts only with encrypted = true", volume.DeviceName)}
	}
	return nil
}

func (s Spec) validateSlots() error {
	if s.Slots == nil {
		return nil
	}
	if s.Metadata.Endpoint == "disabled" {
		return &SpecError{"metadata_options.http_endpoint", "it is disabled, and that is where a server learns its slot: enable it, or do without slots"}
	}
	addresses := map[string]int{}
	for _, slot := range slices.Sorted(maps.Keys(s.Slots.Overrides)) {
		if slot < 0 || slot >= s.Size {
			return &SpecError{"slots.overrides", fmt.Sprintf("there is no slot %d in a fleet of %d", slot, s.Size)}
		}
		override := s.Slots.Overrides[slot]
		if override.PrivateIP == "" {
			continue
		}
		if override.SubnetID == "" && len(s.SubnetIDs) != 1 {
			return &SpecError{"slots.overrides", fmt.Sprintf(
				"slot %d has a private_ip: say its subnet_id too, since an address belongs to one subnet", slot)}
		}
		if other, taken := addresses[override.PrivateIP]; taken {
			return &SpecError{"slots.overrides", fmt.Sprintf("slots %d and %d have the same private_ip %s", other, slot, override.PrivateIP)}
		}
		addresses[override.PrivateIP] = slot
	}
	if s.Slots.Hostname != "" && s.Size > 1 && !guest.PatternHasNumber(s.Slots.Hostname) {
		return &SpecError{"slots.hostname", fmt.Sprintf("%q gives every slot the same host name", s.Slots.Hostname)}
	}
	return nil
}

// validateRollout refuses rollouts that could never take a step.
func (s Spec) validateRollout() error {
	unavailable := s.Rollout.MaxUnavailable.Of(s.Size)
	if s.Size == 0 || unavailable > 0 {
		return nil
	}
	if s.Rollout.Strategy == StrategyRootVolume {
		return &SpecError{"rollout.max_unavailable", fmt.Sprintf(
			"%s of %d is none, and an instance is out of service while its root volume is replaced: allow at least 1", s.Rollout.MaxUnavailable, s.Size)}
	}
	for slot := range s.Size {
		if s.override(slot).PrivateIP != "" {
			return &SpecError{"rollout.max_unavailable", fmt.Sprintf(
				"%s of %d is none, and slot %d has a private_ip: its old instance must end before the new one can have the address. Allow at least 1",
				s.Rollout.MaxUnavailable, s.Size, slot)}
		}
	}
	return nil
}
