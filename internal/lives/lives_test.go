package lives

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// TestLives lives lives. A seed that fails is lived again alone, with all that happened in it:
//
//	STAMP_LIVES=1234-1234 STAMP_LIVES_LOG=1 go test ./internal/lives -run TestLives -v
func TestLives(t *testing.T) {
	seeds := seeds(t)
	counts, begun := map[string]int{}, time.Now()
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			for what, count := range live(t, seed) {
				counts[what] += count
			}
		})
	}
	out := t.Output()
	if os.Getenv("STAMP_LIVES") != "" {
		out = os.Stdout // also when all is well
	}
	_, _ = fmt.Fprintf(out, "%d seeds from %d to %d in %s: %s\n",
		len(seeds), seeds[0], seeds[len(seeds)-1], time.Since(begun).Round(time.Second), tally(counts))
}

// seeds are some; or those of STAMP_LIVES=1-2000, of which STAMP_LIVES_SHARE=1/2 takes each
// second one.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	first, last, share, of := uint64(1), uint64(quick), uint64(1), uint64(1)
	if rehearsal.Stride() == 1 {
		last = thorough
	}
	for name, into := range map[string][2]*uint64{"STAMP_LIVES": {&first, &last}, "STAMP_LIVES_SHARE": {&share, &of}} {
		given := os.Getenv(name)
		if given == "" {
			continue
		}
		if _, err := fmt.Sscanf(strings.ReplaceAll(given, "/", "-"), "%d-%d", into[0], into[1]); err != nil {
			t.Fatalf("%s=%q: want two numbers, like 1-2000: %v", name, given, err)
		}
	}
	var all []uint64
	for seed := first; seed <= last; seed++ {
		if seed%of == share%of {
			all = append(all, seed)
		}
	}
	if len(all) == 0 {
		t.Fatal("no seeds are left")
	}
	return all
}

// How many seeds go test lives, and make test.
const (
	quick    = 5
	thorough = 60
)

func tally(counts map[string]int) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s %d", what, counts[what]))
	}
	return strings.Join(all, ", ")
}

// live lives one life.
func live(t *testing.T, seed uint64) map[string]int {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	luck := rand.New(rand.NewPCG(seed, 0))
	weather := []string{"calm", "calm", "aws", "storm"}[luck.IntN(4)]
	var counts map[string]int
	inside := rehearsal.Inside{Each: time.Second}
	rehearsal.Run(t, lab.Options{Weather: weather, Seed: seed, Guests: inside.Host()}, func(t *testing.T, stage *rehearsal.Stage) {
		w := newWorld(t, stage, luck, weather)
		defer func() {
			w.zombies.Wait()
			if len(w.faults) > 0 || os.Getenv("STAMP_LIVES_LOG") != "" {
				t.Logf("seed %d, %s weather:\n%s", seed, weather, strings.Join(w.log, "\n"))
			}
			for _, fault := range w.faults {
				t.Errorf("seed %d, %s weather: %s", seed, weather, fault)
			}
			counts = w.counts
		}()
		w.live()
	})
	return counts
}

// live is a life from the first apply to the last destroy.
func (w *world) live() {
	a, b := w.ours[0], w.ours[1]
	b.onBase, a.together, b.together = w.luck.IntN(2) == 0, w.luck.IntN(3) == 0, w.luck.IntN(3) == 0
	// Where one wants less, the other may have it.
	b.line.wanted = !b.onBase || w.luck.IntN(2) == 0
	a.fleets[1].wanted, b.fleets[0].wanted = w.luck.IntN(2) == 0, w.luck.IntN(3) == 0
	for step := range 6 + w.luck.IntN(8) {
		if len(w.faults) > 0 {
			return
		}
		w.logf("--- step %d, %s", step, time.Now().Format(time.DateTime))
		space := a
		if step > 0 && w.luck.IntN(4) == 0 {
			space = b
		}
		w.step(space)
	}
	if len(w.faults) == 0 {
		w.finish()
	}
}

// step changes something, or nothing, and runs Terraform in some way.
func (w *world) step(space *workspace) {
	for range w.luck.IntN(3) {
		w.change(space)
	}
	switch w.luck.IntN(12) {
	case 0, 1, 2:
		w.count("applies")
		space.settle()
	case 3, 4, 5, 6, 7:
		w.count("applies with a blow")
		for range 1 + w.luck.IntN(2) {
			_ = space.blowOn(space.terraformApply)
		}
		space.settle()
	case 8:
		w.count("destroys with a blow")
		_ = space.blowOn(space.terraformDestroy)
		if w.luck.IntN(2) == 0 {
			space.settle()
		}
	case 9:
		w.count("destroys")
		space.clear()
	case 10:
		w.count("applies of both")
		w.both()
	default:
		w.count("applies under protection")
		what, lift := space.protect()
		space.logf("%s", what)
		_ = space.run(nothing, 0, space.terraformApply)
		lift()
		space.settle()
	}
	if w.luck.IntN(3) == 0 {
		<-time.After(time.Duration(w.luck.IntN(120)) * time.Minute)
	}
}

// change is an edit, a drift or another team's doing.
func (w *world) change(space *workspace) {
	do, what := space.edit, "edits"
	switch w.luck.IntN(8) {
	case 0:
		do, what = space.askReplace, "replaces"
	case 1, 2:
		do, what = space.drift, "drifts"
	case 3:
		do, what = space.hostile, "hostile tags"
	}
	w.count(what)
	space.logf("%s", do())
}

// blowOn runs Terraform with a blow at a request by luck.
func (w *workspace) blowOn(do func(context.Context, *process) error) error {
	how := blow(1 + w.world.luck.IntN(len(blows)-1))
	return w.run(how, 1+w.world.luck.IntN(70), do)
}

// both lets the two workspaces apply at the same time.
func (w *world) both() {
	var each sync.WaitGroup
	for _, space := range w.ours {
		how, nth := nothing, 0
		if w.luck.IntN(3) == 0 {
			how, nth = blow(1+w.luck.IntN(len(blows)-1)), 1+w.luck.IntN(70)
		}
		each.Go(func() { _ = space.run(how, nth, space.terraformApply) })
	}
	each.Wait()
	for _, space := range w.ours {
		space.settle()
	}
}
