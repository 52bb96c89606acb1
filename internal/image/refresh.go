package image

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// ResolveRecipe says which recipe the spec means, given the source that is the newest
// now. Where a newer source alone is held back, it is that of the kept version that
// has the spec's content on a source of its own, the current one first. edited is set
// when the user has named another source.
func (s Spec) ResolveRecipe(newest string, edited bool, line Line) Recipe {
	if s.Refresh.HoldSource && !edited {
		for _, version := range line.Versions {
			if held := s.Recipe(version.SourceImageID); held.Fingerprint() == version.Fingerprint {
				return held
			}
		}
	}
	return s.Recipe(newest)
}

// PinError says that the version to hold on to is not kept.
type PinError struct {
	Pin int
	// Kept are the numbers of the versions that are, the highest first.
	Kept []int
}

// Error names those that are kept.
func (e *PinError) Error() string {
	if len(e.Kept) == 0 {
		return fmt.Sprintf("version %d is not kept: there is no version yet", e.Pin)
	}
	kept := make([]string, 0, len(e.Kept))
	for _, number := range e.Kept {
		kept = append(kept, strconv.Itoa(number))
	}
	return fmt.Sprintf("version %d is not kept; kept are %s", e.Pin, strings.Join(kept, ", "))
}

// pinned is the version that the spec holds on to; nil when it does not.
func (s Spec) pinned(line Line) (*Version, error) {
	if s.Refresh.PinVersion == 0 {
		return nil, nil
	}
	var kept []int
	for i := range line.Versions {
		if line.Versions[i].Number == s.Refresh.PinVersion {
			return &line.Versions[i], nil
		}
		kept = append(kept, line.Versions[i].Number)
	}
	slices.SortFunc(kept, func(a, b int) int { return b - a })
	return nil, &PinError{Pin: s.Refresh.PinVersion, Kept: kept}
}

// tooOld reports whether a version is older than the spec allows.
func (s Spec) tooOld(version Version, now time.Time) bool {
	return s.Refresh.MaxAge > 0 && now.Sub(version.BakedAt) > s.Refresh.MaxAge
}

// HeldBack warns of what is not made because the spec holds on to something: how old
// the version is, and what newer source there is.
func HeldBack(spec Spec, newest string, plan Plan, line Line, now time.Time) []report.Warning {
	at := slices.IndexFunc(line.Versions, func(v Version) bool { return v.ImageID == plan.ImageID })
	if at < 0 {
		return nil
	}
	version := line.Versions[at]
	newer := version.SourceImageID != newest
	var how, remedy string
	switch {
	case spec.Refresh.PinVersion != 0 && (newer || spec.Recipe(newest).Fingerprint() != version.Fingerprint || spec.tooOld(version, now)):
		how, remedy = fmt.Sprintf("is pinned at version %d", version.Number), "Remove refresh.pin_version to bake anew."
	case spec.Refresh.PinVersion == 0 && spec.Refresh.HoldSource && newer:
		how, remedy = fmt.Sprintf("is held at version %d", version.Number), "Set refresh.on_source_change = true to bake on it."
	default:
		return nil
	}
	detail := fmt.Sprintf("Version %d (%s) was baked %s ago from %s.", version.Number, version.ImageID, age(now.Sub(version.BakedAt)), version.SourceImageID)
	if newer {
		detail += fmt.Sprintf(" The source is now %s.", newest)
	} else {
		detail += " The configuration has changed since."
	}
	return []report.Warning{{Summary: fmt.Sprintf("Golden image %s %s", spec.Name, how), Detail: detail + " " + remedy}}
}

// age is a duration as people say it.
func age(d time.Duration) string {
	unit := func(count int, name string) string {
		if count == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", count, name)
	}
	switch {
	case d >= 48*time.Hour:
		return unit(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return unit(int(d/time.Hour), "hour")
	default:
		return unit(max(int(d/time.Minute), 0), "minute")
	}
}
