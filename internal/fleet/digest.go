package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// userData is what a batch is started with.
func (s Spec) userData(slots []int) ([]byte, error) {
	if s.Slots == nil {
		return guest.UserData(s.UserData)
	}
	environments := map[int]map[string]string{}
	for _, slot := range slots {
		if environment := s.override(slot).Environment; len(environment) > 0 {
			environments[slot] = environment
		}
	}
	return guest.Preamble{
		Fleet: s.Name, Hostname: s.Slots.Hostname, Size: s.Size, Slots: slots, Environments: environments,
	}.UserData(s.UserData)
}

// settings are what all instances share, beside the image, and what cannot be changed
// on a running one. What is not set does not count, so that a version of the provider
// that knows more settings finds the same digest.
type settings struct {
	Key          string           `json:",omitempty"`
	Hostname     string           `json:",omitempty"`
	UserData     string           `json:",omitempty"`
	PublicIP     *bool            `json:",omitempty"`
	RootVolume   *cloud.Volume    `json:",omitempty"`
	Volumes      []cloud.Volume   `json:",omitempty"`
	Spot         bool             `json:",omitempty"`
	Placement    *cloud.Placement `json:",omitempty"`
	EBSOptimized *bool            `json:",omitempty"`
	Credits      string           `json:",omitempty"`
}

// configDigest identifies the settings; the user data as it is configured, however it is
// encoded for the launch. Types and subnets are read from the instances
// themselves.
func (s Spec) configDigest() string {
	all := settings{
		Key: s.KeyName, UserData: string(s.UserData), PublicIP: s.AssociatePublicIP, Volumes: s.Volumes, Spot: s.Spot,
		EBSOptimized: s.EBSOptimized, Credits: s.Credits,
	}
	if s.Slots != nil {
		all.Hostname = "slots " + s.Slots.Hostname
	}
	if s.RootVolume != (cloud.Volume{}) {
		all.RootVolume = &s.RootVolume
	}
	if s.Placement != (cloud.Placement{}) {
		all.Placement = &s.Placement
	}
	// Strings, numbers and switches always have a JSON form.
	text, _ := json.Marshal(all)
	return digest(12, string(text))
}

// environmentDigest identifies a slot's own environment and address; it is empty
// without either.
func (s Spec) environmentDigest(slot int) string {
	override := s.override(slot)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(override.Environment)) {
		parts = append(parts, name, override.Environment[name])
	}
	if override.PrivateIP != "" {
		parts = append(parts, "address", override.PrivateIP, "")
	}
	if len(parts) == 0 {
		return ""
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

// protection is how the tag stamp:protection says what protects an instance.
func (s Spec) protection() string {
	var on []string
	if s.TerminationProtection {
		on = append(on, protectTermination)
	}
	if s.StopProtection {
		on = append(on, protectStop)
	}
	return strings.Join(on, ",")
}

const (
	protectTermination = "termination"
	protectStop        = "stop"
)
