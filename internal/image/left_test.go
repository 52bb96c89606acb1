package image

import (
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// planned is what a plan for the spec says now.
func (b *bakery) planned(spec Spec) Plan {
	b.t.Helper()
	plan, err := NewPlan(spec, spec.Recipe(b.BaseImageID()), nil, b.observed(), time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return plan
}

// Somebody interrupts a bake and takes the change back: what the bake has left is in the
// next plan, although the current version is as configured, and its apply clears it.
func TestNewPlan_clearsWhatWasLeft(t *testing.T) {
	left := 0
	for over, cut := false, (rehearsal.Cut{After: true, Dead: true}); !over; {
		cut.Request += rehearsal.Stride()
		inBakery(t, func(t *testing.T, b *bakery) {
			before, options := b.apply(script("a")).Line.Current(), b.options()
			over = b.cut(cut, script("b"), options)
			plan := b.planned(script("a"))
			if over || plan.Action != Keep {
				b.destroy() // "b" had come through
				return
			}
			temporary := len(b.instances()) + b.leftovers()["image"] - 1
			if plan.Empty() != (temporary == 0) || len(plan.Clear) != temporary {
				t.Fatalf("cut at request %d: %d temporary things, the plan: %s", cut.Request, temporary, plan)
			}
			for _, id := range plan.Clear {
				left++
				if !strings.Contains(plan.Reason, id) {
					t.Errorf("the reason does not name %s: %s", id, plan.Reason)
				}
			}
			if after := b.apply(script("a")).Line.Current(); after.ImageID != before.ImageID {
				t.Errorf("cut at request %d: %s is current, %s was", cut.Request, after.ImageID, before.ImageID)
			}
			b.only(1)
			if plan := b.planned(script("a")); !plan.Empty() {
				t.Errorf("cut at request %d: afterwards the plan is %s", cut.Request, plan)
			}
			b.destroy()
		})
	}
	if left < 3 {
		t.Errorf("only %d things were left by all the cuts", left)
	}
}

// staged is a spec whose script only fits into a bucket.
func staged() Spec {
	return specOf(func(s *Spec) {
		s.Bake.StagingBucket = "staging"
		s.Bake.Steps[0].Upload.Files[0].Content = noise(40 << 10)
		s.Bake.Steps[1].Script = "a"
	})
}

// noise is what no compression makes smaller, the same each time.
func noise(size int) []byte {
	content := make([]byte, 0, size)
	for block := "noise"; len(content) < size; block = digest(block) {
		content = append(content, block...)
	}
	return content
}

// What is staged in a bucket does not outlive the apply, wherever the one before it was
// cut; and a destroy finds it too.
func TestApply_stagedAndCutAnywhere(t *testing.T) {
	for name, cut := range map[string]rehearsal.Cut{"cancelled": {After: true}, "dead": {After: true, Dead: true}} {
		t.Run(name, func(t *testing.T) {
			found := 0
			for over := false; !over; {
				cut.Request += rehearsal.Stride()
				inBakery(t, func(t *testing.T, b *bakery) {
					b.MakeBucket("staging")
					options := b.options()
					over = b.cut(cut, staged(), options)
					found += b.leftovers()["object"]
					if cut.Request%2 == 0 || b.state.ID == "" {
						b.tryAgain(staged())
						if left := b.leftovers(); left["object"] > 0 || left["image"] != 1 {
							t.Fatalf("cut at request %d, and applied again: %v", cut.Request, b.Lab.Books().Leftovers)
						}
					}
					_, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, StagingBucket: "staging"})
					if left := b.leftovers(); err != nil || len(left) > left["bucket"] {
						t.Fatalf("cut at request %d, and destroyed: %v, %v", cut.Request, err, b.Lab.Books().Leftovers)
					}
				})
			}
			if found == 0 {
				t.Error("no cut has left anything staged")
			}
		})
	}
}
