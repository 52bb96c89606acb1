package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// scenario is a command whose process is killed.
type scenario struct {
	// there changes what is there first; without it, nothing is.
	there func(spec *Spec)
	// change is what is applied; without it, the fleet is destroyed.
	change func(stage *terraform, spec *Spec, before *Observation)
	// next, where it is not what was applied again, is what the user wants after the kill.
	next func(stage *terraform, spec *Spec, former Spec)
	// surge is how many instances there may be beyond the larger of both sizes.
	surge int
	// ends is set when the fleet is destroyed after the kill.
	ends bool
	// atOnce is set when the next command comes at once, and not when a lease is stale.
	atOnce bool
}

var scenarios = map[string]scenario{
	"create": {change: func(*terraform, *Spec, *Observation) {}},
	"grow": {
		there:  func(*Spec) {},
		change: func(_ *terraform, spec *Spec, _ *Observation) { spec.Size = 5 },
	},
	"grow, and then destroy": {
		there:  func(*Spec) {},
		change: func(_ *terraform, spec *Spec, _ *Observation) { spec.Size = 5 },
		ends:   true,
	},
	"shrink": {
		there:  func(spec *Spec) { spec.TerminationProtection = true },
		change: func(_ *terraform, spec *Spec, _ *Observation) { spec.Size = 1 },
	},
	"repair": {
		there: func(*Spec) {},
		change: func(stage *terraform, _ *Spec, before *Observation) {
			_, _ = stage.Lab.SetState(idOf(before, 0), "terminated"), stage.Lab.SetState(idOf(before, 1), "stopped")
		},
		surge: 2,
	},
	"roll with a canary": {
		there:  func(spec *Spec) { spec.Rollout.Canary, spec.Rollout.Soak = 1, minute },
		change: func(stage *terraform, spec *Spec, _ *Observation) { spec.ImageID = stage.OtherImageID() },
		surge:  2,
	},
	"roll back": {
		there: func(spec *Spec) { spec.Rollout.Canary, spec.Rollout.Soak, spec.Health.Grace = 1, minute, 0 },
		change: func(stage *terraform, spec *Spec, _ *Observation) {
			spec.ImageID = stage.OtherImageID()
			// The canary is ready, and fails in its soak.
			stage.Order(lab.Impair{Image: spec.ImageID, AfterSeconds: 30})
		},
		next: func(stage *terraform, spec *Spec, former Spec) {
			stage.Lab.LiftAll()
			*spec = former
		},
		surge: 2,
	},
	"in place": {
		there: func(*Spec) {},
		change: func(stage *terraform, spec *Spec, _ *Observation) {
			spec.Tags, spec.TerminationProtection, spec.StopProtection = map[string]string{"App": "web"}, true, true
			spec.Monitoring, spec.Metadata.HopLimit, spec.TargetGroupARNs = true, 2, []string{stage.TargetGroup("web")}
		},
	},
	"root volumes": {
		there: func(spec *Spec) {
			spec.Rollout.Strategy, spec.Rollout.MaxUnavailable = StrategyRootVolume, Amount{2, false}
		},
		change: func(stage *terraform, spec *Spec, _ *Observation) { spec.ImageID = stage.OtherImageID() },
	},
	"destroy": {there: func(spec *Spec) { spec.TerminationProtection = true }},
}

// kill is where a process dies.
type kill struct {
	nth   int
	after bool
}

// kills calls play with the places where a process may die, as far apart as the stride
// says, until it does not come so far.
func kills(t *testing.T, stride int, play func(at kill) (died bool)) (cases int) {
	t.Helper()
	for _, after := range []bool{false, true} {
		for nth := 1; play(kill{nth, after}); nth += stride {
			if cases++; nth > 150 {
				t.Fatal("a command for three instances makes more than 150 requests")
			}
		}
	}
	return cases
}

// A process is killed at each request of each kind of command, before and after the request
// has its effect. The next apply, or destroy, as Terraform would do it, finishes the work:
// every slot has one instance, there are never more than size and surge, and nothing is
// left that it does not know.
func TestKill(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			cases := kills(t, rehearsal.Stride(), func(at kill) bool { return scenario.dies(t, lab.Options{Seed: uint64(at.nth)}, 3, at) })
			t.Logf("%d cases in %s", cases, time.Since(begun).Round(time.Millisecond))
		})
	}
}

// The same where what was made is not visible at once, and the next command comes at once:
// it is on the same machine, and finds that the process is gone.
func TestKill_eventualConsistency(t *testing.T) {
	rehearsal.OnlyThorough(t)
	for _, name := range []string{"create", "grow", "grow, and then destroy", "repair", "roll with a canary", "destroy"} {
		t.Run(name, func(t *testing.T) {
			begun, scenario := time.Now(), scenarios[name]
			scenario.atOnce = true
			cases := kills(t, 3, func(at kill) bool {
				return scenario.dies(t, lab.Options{Weather: "aws", Seed: uint64(at.nth)}, 3, at)
			})
			t.Logf("%d cases in %s", cases, time.Since(begun).Round(time.Millisecond))
		})
	}
}

// bury makes it look as if the process that holds a lease had run on this machine, and were
// gone. In truth it is this one.
func bury(t *testing.T, stage *terraform, watch *watchman) {
	t.Helper()
	ours := regexp.MustCompile(`pid=\d+ start=\d*`)
	for _, left := range stage.Lab.Books().Leftovers {
		if left.Type != "launch-template" {
			continue
		}
		found, err := watch.spectator.LaunchTemplates(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, template := range found {
			latest, _, err := watch.spectator.LatestVersion(t.Context(), template.Name)
			if err != nil {
				t.Fatal(err)
			}
			gone := ours.ReplaceAllString(latest.Description, "pid=4194305 start=1")
			if _, err := watch.spectator.CreateLaunchTemplateVersion(t.Context(), latest.ID, gone, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Two kills in a row, for the shortest commands.
func TestKill_twice(t *testing.T) {
	for _, name := range []string{"create", "shrink", "destroy"} {
		t.Run(name, func(t *testing.T) {
			begun, cases := time.Now(), 0
			kills(t, rehearsal.Stride(), func(first kill) (died bool) {
				kills(t, rehearsal.Stride(), func(second kill) (diedTwice bool) {
					cases++
					kills := scenarios[name].plays(t, lab.Options{Seed: uint64(first.nth)}, 2, first, second)
					died = kills > 0
					return kills == 2
				})
				return died
			})
			t.Logf("%d cases in %s", cases, time.Since(begun).Round(time.Millisecond))
		})
	}
}

func (s scenario) dies(t *testing.T, options lab.Options, size int, at kill) bool {
	t.Helper()
	return s.plays(t, options, size, at) > 0
}

// plays kills the command's process, and the next ones', and checks what is there in the
// end. It returns how many processes have died.
func (s scenario) plays(t *testing.T, options lab.Options, size int, at ...kill) (died int) {
	t.Helper()
	onStage(t, options, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Slots, spec.Rollout.MaxSurge = size, &Slots{Hostname: "web-%d"}, Amount{2, false}
		var former *Spec
		var before *Observation
		most := spec.Size
		if s.there != nil {
			s.there(&spec)
			was := spec
			former, before, most = &was, applied(t, stage, spec, nil), spec.Size
		}
		if s.change != nil {
			s.change(stage, &spec, before)
		}
		watch := newWatchman(t, stage)
		for _, kill := range at {
			if !stage.Kill(kill.nth, kill.after, func(ctx context.Context) { s.command(ctx, t, stage, watch, spec, former) }) {
				break
			}
			died++
			if s.atOnce {
				bury(t, stage, watch)
			} else {
				<-time.After(10 * minute) // so that a lease which is left is stale at first sight
			}
		}
		if died > 0 {
			if s.next != nil {
				s.next(stage, &spec, *former)
			}
			s.finishes(t, stage, watch, spec, former)
		}
		if most = max(most, spec.Size) + s.surge; watch.most > most {
			t.Errorf("there were %d instances, want at most %d", watch.most, most)
		}
		if t.Failed() {
			t.Logf("killed at %v", at)
		}
	})
	return died
}

// command is what Terraform does with what its state has: after a create that was killed,
// nothing, since a provider that is killed writes nothing down.
func (s scenario) command(ctx context.Context, t *testing.T, stage *terraform, watch *watchman, spec Spec, former *Spec) {
	t.Helper()
	aws := watch.over(stage)
	if s.change == nil {
		_, _ = Destroy(ctx, aws, former.watch(stage.owner), nil)
		return
	}
	_, _ = Apply(ctx, aws, spec, Options{Owner: stage.owner, Previous: former})
}

// finishes does what Terraform does next, and then destroys what is there.
func (s scenario) finishes(t *testing.T, stage *terraform, watch *watchman, spec Spec, former *Spec) {
	t.Helper()
	if s.change == nil || s.ends {
		destroyed(t, stage, spec)
		return
	}
	observed, err := stage.apply(t.Context(), watch.over(stage), spec, former)
	switch {
	case errors.Is(err, ErrExists) && s.there == nil:
		// Killed between its very last request and what Terraform writes down.
		imported(t, stage, spec)
		observed = observe(t, stage, spec)
	case err != nil:
		t.Fatalf("the next apply: %v", err)
	}
	if plan := NewPlan(spec, observe(t, stage, spec)); !plan.Empty() || len(observed.Members) != spec.Size {
		t.Errorf("%d members, and there is something to do: %s", len(observed.Members), plan)
	}
	destroyed(t, stage, spec)
}

// watchman counts instances at every launch, by a line of his own that is not cut.
type watchman struct {
	t         *testing.T
	spectator *cloud.Region
	tags      cloud.Tags
	most      int
}

func newWatchman(t *testing.T, stage *terraform) *watchman {
	return &watchman{t: t, spectator: stage.Abroad("lab", ""), tags: stage.owner.Index()}
}

func (w *watchman) over(stage *terraform) AWS { return watched{stage.Region, w} }

type watched struct {
	*cloud.Region
	watchman *watchman
}

func (w watched) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	launched, err := w.Region.RunInstances(ctx, launch)
	live, describeErr := w.watchman.spectator.Instances(context.WithoutCancel(ctx), cloud.InstanceQuery{Tags: w.watchman.tags})
	if describeErr != nil {
		w.watchman.t.Error(fmt.Errorf("the watchman: %w", describeErr))
	}
	w.watchman.most = max(w.watchman.most, len(live))
	return launched, err
}
