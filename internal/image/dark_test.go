package image

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// darkness is how a region may fail to answer: closed to the account, or out of service.
var darkness = map[string]lab.FailCall{
	"closed": {Region: "eu-west-1", Times: -1, Code: "AuthFailure"},
	"down":   {Region: "eu-west-1", Times: -1, Code: "ServiceUnavailable", Status: 503},
}

func warned(warnings []report.Warning, parts ...string) bool {
	return slices.ContainsFunc(warnings, func(w report.Warning) bool {
		text := w.Title() + " " + w.Text()
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	})
}

// A region that was taken off and does not answer keeps nothing from being done: what is there
// is left, and goes once the region is back.
func TestApply_leavesARegionThatIsDark(t *testing.T) {
	for name, dark := range darkness {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				before := b.apply(handedOut(nil)).Line.Current().Copies["eu-west-1"].ID
				b.Order(dark)
				without := handedOut(func(s *Spec) { delete(s.Distribute.Regions, "eu-west-1"); s.Description = "other" })
				options := b.optionsFor(without)
				options.Regions, options.Copies = []string{"eu-central-1", "eu-west-1"}, map[string]string{"eu-west-1": before}
				result, err := b.run(t.Context(), without, options)
				if err != nil {
					t.Fatal(err)
				}
				if got := result.Line.Current().Description; got != "other" || !warned(result.Warnings, "left behind", "eu-west-1", before) {
					t.Errorf("description %q, warnings %v", got, result.Warnings)
				}
				b.only(3)
				b.Lab.LiftAll()
				b.apply(without)
				b.only(2)
				b.destroy()
			})
		})
	}
}

// One that is wanted stops an apply before anything is baked.
func TestApply_needsTheRegionsThatAreWanted(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(handedOut(nil))
		b.Order(darkness["closed"])
		result, err := b.try(handedOut(func(s *Spec) { s.Bake.Steps[1].Script = "other" }))
		if err == nil || !strings.Contains(err.Error(), "copies in eu-west-1 could not be looked for") || len(b.instances()) > 0 {
			t.Errorf("%v, %+v", err, result.Plan)
		}
		b.only(3)
	})
}

// A destroy clears what it can reach, and names what it leaves.
func TestDestroy_leavesARegionThatIsDark(t *testing.T) {
	for name, dark := range darkness {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				copied := b.apply(handedOut(nil)).Line.Current().Copies["eu-west-1"].ID
				b.Order(dark)
				warnings, err := Destroy(t.Context(), b.Region, b.state, Removal{
					In: b.in, Regions: []string{"eu-west-1"}, Copies: map[string]string{"eu-west-1": copied},
				})
				if err != nil || !warned(warnings, "left behind", "eu-west-1", copied, b.state.ID) {
					t.Errorf("%v, %v", err, warnings)
				}
				b.only(1)
				b.Lab.LiftAll()
				if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Regions: []string{"eu-west-1"}}); err != nil {
					t.Fatal(err)
				}
				b.only(0)
			})
		})
	}
}

// A plan does not wait for minutes for a region that is down, and keeps what was known of it.
func TestObserveCopiesSoon_keepsWhatIsKnown(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		line := b.apply(handedOut(nil)).Line
		copied := line.Current().Copies["eu-west-1"].ID
		b.Order(darkness["down"])
		began := time.Now()
		found, err := Observe(t.Context(), b.Region, b.state, nil)
		if err != nil {
			t.Fatal(err)
		}
		regions := []string{"eu-central-1", "eu-west-1"}
		found, err = ObserveCopiesSoon(t.Context(), b.Region, b.in, b.state, found, regions)
		if _, ok := errors.AsType[*UnreachedError](err); !ok || time.Since(began) > 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		found = found.WithRemembered(line.Remember(), regions)
		if got := found.Current().ImageIDs("us-east-1", regions)["eu-west-1"]; got != copied || !warned(found.Warnings, "eu-west-1", copied) {
			t.Errorf("the copy is %q, want %s; %v", got, copied, found.Warnings)
		}
	})
}

// A plan of a line as it is remembered is the plan of the line as it was seen.
func TestMemory_plansTheSame(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		for _, text := range []string{"a", "b", "c"} {
			b.apply(handedOut(func(s *Spec) { s.Bake.Steps[1].Script = text }))
		}
		seen := b.observed()
		recalled := seen.Remember().Recall(b.state)
		for _, text := range []string{"a", "b", "c", "d"} {
			spec := handedOut(func(s *Spec) { s.Bake.Steps[1].Script = text })
			want, err := NewPlan(spec, spec.Recipe(b.BaseImageID()), nil, seen, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			got, err := NewPlan(spec, spec.Recipe(b.BaseImageID()), nil, recalled, time.Now())
			if err != nil || got.headline() != want.headline() || !slices.Equal(got.Copy, want.Copy) || !slices.Equal(got.Retire, want.Retire) {
				t.Errorf("%s: recalled %s, seen %s, %v", text, got, want, err)
			}
			if changed := text != "c"; got.Visible() != changed || want.Visible() != changed {
				t.Errorf("%s: a change is shown: %t recalled, %t seen, want %t", text, got.Visible(), want.Visible(), changed)
			}
		}
	})
}

// A version whose home image somebody has removed is baked anew: the copy that is left is
// neither taken for one of the new version, nor left behind.
func TestApply_homeImageGoneAndACopyLeft(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		was := b.apply(handedOut(nil)).Line.Current()
		if err := b.Region.DeregisterImage(t.Context(), was.ImageID); err != nil {
			t.Fatal(err)
		}
		options := b.options()
		options.Regions = []string{"eu-central-1", "eu-west-1"}
		result, err := b.run(t.Context(), handedOut(nil), options)
		if err != nil {
			t.Fatal(err)
		}
		is := result.Line.Current()
		for region, old := range was.Copies {
			if copied := is.Copies[region]; copied.ID == "" || copied.ID == old.ID || copied.SourceImageID != is.ImageID {
				t.Errorf("the copy in %s is %+v, the old one %s", region, copied, old.ID)
			}
		}
		if len(result.Line.Orphans) > 0 || len(result.Line.Versions) != 1 {
			t.Errorf("there are %v, orphans %v", result.Line.Versions, result.Line.Orphans)
		}
	})
}
