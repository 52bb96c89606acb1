package image

import (
	"fmt"
	"maps"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Action is what a plan does about the line's current version.
type Action string

// The actions.
const (
	// Keep leaves the current version.
	Keep Action = "keep"
	// Prove runs changed checks on a fresh instance of the current version.
	Prove Action = "prove"
	// Promote makes a kept version current again, after proving it if the checks
	// have changed since it passed.
	Promote Action = "promote"
	// BakeNew makes a new version.
	BakeNew Action = "bake"
)

// Plan is what has to happen to a line so that it is as specified.
type Plan struct {
	Action Action
	// Version is the number of the version that will be current.
	Version int
	// ImageID is that version's AMI; empty when it is yet to be baked.
	ImageID     string
	Fingerprint string
	// Reason says in words why, for people; empty for Keep.
	Reason string
	// Prove is set when the version must pass its checks on a fresh instance first.
	Prove bool
	// Retag lists the versions whose tags or description differ from the spec.
	Retag []int
	// Retire lists the versions beyond what is retained, the oldest promotion last.
	Retire []int
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool {
	return p.Action == Keep && len(p.Retag) == 0 && len(p.Retire) == 0
}

// headline is what the plan does about the current version.
func (p Plan) headline() string {
	text := fmt.Sprintf("%s version %d", p.Action, p.Version)
	if p.Reason != "" {
		text += " (" + p.Reason + ")"
	}
	return text
}

// String is the plan in one line.
func (p Plan) String() string {
	text := p.headline()
	if len(p.Retag) > 0 {
		text += fmt.Sprintf(", retag %v", p.Retag)
	}
	if len(p.Retire) > 0 {
		text += fmt.Sprintf(", retire %v", p.Retire)
	}
	return text
}

// NewPlan compares the line with the spec. It is a pure function. The recipe is
// the spec's own, with its source resolved; earlier is that of the current version,
// when it is known, and serves the words of the reason only.
func NewPlan(spec Spec, recipe Recipe, earlier *Recipe, line Line) Plan {
	fingerprint := recipe.Fingerprint()
	current := line.Current()
	plan := Plan{Fingerprint: fingerprint}
	switch kept := line.Find(fingerprint); {
	case kept == nil:
		plan.Action, plan.Version = BakeNew, line.Next()
		plan.Reason = bakeReason(recipe, earlier, current)
		plan.Prove = spec.Verify.FreshInstance && len(spec.Verify.Checks) > 0
	case kept.ImageID != current.ImageID:
		plan.Action, plan.Version, plan.ImageID = Promote, kept.Number, kept.ImageID
		plan.Reason = fmt.Sprintf("version %d has this content: promoted again, nothing is baked", kept.Number)
		plan.Prove = needsProof(spec, *kept)
	default:
		plan.Action, plan.Version, plan.ImageID = Keep, kept.Number, kept.ImageID
		if needsProof(spec, *kept) {
			plan.Action, plan.Prove = Prove, true
			plan.Reason = fmt.Sprintf("checks changed: version %d is proved again, nothing is baked", kept.Number)
		}
	}
	plan.Retag = retag(spec, line)
	plan.Retire = retire(spec, plan, line)
	return plan
}

func bakeReason(recipe Recipe, earlier *Recipe, current *Version) string {
	if current == nil && earlier == nil {
		return "first version"
	}
	if earlier != nil {
		if changes := recipe.Changes(*earlier); changes != "" {
			return changes
		}
		if current == nil || earlier.Fingerprint() != current.Fingerprint {
			return "the image of this recipe is gone"
		}
	}
	if current != nil && current.SourceImageID != recipe.Source {
		return fmt.Sprintf("source %s → %s", current.SourceImageID, recipe.Source)
	}
	return "the recipe differs from the current version's"
}

// checksOnBuilder marks the digest of checks that were passed on the builder only.
const checksOnBuilder = " on the builder"

func needsProof(spec Spec, version Version) bool {
	if len(spec.Verify.Checks) == 0 {
		return false
	}
	passed, onBuilder := strings.CutSuffix(version.Checks, checksOnBuilder)
	return passed != spec.ChecksDigest() || (onBuilder && spec.Verify.FreshInstance)
}

// passedChecks is what a version's tag says once it has passed.
func passedChecks(spec Spec, onProof bool) string {
	if onProof || len(spec.Verify.Checks) == 0 {
		return spec.ChecksDigest()
	}
	return spec.ChecksDigest() + checksOnBuilder
}

func retag(spec Spec, line Line) []int {
	var differ []int
	for _, version := range line.Versions {
		if version.Description != spec.Description || !maps.Equal(version.Tags.UserTags(), spec.versionTags(version.ImageName)) {
			differ = append(differ, version.Number)
		}
	}
	return differ
}

// versionTags are the user's tags of a version, with a Name unless there is one.
func (s Spec) versionTags(imageName string) cloud.Tags {
	return cloud.Tags{"Name": imageName}.With(s.Tags)
}

func retire(spec Spec, plan Plan, line Line) []int {
	room := spec.Capture.RetainVersions - 1
	var beyond []int
	for _, version := range line.Versions {
		if plan.ImageID != "" && version.ImageID == plan.ImageID {
			continue
		}
		if room > 0 {
			room--
			continue
		}
		beyond = append(beyond, version.Number)
	}
	return beyond
}
