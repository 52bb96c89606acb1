package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// scenario is an apply, or a destroy, that is killed on its way.
type scenario struct {
	// before are applied first; then comes to.
	before []Spec
	to     Spec
	// destroy destroys instead.
	destroy bool
	// fails is the phase that fails in the apply that is killed, and in the next; not in the
	// one after that.
	fails string
	// images are there in the end, and builders were launched at most, when nobody is killed.
	images, builders int
}

// versions of one line.
func withParameter(spec Spec) Spec {
	spec.Distribute.Parameter = "/golden/web"
	return spec
}

func everywhere(text string) Spec {
	spec := script(text)
	spec.Distribute = handedOut(func(s *Spec) { s.Distribute.Snapshots = true }).Distribute
	return withParameter(spec)
}

func unshared(text string) Spec {
	spec := everywhere(text)
	spec.Distribute.Permissions, spec.Distribute.Snapshots = cloud.Permissions{}, false
	return spec
}

func shared() Spec {
	spec := script("a")
	spec.Distribute.Permissions = handedOut(nil).Distribute.Permissions
	return spec
}

func retaining(spec Spec, versions int) Spec {
	spec.Capture.RetainVersions = versions
	return spec
}

func protecting(spec Spec) Spec {
	spec.Capture.Protect = true
	return spec
}

var scenarios = map[string]scenario{
	"first bake":                    {to: withParameter(script("a")), images: 1, builders: 1},
	"rebake":                        {before: []Spec{script("a")}, to: script("b"), images: 2, builders: 2},
	"failed check":                  {before: []Spec{script("a")}, to: script("b"), fails: guest.PhaseCheck, images: 2, builders: 4},
	"rebake with copies and shares": {before: []Spec{everywhere("a")}, to: everywhere("b"), images: 6, builders: 2},
	"going back":                    {before: []Spec{script("a"), script("b")}, to: script("a"), images: 2, builders: 2},
	"retention":                     {before: []Spec{protecting(script("a")), protecting(script("b"))}, to: retaining(protecting(script("b")), 1), images: 1, builders: 2},
	"un-share":                      {before: []Spec{everywhere("a")}, to: unshared("a"), images: 3, builders: 1},
	"destroy":                       {before: []Spec{everywhere("a")}, to: everywhere("a"), destroy: true},
}

// shortest are the scenarios of which every pair of requests is cut.
var shortest = map[string]scenario{
	"going back": scenarios["going back"],
	"un-share":   {before: []Spec{shared()}, to: script("a"), images: 1, builders: 1},
	"destroy":    {before: []Spec{withParameter(shared())}, to: withParameter(shared()), destroy: true},
}

// kill is where a process is killed.
type kill struct {
	request int
	after   bool
}

func (k kill) String() string {
	if k.after {
		return fmt.Sprintf("after request %d", k.request)
	}
	return fmt.Sprintf("before request %d", k.request)
}

// Killed at each request, before or after its effect: the next apply, as Terraform would run
// it, ends as if nothing had happened, and a destroy leaves nothing.
func TestKilled_anywhere(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			cases := 0
			for _, after := range []bool{false, true} {
				for at, over := (kill{after: after}), false; !over; cases++ {
					at.request += rehearsal.Stride()
					over = scenarios[name].play(t, at)
				}
			}
			if t.Logf("%d cases", cases); cases < 4 {
				t.Errorf("only %d kills", cases)
			}
		})
	}
}

// Killed once, and on the way again once more: after a request, which for who comes next is
// the same as before the one that would have followed.
func TestKilled_twice(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(shortest)) {
		t.Run(name, func(t *testing.T) {
			cases := 0
			for first, over := (kill{after: true}), false; !over; {
				first.request += rehearsal.Stride()
				over = shortest[name].play(t, first)
				for second, ended := (kill{after: true}), over; !ended; cases++ {
					second.request += rehearsal.Stride()
					ended = shortest[name].play(t, first, second)
				}
			}
			t.Logf("%d cases", cases)
		})
	}
}

// play goes through a scenario with kills, and reports whether the last of them came too
// late.
func (s scenario) play(t *testing.T, kills ...kill) (over bool) {
	t.Helper()
	inBakery(t, func(t *testing.T, b *bakery) {
		for _, spec := range s.before {
			b.apply(spec)
		}
		b.breaks(s.fails)
		for i, at := range kills {
			// Who waits for a sign of life makes nothing: some do not have to.
			if over = b.killed(at, s); i+1 < len(kills) || !at.after {
				anHour()
			}
			b.Restart()
		}
		if s.destroy {
			s.gone(t, b, kills)
			return
		}
		if s.fails != "" {
			b.tryAgain(s.to)
			b.breaks("")
		}
		result := b.tryAgain(s.to)
		if line := b.observed(); !line.agrees(result.Line) || len(line.Candidates)+len(line.instances())+len(line.Orphans)+len(line.Foreign)+len(line.Others) > 0 {
			t.Fatalf("%v: the line is %+v", kills, line)
		}
		b.settled(kills, s)
		s.gone(t, b, kills)
	})
	return over
}

// killed applies or destroys, and is killed on the way.
func (b *bakery) killed(at kill, s scenario) (late bool) {
	b.t.Helper()
	cut := rehearsal.Cut{Request: at.request, After: at.after, Dead: true}
	if !s.destroy {
		return b.cut(cut, s.to, b.optionsFor(s.to))
	}
	made := b.Interrupt(cut, func(ctx context.Context) {
		_, err := Destroy(ctx, b.Region, b.state, b.removal(s.to))
		late = err == nil
	})
	return late || made < at.request
}

func (b *bakery) removal(spec Spec) Removal {
	return Removal{In: b.in, Regions: slices.Collect(maps.Keys(spec.Distribute.Regions)), Parameter: spec.Distribute.Parameter}
}

// tryAgain applies as Terraform would after a kill. What had ended when its process was
// killed is imported, and then there is nothing to do.
func (b *bakery) tryAgain(spec Spec) Result {
	b.t.Helper()
	result, err := b.try(spec)
	if !errors.Is(err, ErrExists) {
		if err != nil && b.fails == "" {
			b.t.Fatal(err)
		}
		return result
	}
	holders, err := Holders(b.t.Context(), b.Region, nobody)
	if err != nil || len(holders) != 1 || holders[0].Creating {
		b.t.Fatalf("%v, holders are %+v", err, holders)
	}
	b.state = nobody.As(holders[0].OwnerID)
	if result = b.apply(spec); !result.Plan.Empty() {
		b.t.Fatalf("after the import there is still to do: %s", result.Plan)
	}
	return result
}

// settled fails the test unless all is as if nobody had been killed, but for one builder.
func (b *bakery) settled(kills []kill, s scenario) {
	b.t.Helper()
	left := b.leftovers()
	delete(left, "parameter")
	if left["image"] != s.images || left["snapshot"] != s.images || len(left) != 2 {
		b.t.Fatalf("%v: want %d images with a snapshot each and nothing else, have %v", kills, s.images, b.Lab.Books().Leftovers)
	}
	if name := s.to.Distribute.Parameter; name != "" && b.holds(name) != b.observed().Current().ImageID {
		b.t.Fatalf("%v: the parameter holds %q", kills, b.holds(name))
	}
	b.mu.Lock()
	builders := len(b.builders)
	b.mu.Unlock()
	if builders < min(s.builders, 1) || builders > s.builders+len(kills) {
		b.t.Errorf("%v: %d builders, want at most %d", kills, builders, s.builders+len(kills))
	}
	if plan := b.planned(s.to); !plan.Empty() {
		b.t.Errorf("%v: afterwards there is still to do: %s", kills, plan)
	}
}

// gone destroys what is left, of which nothing stays.
func (s scenario) gone(t *testing.T, b *bakery, kills []kill) {
	t.Helper()
	if _, err := Destroy(t.Context(), b.Region, b.state, b.removal(s.to)); err != nil {
		t.Fatalf("%v: %v", kills, err)
	}
	if left := b.Lab.Books().Leftovers; len(left) > 0 {
		t.Fatalf("%v: after the destroy there is still %v", kills, left)
	}
}
