package image

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// versionFor is a version as a finished apply of that spec leaves it.
func versionFor(spec Spec, number int) Version {
	const source = "ami-1"
	fingerprint := spec.Recipe(source).Fingerprint()
	name := AMIName(spec.Name, number, fingerprint)
	return Version{
		Number: number, ImageID: fmt.Sprintf("ami-v%d", number), ImageName: name, Description: spec.Description,
		Fingerprint: fingerprint, SourceImageID: source, Checks: passedChecks(spec, spec.Verify.FreshInstance),
		PromotedAt: time.Unix(int64(1000*number), 0), State: cloud.ImageAvailable, IMDSSupport: imdsRequired, Tags: spec.versionTags(name),
	}
}

func TestNewPlan(t *testing.T) {
	first, second := specOf(nil), specOf(func(s *Spec) { s.Bake.Steps[1].Script = "make all" })
	one, two := versionFor(first, 1), versionFor(second, 2)
	line := Line{Versions: []Version{two, one}}
	earlier := second.Recipe("ami-1")
	tests := map[string]struct {
		spec   Spec
		source string
		line   Line
		want   Plan
	}{
		"nothing there": {first, "ami-1", Line{}, Plan{Action: BakeNew, Version: 1, Reason: "first version", Prove: true}},
		"as wanted":     {second, "ami-1", line, Plan{Action: Keep, Version: 2, ImageID: "ami-v2"}},
		"new source":    {second, "ami-2", line, Plan{Action: BakeNew, Version: 3, Reason: "source ami-1 → ami-2", Prove: true, Retire: []string{"ami-v1"}}},
		"gone back": {first, "ami-1", line, Plan{
			Action: Promote, Version: 1, ImageID: "ami-v1", Reason: "version 1 has this content: promoted again, nothing is baked",
		}},
		"gone back with other checks": {
			specOf(func(s *Spec) { s.Verify.Checks[0].Script = "false" }), "ami-1", line, Plan{
				Action: Promote, Version: 1, ImageID: "ami-v1", Prove: true,
				Reason: "version 1 has this content: promoted again, nothing is baked",
			},
		},
		"other checks": {
			specOf(func(s *Spec) { s.Bake.Steps[1].Script, s.Verify.Checks[0].Script = "make all", "false" }), "ami-1", line,
			Plan{Action: Prove, Version: 2, ImageID: "ami-v2", Prove: true, Reason: "checks changed: version 2 is proved again, nothing is baked"},
		},
		"no checks any more": {
			specOf(func(s *Spec) { s.Bake.Steps[1].Script, s.Verify.Checks = "make all", nil }), "ami-1", line,
			Plan{Action: Keep, Version: 2, ImageID: "ami-v2"},
		},
		"other tags": {
			specOf(func(s *Spec) { s.Bake.Steps[1].Script, s.Tags = "make all", cloud.Tags{"A": "b"} }), "ami-1", line,
			Plan{Action: Keep, Version: 2, ImageID: "ami-v2", Adjust: []int{2, 1}},
		},
		"fewer versions": {
			specOf(func(s *Spec) { s.Bake.Steps[1].Script, s.Capture.RetainVersions = "make all", 1 }), "ami-1", line,
			Plan{Action: Keep, Version: 2, ImageID: "ami-v2", Retire: []string{"ami-v1"}},
		},
		"current version gone": {
			second, "ami-1",
			Line{Versions: []Version{one}},
			Plan{Action: BakeNew, Version: 2, Reason: "the image of this recipe is gone", Prove: true},
		},
		"a number is never given twice": {
			specOf(func(s *Spec) { s.Bake.Steps = nil }), "ami-1",
			Line{Versions: []Version{func() Version { v := one; v.Highest = 7; return v }()}},
			Plan{Action: BakeNew, Version: 8, Reason: "step app removed, step install removed", Prove: true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			recipe := test.spec.Recipe(test.source)
			test.want.Fingerprint = recipe.Fingerprint()
			prior := &earlier
			if len(test.line.Versions) == 0 {
				prior = nil
			}
			got, err := NewPlan(test.spec, recipe, prior, test.line, time.Unix(5000, 0))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// simulate does to a line what Apply does, without AWS.
func simulate(spec Spec, plan Plan, line Line, now int) Line {
	var current Version
	if plan.Action == BakeNew {
		current = versionFor(spec, plan.Version)
		current.ImageID = fmt.Sprintf("ami-%d", now)
	} else {
		current = *line.Find(plan.Fingerprint)
		if plan.Prove {
			current.Checks = passedChecks(spec, true)
		}
	}
	if plan.Action == BakeNew || plan.Action == Promote {
		current.PromotedAt, current.Highest = time.Unix(int64(now), 0), max(line.Next()-1, current.Number)
	}
	versions := []Version{current}
	for _, version := range line.Versions {
		if version.ImageID != current.ImageID {
			versions = append(versions, version)
		}
	}
	retired := retire(spec, Plan{ImageID: current.ImageID}, Line{Versions: versions})
	versions = slices.DeleteFunc(versions, func(v Version) bool { return slices.Contains(retired, v.ImageID) })
	for i := range versions {
		versions[i].Description, versions[i].Tags = spec.Description, spec.versionTags(versions[i].ImageName)
	}
	return Line{Versions: versions}
}

// Whatever is changed in whatever order: after a plan is carried out nothing is
// left to do, numbers never come back with other content, a kept fingerprint is
// never baked again, and no more versions are kept than wanted.
func TestNewPlan_converges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line Line
		content := map[int]string{}
		for now := 1; now <= rapid.IntRange(1, 12).Draw(t, "changes"); now++ {
			spec := specOf(func(s *Spec) {
				s.Bake.Steps[1].Script = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "script")
				s.Verify.Checks = []guest.Check{{Name: "ok", Script: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "check")}}
				s.Capture.RetainVersions = rapid.IntRange(1, 3).Draw(t, "retain")
				s.Description = rapid.SampledFrom([]string{"", "text"}).Draw(t, "description")
			})
			recipe := spec.Recipe("ami-1")
			plan, err := NewPlan(spec, recipe, nil, line, time.Unix(int64(now), 0))
			if err != nil {
				t.Fatal(err)
			}
			if kept := line.Find(recipe.Fingerprint()); kept != nil && plan.Action == BakeNew {
				t.Fatalf("version %d is kept and would be baked again", kept.Number)
			}
			line = simulate(spec, plan, line, now)
			if next, err := NewPlan(spec, recipe, &recipe, line, time.Unix(int64(now), 0)); err != nil || !next.Empty() {
				t.Fatalf("after %s there is still to do: %s, %v", plan, next, err)
			}
			if before, given := content[plan.Version]; given && before != plan.Fingerprint {
				t.Fatalf("number %d was given twice", plan.Version)
			}
			content[plan.Version] = plan.Fingerprint
			if len(line.Versions) > spec.Capture.RetainVersions {
				t.Fatalf("%d versions kept, want at most %d", len(line.Versions), spec.Capture.RetainVersions)
			}
		}
	})
}
