package image

import (
	"errors"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

func TestApply_bakesOnceAndThenKeeps(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a"))
		current := first.Line.Current()
		if current == nil || current.Number != 1 || current.VerifiedAt.IsZero() || current.PromotedAt.IsZero() || first.Plan.Action != BakeNew {
			t.Fatalf("after the first apply: %s, %+v", first.Plan, current)
		}
		b.only(1)
		again := b.apply(script("a"))
		if !again.Plan.Empty() || again.Line.Current().ImageID != current.ImageID {
			t.Errorf("the same again: %s", again.Plan)
		}
		b.destroy()
	})
}

// What a plan of an unchanged image reads: the source, and the line with its leases.
func TestObserve_fitsThePlansBudget(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		requests := b.Requests(func() {
			if _, err := ResolveSource(t.Context(), b.Region, Source{SSMParameter: rehearsal.BaseImage}); err != nil {
				t.Fatal(err)
			}
			// The plan takes what Read has just seen.
			if _, err := Observe(t.Context(), b.Region, b.state, nil); err != nil {
				t.Fatal(err)
			}
		})
		if requests > 4 {
			t.Errorf("%d requests, want at most 4", requests)
		}
	})
}

func TestApply_rebakesAndRetires(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		for i, text := range []string{"a", "b", "c"} {
			result := b.apply(script(text))
			if got := result.Line.Current().Number; got != i+1 {
				t.Errorf("%q made version %d current", text, got)
			}
		}
		b.only(2)
		b.destroy()
	})
}

func TestApply_keepsAVersionInUse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current().ImageID
		users, err := b.Region.RunInstances(t.Context(), cloud.Launch{ImageID: first, InstanceType: "t3.small", MinCount: 1, MaxCount: 1})
		if err != nil {
			t.Fatal(err)
		}
		b.apply(script("b"))
		result := b.apply(script("c"))
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Detail, users[0].ID) || len(result.Line.Versions) != 3 {
			t.Fatalf("want version 1 kept with a warning that names %s, have %v and %d versions", users[0].ID, result.Warnings, len(result.Line.Versions))
		}
		if err := b.Region.TerminateInstances(t.Context(), []string{users[0].ID}); err != nil {
			t.Fatal(err)
		}
		if result = b.apply(script("c")); len(result.Line.Versions) != 2 || len(result.Warnings) > 0 {
			t.Errorf("nothing uses it any more: %d versions, %v", len(result.Line.Versions), result.Warnings)
		}
		b.only(2)
		b.destroy()
	})
}

// A failed step or check leaves the current version as it was, and nothing
// temporary.
func TestApply_failedBake(t *testing.T) {
	for _, phase := range []string{guest.PhaseStep, guest.PhaseCheck} {
		t.Run(phase, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				b.breaks(phase)
				if result, err := b.try(script("a")); err == nil || !result.Line.Empty() {
					t.Fatalf("want a failed first bake that leaves nothing, have %v and %+v", err, result.Line)
				}
				b.only(0)
				b.breaks("")
				before := b.apply(script("a")).Line.Current()
				b.breaks(phase)
				result, err := b.try(script("b"))
				failed, ok := errors.AsType[*guest.Failure](err)
				if !ok || failed.Phase != phase || failed.ExitCode != 3 || !strings.Contains(err.Error(), "web") {
					t.Fatalf("got %v", err)
				}
				if after := result.Line.Current(); after.ImageID != before.ImageID || len(result.Line.Versions) != 1 || !after.PromotedAt.Equal(before.PromotedAt) {
					t.Errorf("the current version was %+v and is %+v", before, after)
				}
				b.only(1)
				b.breaks("")
				if got := b.apply(script("b")).Line.Current().Number; got != 2 {
					t.Errorf("once corrected, version %d is current", got)
				}
				b.destroy()
			})
		})
	}
}

// Going back to a kept version launches nothing and costs at most 8 requests, those of the
// lease among them.
func TestApply_goingBack(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current().ImageID
		b.apply(script("b"))
		options := b.options()
		requests := b.Requests(func() {
			result, err := b.run(t.Context(), script("a"), options)
			if err != nil || result.Plan.Action != Promote || result.Line.Current().ImageID != first {
				t.Fatalf("going back: %s, %v", result.Plan, err)
			}
		})
		if made := b.Lab.Books().Requests; requests > 8 || made["RunInstances"]+made["CreateImage"] > 0 {
			t.Errorf("%d requests: %v", requests, made)
		}
		b.only(2)
		b.destroy()
	})
}

// Stopped at any request, before or after its effect, with a chance to clean up: the next
// apply goes on, and nothing is left that the line does not know.
func TestApply_cutAnywhere(t *testing.T) {
	for name, cut := range map[string]rehearsal.Cut{
		"before": {}, "after": {After: true},
	} {
		t.Run(name, func(t *testing.T) {
			cutEverywhere(t, cut, script("a"), script("b"), 2)
		})
	}
}

// cutEverywhere goes from one spec to another, is cut on the way at every request in
// turn, and is then let through: then there are so many images.
func cutEverywhere(t *testing.T, cut rehearsal.Cut, from, to Spec, images int) {
	t.Helper()
	for over := false; !over; {
		cut.Request += rehearsal.Stride()
		inBakery(t, func(t *testing.T, b *bakery) {
			before, options := b.apply(from).Line.Current(), b.optionsFor(to)
			over = b.cut(cut, to, options)
			if line := b.observed(); line.Current() == nil || line.Current().Number < before.Number {
				t.Fatalf("cut at request %d: there is no current version", cut.Request)
			}
			after := b.apply(to)
			if got := after.Line.Current(); got.Number != before.Number+1 || len(after.Line.Candidates) > 0 || len(b.instances()) > 0 {
				t.Fatalf("cut at request %d: version %d is current, candidates %v, instances %v", cut.Request, got.Number, after.Line.Candidates, b.instances())
			}
			b.only(images)
			b.destroy()
		})
	}
	if cut.Request < 10 {
		t.Errorf("only %d requests were cut", cut.Request)
	}
}
