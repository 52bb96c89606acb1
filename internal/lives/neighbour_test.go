package lives

import (
	"context"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// A neighbour who uses four fifths of every token bucket of the account makes a bake and a
// fleet slower. Nothing else differs: no error, the same versions and members, and nothing
// that was launched or captured in vain.
func TestNeighbour(t *testing.T) {
	rehearsal.OnlyThorough(t)
	const size = 600
	alone, beside := crowded(t, 0, size), crowded(t, 0.8, size)
	t.Logf("a bake takes %s alone and %s beside the neighbour; a fleet of %d is there after %s and %s, and rolled after %s and %s; %d and %d requests were throttled",
		alone.bake, beside.bake, size, alone.create, beside.create, alone.roll, beside.roll, alone.throttled, beside.throttled)
	if !maps.Equal(alone.made, beside.made) {
		t.Errorf("beside the neighbour it took %v, alone %v", beside.made, alone.made)
	}
	if beside.create <= alone.create || beside.throttled <= alone.throttled {
		t.Error("the neighbour makes no difference: the test keeps nothing")
	}
}

// done is what a bake and a fleet have taken.
type done struct {
	bake, create, roll time.Duration
	// made counts what was made, by the calls that make things.
	made      map[string]int
	throttled int
}

// crowded bakes, launches a fleet, and rolls it to the next version.
func crowded(t *testing.T, neighbour float64, size int) (took done) {
	t.Helper()
	inside := rehearsal.Inside{Each: time.Second}
	rehearsal.Run(t, lab.Options{Weather: "aws", Seed: 1, Neighbour: neighbour, Guests: inside.Host()}, func(t *testing.T, stage *rehearsal.Stage) {
		w := newWorld(t, stage, rand.New(rand.NewPCG(1, 1)), "aws")
		a := w.ours[0]
		a.fleets[1].wanted = false
		a.crews[0].wants.Size = size
		a.crews[0].wants.Rollout.MaxSurge = fleet.Amount{Number: 50, Percent: true}
		timed := func(do func(context.Context, *process) error) time.Duration {
			begun := time.Now()
			if err := a.run(nothing, 0, do); err != nil {
				t.Error(err)
			}
			return time.Since(begun)
		}
		took.bake = timed(func(ctx context.Context, p *process) error { return a.apply(ctx, p, a.line) })
		took.create = timed(a.terraformApply)
		a.recipe.wants.Bake.Steps[0].Script = "b"
		took.roll = timed(a.terraformApply)
		<-time.After(5 * time.Minute)
		for _, problem := range append(a.unrest(), w.faults...) {
			t.Errorf("with a neighbour of %g: %s", neighbour, problem)
		}
		took.made = w.everything()
		for _, count := range stage.Lab.Books().Throttled {
			took.throttled += count
		}
		a.clear()
	})
	return took
}

// everything counts what is there, by its type, and the instances that were ended.
func (w *world) everything() map[string]int {
	all := map[string]int{}
	for _, left := range w.learn() {
		all[left.Type]++
	}
	all["ended"] = len(w.ended)
	return all
}
