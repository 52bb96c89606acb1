package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// Recipe is what decides what is inside an image, as digests: small enough to keep
// beside the state, so that a later plan can say what changed. Where a version is
// baked and how long a step may take are not in it, nor are the steps' names.
type Recipe struct {
	// Source is the id of the AMI that the bake starts from.
	Source     string       `json:"source"`
	Steps      []StepDigest `json:"steps"`
	CleanUp    string       `json:"clean_up"`
	Volumes    string       `json:"volumes"`
	Encryption string       `json:"encryption"`
	// Triggers are digests of the values, by name.
	Triggers map[string]string `json:"triggers,omitempty"`
	// Secrets is the version that the user gives them; their values are in nothing.
	Secrets string `json:"secrets,omitempty"`
	// UserData is the digest of the builder's; empty without any.
	UserData string `json:"user_data,omitempty"`
}

// StepDigest is a step's name, for people, and the digest of what it does.
type StepDigest struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
	// Files are the mode and the beginning of the digest of each file of an upload, by path:
	// for people, too. It is empty where there are too many to keep.
	Files map[string]string `json:"files,omitempty"`
	// Count is how many files there are.
	Count int `json:"count,omitempty"`
}

// Recipe returns the recipe of the spec when it is baked from that source.
func (s Spec) Recipe(sourceImageID string) Recipe {
	recipe := Recipe{
		Source:     sourceImageID,
		CleanUp:    cleanUpDigest(s.Bake.CleanUp),
		Volumes:    s.volumesDigest(),
		Encryption: digest("encryption", strconv.FormatBool(s.Capture.Encrypted), s.Capture.KMSKeyID),
		Secrets:    s.Bake.SecretsVersion,
	}
	if s.Bake.UserData != "" {
		recipe.UserData = digest("user data", s.Bake.UserData)
	}
	for _, step := range s.Bake.Steps {
		recipe.Steps = append(recipe.Steps, s.Bake.stepRecipe(step))
	}
	for name, value := range s.Refresh.Triggers {
		if recipe.Triggers == nil {
			recipe.Triggers = map[string]string{}
		}
		recipe.Triggers[name] = digest("trigger", value)
	}
	return recipe
}

// Fingerprint is the SHA-256 of the recipe: 64 hexadecimal digits. Two recipes
// with the same fingerprint make the same image.
func (r Recipe) Fingerprint() string {
	parts := []string{"recipe 1", r.Source, r.CleanUp, r.Volumes, r.Encryption}
	for _, step := range r.Steps {
		parts = append(parts, step.Digest)
	}
	if len(r.Triggers) > 0 { // without any, the fingerprint is that of times before triggers
		parts = append(parts, environmentDigest(r.Triggers))
	}
	if r.Secrets != "" {
		parts = append(parts, "secrets", r.Secrets)
	}
	if r.UserData != "" {
		parts = append(parts, "user data", r.UserData)
	}
	return digest(parts...)
}

// Changes says in words how this recipe differs from an earlier one; it is empty
// when nothing differs.
func (r Recipe) Changes(earlier Recipe) string {
	var changes []string
	if r.Source != earlier.Source {
		changes = append(changes, fmt.Sprintf("source %s → %s", earlier.Source, r.Source))
	}
	changes = append(changes, stepChanges(r.Steps, earlier.Steps)...)
	for _, part := range []struct{ what, now, before string }{
		{"clean-up", r.CleanUp, earlier.CleanUp},
		{"volumes", r.Volumes, earlier.Volumes},
		{"encryption", r.Encryption, earlier.Encryption},
		{"secrets", r.Secrets, earlier.Secrets},
		{"user data", r.UserData, earlier.UserData},
	} {
		if part.now != part.before {
			changes = append(changes, part.what+" changed")
		}
	}
	changes = append(changes, triggerChanges(r.Triggers, earlier.Triggers)...)
	return strings.Join(changes, ", ")
}

func triggerChanges(now, before map[string]string) []string {
	all := maps.Clone(before)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, now)
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value, is := now[name]
		earlier, was := before[name]
		switch {
		case !was:
			changes = append(changes, "trigger "+name+" added")
		case !is:
			changes = append(changes, "trigger "+name+" removed")
		case value != earlier:
			changes = append(changes, "trigger "+name+" changed")
		}
	}
	return changes
}

func stepChanges(now, before []StepDigest) []string {
	same := func(a, b StepDigest) bool { return a.Digest == b.Digest }
	if slices.EqualFunc(now, before, same) {
		return nil
	}
	named := func(steps []StepDigest, name string) int {
		return slices.IndexFunc(steps, func(step StepDigest) bool { return step.Name == name })
	}
	var changes []string
	for _, step := range now {
		switch at := named(before, step.Name); {
		case at < 0:
			changes = append(changes, "step "+step.Name+" added")
		case before[at].Digest != step.Digest:
			changes = append(changes, "step "+step.Name+" changed"+fileChanges(step, before[at]))
		}
	}
	for _, step := range before {
		if named(now, step.Name) < 0 {
			changes = append(changes, "step "+step.Name+" removed")
		}
	}
	if len(changes) == 0 {
		changes = append(changes, "order of steps changed")
	}
	return changes
}

// ChecksDigest identifies what the checks demand: their scripts, environments and users,
// not their names, attempts or time limits.
func (s Spec) ChecksDigest() string {
	if len(s.Verify.Checks) == 0 {
		return "none"
	}
	parts := []string{"checks 1"}
	for _, check := range s.Verify.Checks {
		parts = append(parts, check.Script, environmentDigest(check.Environment))
		if check.User != "" { // without one, the digest is that of times before users
			parts = append(parts, "user", check.User)
		}
	}
	return digest(parts...)
}

func environmentDigest(environment map[string]string) string {
	parts := []string{"environment"}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		parts = append(parts, name, environment[name])
	}
	return digest(parts...)
}

// cleanUpDigest adds the switches that came after the first release only where they are
// on.
func cleanUpDigest(c guest.CleanUp) string {
	parts := []string{"clean-up"}
	for _, on := range []bool{c.HostKeys, c.MachineID, c.CloudInit, c.Logs, c.Histories} {
		parts = append(parts, strconv.FormatBool(on))
	}
	for _, later := range []struct {
		on   bool
		name string
	}{
		{c.DHCPLeases, "dhcp_leases"}, {c.RandomSeed, "random_seed"}, {c.AuthorizedKeys, "authorized_keys"}, {c.SSMRegistration, "ssm_registration"},
	} {
		if later.on {
			parts = append(parts, later.name)
		}
	}
	return digest(parts...)
}

func (s Spec) volumesDigest() string {
	root := s.Bake.RootVolume
	parts := []string{"volumes", strconv.Itoa(root.Size), root.Type, strconv.Itoa(root.IOPS), strconv.Itoa(root.Throughput)}
	byDevice := slices.SortedFunc(slices.Values(s.Bake.Volumes), func(a, b cloud.Volume) int { return strings.Compare(a.DeviceName, b.DeviceName) })
	for _, volume := range byDevice {
		parts = append(parts, volume.DeviceName, strconv.Itoa(volume.Size), volume.Type, strconv.Itoa(volume.IOPS), strconv.Itoa(volume.Throughput))
	}
	for _, device := range slices.Sorted(slices.Values(s.Bake.KeepOnTermination)) {
		parts = append(parts, "kept", device)
	}
	return digest(parts...)
}

// digest is SHA-256 over length-prefixed parts, so that no two lists of parts can
// be mistaken for each other.
func digest(parts ...string) string {
	hash := sha256.New()
	writeParts(hash, parts...)
	return hex.EncodeToString(hash.Sum(nil))
}

func writeParts(hash io.Writer, parts ...string) {
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part) // a hash takes everything
	}
}

// nonce marks a run's lines on the console. It is derived, so that a later apply
// can read the console of a builder that an interrupted one has left.
func nonce(parts ...string) string { return digest(parts...)[:12] }
