package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// The create of a successor, beside the fleet that it replaces, is killed at each request.
// The next create goes on with it; or the old fleet's next apply, or its destroy, clears it.
// The old fleet keeps all its instances until it is destroyed itself, and the new one then.
func TestKill_successor(t *testing.T) {
	follow := map[string]func(t *testing.T, old, successor *terraform, spec Spec){
		"create again": func(t *testing.T, old, successor *terraform, spec Spec) {
			t.Helper()
			observed, err := successor.replace(t.Context(), spec, old)
			if errors.Is(err, ErrExists) { // killed at its very last request
				finished(t, old, spec)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := old.destroy(t.Context(), old.Region, spec); err != nil {
				t.Fatal(err)
			}
			after := observe(t, successor, spec)
			if plan := NewPlan(spec, after); !plan.Empty() || idOf(after, 0) != idOf(observed, 0) {
				t.Errorf("the new one has to do: %s", plan)
			}
			destroyed(t, successor, spec)
		},
		"the old one's apply": func(t *testing.T, old, _ *terraform, spec Spec) {
			t.Helper()
			before := observe(t, old, spec)
			after := applied(t, old, spec, &spec)
			if idOf(after, 0) != idOf(before, 0) || idOf(after, 1) != idOf(before, 1) {
				t.Error("the old one has other instances")
			}
			finished(t, old, spec)
		},
		"the old one's destroy": func(t *testing.T, old, _ *terraform, spec Spec) {
			t.Helper()
			finished(t, old, spec)
		},
	}
	for name, next := range follow {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			cases := kills(t, rehearsal.Stride(), func(at kill) (died bool) {
				onStage(t, lab.Options{Seed: uint64(at.nth)}, func(t *testing.T, stage *terraform, spec Spec) {
					spec.Size = 2
					applied(t, stage, spec, nil)
					successor, watch := stage.beside(), newWatchman(t, stage)
					died = stage.Kill(at.nth, at.after, func(ctx context.Context) {
						_, _ = Apply(ctx, watch.over(stage), spec, Options{Owner: successor.owner, Known: knowing(stage.owner.ID)})
					})
					if died {
						<-time.After(10 * minute)
						next(t, stage, successor, spec)
					}
					if watch.most > 2*spec.Size {
						t.Errorf("there were %d instances", watch.most)
					}
					if t.Failed() {
						t.Logf("killed at %v", at)
					}
				})
				return died
			})
			t.Logf("%d cases in %s", cases, time.Since(begun).Round(time.Millisecond))
		})
	}
}

// finished destroys the old fleet. A successor that had ended, and of which no state knows,
// is whole: it is imported, and destroyed too.
func finished(t *testing.T, old *terraform, spec Spec) {
	t.Helper()
	before := observe(t, old, spec)
	whole := len(before.Others) > 0 && len(before.Leases.Creating) == 0
	warnings, err := old.destroy(t.Context(), old.Region, spec)
	if err != nil {
		t.Fatal(err)
	}
	if told := strings.Contains(fmt.Sprint(warnings), "What was to replace fleet"); told != whole {
		t.Errorf("a successor is left: %t; it is told: %t, %v", whole, told, warnings)
	}
	if whole {
		successor := old.beside()
		imported(t, successor, spec)
		destroyed(t, successor, spec)
	}
	nothingLeft(t, old)
}

// What a dead create has left that was to follow a fleet is not for a state that does not
// know that fleet: it stays for the one that does.
func TestApply_deadSuccessorOfAnUnknownFleet(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		applied(t, stage, spec, nil)
		dead := stage.beside()
		stage.Interrupt(rehearsal.Cut{Request: 12, Dead: true}, func(ctx context.Context) { _, _ = dead.replace(ctx, spec, stage) })
		stage.Restart()
		<-time.After(10 * minute)
		stranger := stage.beside()
		if _, err := stranger.apply(t.Context(), stage.Region, spec, nil); !errors.Is(err, ErrExists) || stranger.owner.ID != "" {
			t.Errorf("%v, and the stranger's state has %q", err, stranger.owner.ID)
		}
		<-time.After(10 * minute)
		destroyed(t, stage, spec)
	})
}
