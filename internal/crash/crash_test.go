//go:build linux

package crash

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// tally counts the cases by what was going on.
type tally struct {
	mu    sync.Mutex
	cases map[string]int
}

func (c *tally) count(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cases[what]++
}

// Terraform, the provider or both are killed at a request of each apply of a life, before
// or after that had its effect. The next apply of the same configuration succeeds by itself
// and leaves what an apply leaves that nobody has killed; the destroy leaves nothing.
// make crash does so at each request; by itself this is a sample.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts hundreds of processes")
	}
	counted, begun := &tally{cases: map[string]int{}}, time.Now()
	t.Cleanup(func() {
		all := 0
		for _, what := range slices.Sorted(maps.Keys(counted.cases)) {
			t.Logf("%4d × %s", counted.cases[what], what)
			all += counted.cases[what]
		}
		t.Logf("%d cases in %s", all, time.Since(begun).Round(time.Second))
	})
	for _, kind := range []struct {
		name         string
		replaceFirst bool
	}{{"destroy first", false}, {"create before destroy", true}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			all := stages(kind.replaceFirst)
			lengths := measured(t, all)
			for _, at := range cuts(slices.Max(lengths)) {
				t.Run(at.String(), func(t *testing.T) {
					t.Parallel()
					lives(t, all, lengths, at, counted)
				})
			}
		})
	}
}

// measured plays all stages without a cut, and returns how many requests each makes.
func measured(t *testing.T, all []stage) []int {
	t.Helper()
	l := newLife(t)
	lengths := make([]int, len(all))
	for i, s := range all {
		asked, _ := l.play(t, s, cut{})
		lengths[i] = len(asked)
	}
	return lengths
}

// cuts are those of a run of so many requests; a sample of them unless all are wanted.
func cuts(requests int) []cut {
	var all []cut
	for request := 1; request <= requests; request++ {
		for _, after := range []bool{false, true} {
			all = append(all,
				cut{request, after, everybody, false}, cut{request, after, terraformAlone, false}, cut{request, after, providerAlone, false},
				cut{request, after, everybody, true})
		}
	}
	step := step()
	var some []cut
	for i := first(step); i < len(all); i += step {
		some = append(some, all[i])
	}
	return some
}

// first is the cut to begin with. With steps of 8, it chooses one kind at each request.
func first(step int) int {
	if wanted, err := strconv.Atoi(os.Getenv("STAMP_CRASH_FIRST")); err == nil && wanted >= 0 {
		return wanted
	}
	return step / 2
}

// step is how far apart the cuts are that are tried. An odd one brings up all kinds.
func step() int {
	const sample = 129
	if wanted, err := strconv.Atoi(os.Getenv("STAMP_CRASH_STEP")); err == nil && wanted > 0 {
		return wanted
	}
	if rehearsal.Stride() == 1 {
		return 1
	}
	return sample
}

// lives plays the stages one after the other, each with the same cut. After a failure what
// follows has a new life.
func lives(t *testing.T, all []stage, lengths []int, at cut, counted *tally) {
	t.Helper()
	whole := t // a life ends with all stages
	var l *life
	played := 0
	for i, s := range all {
		if at.request > lengths[i] {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if l == nil {
				l, played = newLife(whole), 0
			}
			for ; played < i; played++ {
				l.play(t, all[played], cut{})
			}
			played++
			before := l
			l = nil
			_, struck := before.play(t, s, at)
			if l = before; struck {
				counted.count(fmt.Sprintf("%s, %s", s.name, at.kind()))
			}
		})
	}
}
