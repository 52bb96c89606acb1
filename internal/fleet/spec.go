package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	SubnetIDs        []string
	SecurityGroupIDs []string
	// InstanceProfile is a name or an ARN.
	InstanceProfile string
	KeyName         string
	// UserData is the user's own; without Slots it is passed on byte for byte.
	UserData []byte
	Slots    *Slots
	Tags     cloud.Tags
	// ReplaceUnhealthy replaces instances that are stopped or impaired.
	ReplaceUnhealthy bool
}

// Slots are what differs from server to server.
type Slots struct {
	// Hostname is a pattern that guest.ValidHostnamePattern accepts, or empty.
	Hostname  string
	Overrides map[int]Override
}

// Override is what is special about one slot.
type Override struct {
	Environment map[string]string
}

// SpecError says which part of a spec cannot be, and why.
type SpecError struct {
	// Field is the attribute: "size", "slots", "tags".
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
	for key := range s.Tags {
		if cloud.Owned(key) {
			return &SpecError{"tags", key + " is one of the provider's own"}
		}
	}
	if s.Slots != nil {
		for _, slot := range slices.Sorted(maps.Keys(s.Slots.Overrides)) {
			if slot < 0 || slot >= s.Size {
				return &SpecError{"slots", fmt.Sprintf("there is no slot %d in a fleet of %d", slot, s.Size)}
			}
		}
		if s.Slots.Hostname != "" && s.Size > 1 && !guest.PatternHasNumber(s.Slots.Hostname) {
			return &SpecError{"slots", fmt.Sprintf("%q gives every slot the same host name", s.Slots.Hostname)}
		}
	}
	_, err := s.userData(firstSlots(min(s.Size, 1)))
	if err != nil {
		return err
	}
	_, err = s.batches(firstSlots(s.Size))
	return err
}

func firstSlots(size int) []int {
	slots := make([]int, size)
	for i := range slots {
		slots[i] = i
	}
	return slots
}

// userData is what a batch is started with.
func (s Spec) userData(slots []int) ([]byte, error) {
	if s.Slots == nil {
		if len(s.UserData) > guest.UserDataLimit {
			return nil, &guest.TooLargeError{Size: len(s.UserData), Compressed: len(s.UserData)}
		}
		return s.UserData, nil
	}
	environments := map[int]map[string]string{}
	for slot, override := range s.Slots.Overrides {
		environments[slot] = override.Environment
	}
	return guest.Preamble{
		Fleet: s.Name, Hostname: s.Slots.Hostname, Slots: slots, Environments: environments,
	}.UserData(s.UserData)
}

// configDigest identifies what all instances share and what cannot be changed on a
// running one. Types and subnets are read from the instances themselves.
func (s Spec) configDigest() string {
	hostname := ""
	if s.Slots != nil {
		hostname = "slots " + s.Slots.Hostname
	}
	return digest(12, s.ImageID, s.KeyName, hostname, string(s.UserData))
}

// environmentDigest identifies a slot's own environment; it is empty without one.
func (s Spec) environmentDigest(slot int) string {
	if s.Slots == nil || len(s.Slots.Overrides[slot].Environment) == 0 {
		return ""
	}
	environment := s.Slots.Overrides[slot].Environment
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		parts = append(parts, name, environment[name])
	}
	return digest(6, parts...)
}

// digest is the beginning, of so many hexadecimal digits, of the SHA-256 of the parts.
func digest(digits int, parts ...string) string {
	// JSON keeps the borders between the parts; strings always have a JSON form.
	text, _ := json.Marshal(parts)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:digits]
}

// userTags are those that the user sees on every instance, with a Name unless there
// is one.
func (s Spec) userTags() cloud.Tags { return cloud.Tags{"Name": s.Name}.With(s.Tags) }

// hostname is the host name that a slot gets, if any.
func hostname(pattern string, slot int) string {
	if pattern == "" {
		return ""
	}
	return guest.Hostname(pattern, slot)
}

// SameProfile reports whether an instance's profile, given by ARN, is the wanted one,
// given by name or ARN.
func SameProfile(wanted, arn string) bool {
	if wanted == "" || arn == "" || strings.HasPrefix(wanted, "arn:") {
		return wanted == arn
	}
	return strings.HasSuffix(arn, "/"+wanted)
}
