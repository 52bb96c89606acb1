package image

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
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
	// Reason says in words why, for people; empty when nothing happens to the current
	// version and nothing is cleared.
	Reason string
	// Prove is set when the version must pass its checks on a fresh instance first.
	Prove bool
	// Copy lists the regions that the version is yet to be copied to.
	Copy []string
	// Share lists the kept versions whose permissions were last set to something else.
	Share []int
	// Adjust lists the kept versions of which an image differs from the spec in its tags,
	// description, deprecation, protection or default for the metadata service.
	Adjust []int
	// Withdraw lists the regions where kept versions have copies that nobody wants.
	Withdraw []string
	// Retire lists the versions beyond what is retained by their images, the oldest
	// promotion last.
	Retire []string
	// Clear lists, for Keep, what an apply that failed or was interrupted has left:
	// temporary instances, and images that were never promoted. Other actions take up
	// what they can use of it, and clear the rest.
	Clear []string
	// Left lists the leases of applies that have died, whose work, or whose lease alone, is
	// to be cleared.
	Left []ownership.Left
	// Mark are versions and copies whose tags somebody has changed: they get them again.
	Mark []Spoilt
	// Enable is set when somebody has disabled the version: it is enabled again.
	Enable bool
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool {
	return p.Action == Keep && len(p.Copy)+len(p.Share)+len(p.Adjust)+len(p.Withdraw)+len(p.Retire)+len(p.Clear)+len(p.Left)+len(p.Mark) == 0 && !p.Enable
}

// Visible reports whether a plan shows the user a change for what is to be done, so that there
// is an apply. What is shared, set right in place, withdrawn or retired is done by an apply
// that something else is the reason of; and a line as it is remembered does not tell of it.
func (p Plan) Visible() bool {
	return p.Action != Keep || p.Reason != "" || len(p.Copy) > 0
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
	add := func(what string, many int, list any) {
		if many > 0 {
			text += fmt.Sprintf(", %s %v", what, list)
		}
	}
	add("copy to", len(p.Copy), p.Copy)
	add("share", len(p.Share), p.Share)
	add("adjust", len(p.Adjust), p.Adjust)
	add("withdraw from", len(p.Withdraw), p.Withdraw)
	add("retire", len(p.Retire), p.Retire)
	add("clear", len(p.Clear), p.Clear)
	for _, left := range p.Left {
		text += ", clear " + leftWords(left)
	}
	return text
}

// NewPlan compares the line with the spec. It is a pure function. The recipe is
// the spec's own, with its source resolved; earlier is that of the current version,
// when it is known, and serves the words of the reason only. The error is a *PinError.
func NewPlan(spec Spec, recipe Recipe, earlier *Recipe, line Line, now time.Time) (Plan, error) {
	pinned, err := spec.pinned(line)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Fingerprint: recipe.Fingerprint()}
	kept := line.Find(plan.Fingerprint)
	if pinned != nil {
		kept, plan.Fingerprint = pinned, pinned.Fingerprint
	}
	current := line.Current()
	switch {
	case kept == nil || pinned == nil && spec.tooOld(*kept, now):
		plan.Action, plan.Version = BakeNew, line.Next()
		plan.Reason = "older than " + report.Duration(spec.Refresh.MaxAge)
		if kept == nil {
			plan.Reason = bakeReason(recipe, earlier, current)
		}
		plan.Prove = spec.Verify.FreshInstance && len(spec.Verify.Checks) > 0
		kept = &Version{}
	case kept.ImageID != current.ImageID:
		plan.Action, plan.Version, plan.ImageID = Promote, kept.Number, kept.ImageID
		plan.Reason = fmt.Sprintf("version %d has this content: promoted again, nothing is baked", kept.Number)
		if pinned != nil {
			plan.Reason = fmt.Sprintf("pinned at version %d: promoted again, nothing is baked", kept.Number)
		}
		plan.Prove = needsProof(spec, *kept)
	default:
		plan.Action, plan.Version, plan.ImageID = Keep, kept.Number, kept.ImageID
		plan.Clear = line.left()
		if needsProof(spec, *kept) {
			plan.Action, plan.Prove, plan.Clear = Prove, true, nil
			plan.Reason = fmt.Sprintf("checks changed: version %d is proved again, nothing is baked", kept.Number)
		}
	}
	plan.Enable = kept.Disabled()
	plan.Left = line.Leases.Mine(line.owner)
	plan.Mark = line.Spoilt
	plan.Reason = cmp.Or(plan.Reason, plan.mending())
	plan.Copy = spec.Distribute.missing(*kept)
	plan.Share = share(spec, line)
	plan.Adjust = adjust(spec, line, now)
	plan.Withdraw = withdraw(spec, line)
	plan.Retire = retire(spec, plan, line)
	return plan, nil
}

// left lists what is temporary, by what it is and its id.
func (l Line) left() []string {
	var all []string
	for _, instance := range l.instances() {
		all = append(all, instance.Tags[cloud.TagRole]+" "+instance.ID)
	}
	for _, candidate := range l.Candidates {
		all = append(all, "unproven image "+candidate.ImageID)
	}
	return all
}

// mending says what is done beside leaving the current version as it is.
func (p Plan) mending() string {
	var parts []string
	if p.Enable {
		parts = append(parts, fmt.Sprintf("version %d (%s) was disabled outside of Terraform: enabled again", p.Version, p.ImageID))
	}
	for _, spoilt := range p.Mark {
		parts = append(parts, fmt.Sprintf("tags of %s were changed outside of Terraform: %s written again",
			spoilt.ImageID, strings.Join(slices.Sorted(maps.Keys(spoilt.Tags)), ", ")))
	}
	if len(p.Clear) > 0 {
		parts = append(parts, "an earlier apply has left "+strings.Join(p.Clear, ", ")+": cleared")
	}
	for _, left := range p.Left {
		parts = append(parts, leftWords(left)+": cleared")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + ", nothing is baked"
}

// leftWords says what a dead apply has left.
func leftWords(left ownership.Left) string {
	if left.Create {
		return "the lease of a create that has died, with what it has made (owner " + left.Owner.ID + ")"
	}
	return "the lease of an apply that has died"
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

// missing are the regions that have no good copy of the version.
func (d Distribute) missing(version Version) []string {
	var regions []string
	for _, region := range slices.Sorted(maps.Keys(d.Regions)) {
		copied, there := version.Copies[region]
		if !there || copied.State != cloud.ImageAvailable || copied.Tags[cloud.TagKey] != d.Regions[region] {
			regions = append(regions, region)
		}
	}
	return regions
}

// digest identifies what is permitted; it is empty when nothing is.
func (d Distribute) digest() string {
	if d.Permissions.Empty() {
		return ""
	}
	parts := []string{"shared", strconv.FormatBool(d.Permissions.Public), strconv.FormatBool(d.Snapshots)}
	for _, list := range [][]string{d.Permissions.AccountIDs, d.Permissions.OrganizationARNs, d.Permissions.OrganizationalUnitARNs} {
		parts = append(parts, digest(slices.Sorted(slices.Values(list))...))
	}
	return digest(parts...)
}

// SharedWith reports whether the version was shared as wanted, when it was shared last.
func (d Distribute) SharedWith(version Version) bool {
	return version.Tags[cloud.TagShared] == d.digest()
}

func share(spec Spec, line Line) []int {
	var differ []int
	for _, version := range line.Versions {
		if !spec.Distribute.SharedWith(version) {
			differ = append(differ, version.Number)
		}
	}
	return differ
}

func adjust(spec Spec, line Line, now time.Time) []int {
	var differ []int
	for _, version := range line.Versions {
		for _, at := range version.places("") {
			if at.image.State == cloud.ImageAvailable && !spec.asWanted(version, at.image, now) {
				differ = append(differ, version.Number)
				break
			}
		}
	}
	return differ
}

// asWanted reports whether an image of the version is as the spec says, in all that
// can be changed in place.
func (s Spec) asWanted(version Version, image cloud.Image, now time.Time) bool {
	return image.Description == s.Description &&
		maps.Equal(image.Tags.UserTags(), s.versionTags(version.ImageName)) &&
		s.deprecated(version, image, now) &&
		image.Protection.Enabled() == s.Capture.Protect &&
		(s.Capture.IMDSAsSource || image.IMDSSupport == imdsRequired)
}

// imdsRequired is how EC2 says that an image's instances take session tokens only.
const imdsRequired = "v2.0"

// deprecationLag is how far ahead a date is set that should have passed already, since
// EC2 takes none in the past.
const deprecationLag = 2 * time.Minute

// deprecation is when an image of the version is to become deprecated; zero is never.
func (s Spec) deprecation(version Version, now time.Time) time.Time {
	if s.Capture.DeprecateAfter == 0 {
		return time.Time{}
	}
	at := version.BakedAt.Add(s.Capture.DeprecateAfter).Round(time.Minute)
	if at.Before(now.Add(deprecationLag)) {
		at = now.Add(deprecationLag).Round(time.Minute)
	}
	return at
}

// deprecated reports whether an image's date is as wanted: to the minute, or passed
// when it is due. EC2 does not let go of a public image's date.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
func (s Spec) deprecated(version Version, image cloud.Image, now time.Time) bool {
	want := s.deprecation(version, now)
	switch {
	case want.IsZero():
		return image.DeprecatesAt.IsZero() || image.Public
	case image.DeprecatesAt.IsZero():
		return false
	}
	due := !want.After(now.Add(deprecationLag + time.Minute))
	return image.DeprecatesAt.Equal(want) || due && !image.DeprecatesAt.After(want)
}

func withdraw(spec Spec, line Line) []string {
	surplus := map[string]bool{}
	for _, version := range line.Versions {
		for region := range version.Copies {
			if _, wanted := spec.Distribute.Regions[region]; !wanted {
				surplus[region] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(surplus))
}

// versionTags are the user's tags of a version, with a Name unless there is one.
func (s Spec) versionTags(imageName string) cloud.Tags {
	return cloud.Tags{"Name": imageName}.With(s.Tags)
}

// retire lists, by image, the versions beyond what is retained. Numbers would not do: they
// are in tags too, which a copy may have taken along.
func retire(spec Spec, plan Plan, line Line) []string {
	room := spec.Capture.RetainVersions - 1
	var beyond []string
	for _, version := range line.Versions {
		if plan.ImageID != "" && version.ImageID == plan.ImageID {
			continue
		}
		if room > 0 {
			room--
			continue
		}
		beyond = append(beyond, version.ImageID)
	}
	return beyond
}

// DeprecatedAsWanted reports whether the version becomes deprecated when the spec says.
func (s Spec) DeprecatedAsWanted(version Version, now time.Time) bool {
	return s.deprecated(version, version.image(), now)
}
