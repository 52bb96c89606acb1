package image

import (
	"context"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// A create that fails, and lives to say so, is in state: what it has made current is no
// remainder that another configuration may take.
func TestCreate_thatFailsIsNobodyElses(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := specOf(func(s *Spec) {
			s.Distribute.Regions = map[string]string{"eu-west-1": "arn:aws:kms:us-east-1:123456789012:key/no"}
		})
		result, err := b.try(spec)
		if err == nil || result.Line.Current() == nil || result.Owner.ID == "" {
			t.Fatalf("want a first version that is current and failed to be copied, have %v, %v", result.Line, err)
		}
		options := b.options()
		options.Owner = nobody
		if _, err := Apply(t.Context(), b.Region, specOf(nil), options); err == nil {
			t.Error("another create went through")
		}
		b.destroy()
	})
}

// A create that fails and has nothing left needs no state.
func TestCreate_thatLeavesNothingHasNoOwner(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		for _, phase := range []string{guest.PhaseStep, guest.PhaseCheck} {
			b.breaks(phase)
			if result, err := b.try(script("a")); err == nil || result.Owner.ID != "" || !result.Line.Empty() {
				t.Errorf("%s: %v, the owner is %s", phase, err, result.Owner)
			}
			b.nothing(phase)
		}
		b.breaks("")
		if _, err := b.Lab.Order(lab.NoCapacity{}); err != nil {
			t.Fatal(err)
		}
		if result, err := b.try(script("a")); err == nil || result.Owner.ID != "" {
			t.Errorf("no room: %v, the owner is %s", err, result.Owner)
		}
		b.nothing("no room")
	})
}

// One that is stopped may have made what is not to be seen yet, and needs one.
func TestCreate_thatIsStoppedHasAnOwner(t *testing.T) {
	for request := 1; request < 30; request += rehearsal.Stride() {
		inWeather(t, "aws", uint64(request), func(t *testing.T, b *bakery) {
			b.MakeBucket("staging")
			b.cut(rehearsal.Cut{Request: request, After: true}, staged(), b.options())
			anHour()
			if holders, err := Holders(t.Context(), b.Region, nobody); err != nil || len(holders) > 0 && b.state.ID == "" {
				t.Fatalf("stopped at request %d: %v, nobody knows of %v", request, err, holders)
			}
			if left := b.leftovers(); b.state.ID == "" && len(left) > left["bucket"] {
				t.Fatalf("stopped at request %d: nobody knows of %v", request, b.Lab.Books().Leftovers)
			}
			removal := Removal{In: b.in, StagingBucket: "staging"}
			if _, err := Destroy(t.Context(), b.Region, b.state, removal); err != nil {
				t.Fatal(err)
			}
			if anHour(); len(b.leftovers()) > 1 {
				t.Fatalf("stopped at request %d: there is still %v", request, b.Lab.Books().Leftovers)
			}
		})
	}
}

// The same saved plan comes back after its first apply has died: what that has made is what
// was planned.
func TestCreate_bySavedPlanAgain(t *testing.T) {
	requests := 0
	inBakery(t, func(t *testing.T, b *bakery) {
		options := b.options()
		requests = b.Interrupt(rehearsal.Cut{}, func(ctx context.Context) {
			if _, err := Apply(ctx, b.Region, script("a"), options); err != nil {
				t.Fatal(err)
			}
		})
	})
	inBakery(t, func(t *testing.T, b *bakery) {
		options := b.options()
		options.Planned = &Planned{Version: 1}
		if b.cut(rehearsal.Cut{Request: requests, Dead: true}, script("a"), options) {
			t.Fatal("it was not cut")
		}
		before := b.observed()
		before = before.of(before.owner.As(before.Leases.Creating[0]))
		result, err := b.run(t.Context(), script("a"), options)
		if err != nil || before.Current() == nil || result.Line.Current().ImageID != before.Current().ImageID {
			t.Fatalf("%v; there was %+v, there is %+v", err, before.Current(), result.Line.Current())
		}
		b.only(1)
		b.destroy()
	})
}

// Beside a create that is at work, and is to follow the line, nothing is done: that is said,
// with whom to wait for and what to run then.
func TestApply_besideALivingSuccessor(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		successor, err := ownership.Begin(t.Context(), b.Region, nobody, ownership.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b.Restart()
		_, applyErr := b.try(script("b"))
		_, destroyErr := Destroy(t.Context(), b.Region, b.state, b.removal(script("a")))
		for command, err := range map[string]error{"apply": applyErr, "destroy": destroyErr} {
			failure, ok := asFailure(err)
			if !ok || !strings.Contains(failure.Next, "wait until the other apply has ended, then run terraform "+command) || !strings.Contains(err.Error(), "process") {
				t.Errorf("%s: %v", command, err)
			}
		}
		if err := successor.End(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.destroy()
	})
}
