package image

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// A copy stays one, whatever somebody does to its tags: its name and what it was copied from
// say so. The next apply writes the tags again and copies nothing; a destroy removes it.
func TestApply_marksCopiesAgain(t *testing.T) {
	const region = "eu-west-1"
	for _, keys := range [][]string{
		{cloud.TagManagedBy}, {cloud.TagImage}, {cloud.TagOwner}, {cloud.TagRole}, {cloud.TagHome}, {cloud.TagCopyOf}, {cloud.TagFingerprint}, nil,
	} {
		name := strings.Join(keys, "")
		if keys == nil {
			name = "all tags"
		}
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				spec := handedOut(nil)
				former := b.apply(spec).Line.Current().Copies[region]
				spec = handedOut(func(s *Spec) { s.Bake.Steps = nil })
				current := b.apply(spec).Line.Current().Copies[region]
				spoil := func() {
					for _, spoilt := range []cloud.Image{former, current} {
						deleted := keys
						if keys == nil {
							deleted = slices.Collect(maps.Keys(spoilt.Tags))
						}
						if err := b.In(region).DeleteTags(t.Context(), []string{spoilt.ID}, deleted); err != nil {
							t.Fatal(err)
						}
					}
				}
				spoil()
				result := b.apply(spec)
				if result.Plan.Action != Keep || len(result.Plan.Mark) != 2 || len(result.Plan.Copy)+len(result.Line.Foreign) > 0 {
					t.Errorf("the plan was %s, marks %v, foreign %v", result.Plan, result.Plan.Mark, result.Line.Foreign)
				}
				for i, want := range []string{current.ID, former.ID} {
					if got := result.Line.Versions[i].Copies[region].ID; got != want {
						t.Errorf("copy of version %d is %q, not %s", result.Line.Versions[i].Number, got, want)
					}
				}
				if plan := b.planned(spec); !plan.Empty() {
					t.Errorf("and then another plan: %s", plan)
				}
				spoil()
				if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
					t.Fatal(err)
				}
				if left := b.leftovers(); len(left) > 0 {
					t.Errorf("after the destroy there is still %v", b.Lab.Books().Leftovers)
				}
			})
		})
	}
}

// A copy that somebody has made by hand under a name of his own, or of an image that is no
// version, is not ours: not even where it carries the tags.
func TestObserveCopies_leavesOthersAlone(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		const region = "eu-west-1"
		current := b.apply(handedOut(nil)).Line.Current()
		byHand, err := b.In(region).CopyImage(t.Context(), cloud.ImageCopy{
			SourceRegion: b.Region.Name(), SourceImageID: current.ImageID, Name: "by-hand", ClientToken: "by-hand", Tags: current.Copies[region].Tags,
		})
		if err != nil {
			t.Fatal(err)
		}
		anHour()
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
			t.Fatal(err)
		}
		if there, err := Exists(t.Context(), b.In(region), byHand); err != nil || !there {
			t.Errorf("a copy that was made by hand is gone: %v", err)
		}
	})
}
