package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// beside is a second object of the same name, in the same or another state.
func (tf *terraform) beside() *terraform { return &terraform{tf.Stage, tf.owner.As("")} }

// knowing is a Known that knows these.
func knowing(ids ...string) func(string) bool {
	return func(id string) bool { return slices.Contains(ids, id) }
}

// replace creates a fleet that follows another one of its name.
func (tf *terraform) replace(ctx context.Context, spec Spec, predecessor *terraform) (*Observation, error) {
	outcome, err := Apply(ctx, tf.Region, spec, Options{Owner: tf.owner, Known: knowing(predecessor.owner.ID)})
	tf.owner = outcome.Owner
	return outcome.Observed, err
}

// With create_before_destroy the new fleet stands beside the old one, under the same name
// and in the same target group, and stays whole when that one goes.
func TestApply_createBeforeDestroy(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.TargetGroupARNs = []string{stage.TargetGroup("web")}
		before := applied(t, stage, spec, nil)
		successor := stage.beside()
		observed, err := successor.replace(t.Context(), spec, stage)
		if err != nil || len(observed.Members) != 3 || idOf(observed, 0) == idOf(before, 0) {
			t.Fatalf("%v, %+v", err, observed)
		}
		watch := spec.watch(stage.owner)
		watch.Known = knowing(successor.owner.ID)
		got, err := Observe(t.Context(), stage.Region, watch)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.all()) != 3 || !slices.Equal(got.Others, []string{successor.owner.ID}) || !NewPlan(spec, got).Empty() {
			t.Errorf("the old one sees %d instances, others %v, and has to do: %s", len(got.all()), got.Others, NewPlan(spec, got))
		}
		if _, err := stage.destroy(t.Context(), stage.Region, spec); err != nil {
			t.Fatal(err)
		}
		after := observe(t, successor, spec)
		if plan := NewPlan(spec, after); !plan.Empty() || idOf(after, 2) != idOf(observed, 2) || len(after.Others) > 0 {
			t.Errorf("the new one has to do: %s", plan)
		}
		healthy(t, stage, spec.TargetGroupARNs[0], after)
		destroyed(t, successor, spec)
	})
}

// A fleet of that name which no state here knows is an error that shows how to import it.
func TestApply_secondOwner(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		applied(t, stage, spec, nil)
		second := stage.beside()
		requests := stage.Requests(func() {
			observed, err := second.apply(t.Context(), stage.Region, spec, nil)
			if !errors.Is(err, ErrExists) || observed != nil || second.owner.ID != "" {
				t.Errorf("got %v and %v for %s, want ErrExists alone", observed, err, second.owner)
			}
			for _, want := range []string{"3 instances (us-east-1), of owner " + stage.owner.ID, "nothing was changed", "import {\n  to = ADDRESS\n  id = \"web@us-east-1\"\n}"} {
				if advice := adviceOf(t, err); !strings.Contains(advice, want) {
					t.Errorf("want %q in\n%s", want, advice)
				}
			}
		})
		t.Logf("%d requests", requests)
		imported(t, second, spec)
		destroyed(t, second, spec)
	})
}

// imported takes a fleet over that one owner holds, and has nothing to do then.
func imported(t *testing.T, stage *terraform, spec Spec) {
	t.Helper()
	holders, err := Holders(t.Context(), stage.Region, stage.owner)
	if err != nil || len(holders) != 1 || holders[0].Creating || holders[0].What != instances(spec.Size) {
		t.Fatalf("%v, holders %+v", err, holders)
	}
	stage.owner.ID = holders[0].OwnerID
	if plan := NewPlan(spec, observe(t, stage, spec)); !plan.Empty() {
		t.Errorf("after an import there is something to do: %s", plan)
	}
}

// Two creates of one name at the same time, in one process or in two: one succeeds, the
// other says who is at work, or that the fleet exists.
func TestApply_twoAtOnce(t *testing.T) {
	for _, name := range []string{"one process", "two processes"} {
		t.Run(name, func(t *testing.T) {
			onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
				runs := []*terraform{stage, stage.beside()}
				regions := []AWS{stage.Region, stage.Region}
				if name == "two processes" {
					stage.Restart()
					regions[1] = stage.Region
				}
				errs := make([]error, 2)
				var wait sync.WaitGroup
				for i := range runs {
					wait.Go(func() { _, errs[i] = runs[i].apply(t.Context(), regions[i], spec, nil) })
				}
				wait.Wait()
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("got %v and %v, want one success", errs[0], errs[1])
				}
				winner, loser := 0, 1
				if errs[0] != nil {
					winner, loser = 1, 0
				}
				_, held := errors.AsType[*ownership.HeldError](errs[loser])
				if !held && !errors.Is(errs[loser], ErrExists) || runs[loser].owner.ID != "" {
					t.Errorf("the second got %v and owner %s", errs[loser], runs[loser].owner)
				}
				if held && !strings.Contains(adviceOf(t, errs[loser]), "wait until it has ended, then run terraform apply again") {
					t.Error(adviceOf(t, errs[loser]))
				}
				if observed := observe(t, runs[winner], spec); !NewPlan(spec, observed).Empty() || len(observed.Others)+len(observed.Surplus) > 0 {
					t.Errorf("there is %+v", observed)
				}
				destroyed(t, runs[winner], spec)
			})
		})
	}
}

// An update or a destroy waits for nobody that is at work in another process.
func TestApply_heldByAnotherProcess(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		applied(t, stage, spec, nil)
		here := stage.Region
		stage.Restart()
		next := spec
		next.ImageID = stage.OtherImageID()
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := Apply(t.Context(), here, next, Options{Owner: stage.owner, Previous: &spec}); err != nil {
				t.Error(err)
			}
		})
		<-time.After(minute)
		outcome, err := Apply(t.Context(), stage.Region, spec, Options{Owner: stage.owner})
		if _, held := errors.AsType[*ownership.HeldError](err); !held || outcome.Owner != stage.owner {
			t.Errorf("got %v and %s", err, outcome.Owner)
		}
		_, err = Destroy(t.Context(), stage.Region, spec.watch(stage.owner), nil)
		if _, held := errors.AsType[*ownership.HeldError](err); !held || !strings.Contains(adviceOf(t, err), "then run terraform destroy again") {
			t.Errorf("got %v", err)
		}
		wait.Wait()
		destroyed(t, stage, next)
	})
}

// An apply that was silent for too long, and whose work another one has taken over, leaves
// everything as it is, and its create leaves no owner to the state.
func TestApply_lostItsLease(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.MaxSurge = Amount{3, false}
		applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		silent := &silence{Region: stage.Region}
		_, err := Apply(t.Context(), silent, next, Options{Owner: stage.owner, Previous: &spec, Progress: func(line string) {
			if strings.HasPrefix(line, "launched") {
				silent.begun.Store(true)
			}
		}})
		if !errors.Is(err, ownership.ErrLost) || !strings.Contains(adviceOf(t, err), "nothing was cleaned up") {
			t.Errorf("got %v", err)
		}
		if observed := observe(t, stage, spec); len(observed.all()) != 6 {
			t.Errorf("%d instances are left, want all 6", len(observed.all()))
		}
		applied(t, stage, next, &spec)
		destroyed(t, stage, next)

		created := stage.beside()
		silent = &silence{Region: stage.Region}
		silent.begun.Store(true)
		_, err = created.apply(t.Context(), silent, spec, nil)
		if !errors.Is(err, ownership.ErrLost) || created.owner.ID != "" {
			t.Errorf("got %v, and the state has %s", err, created.owner)
		}
		applied(t, created, spec, nil)
		if observed := observe(t, created, spec); len(observed.Others) > 0 {
			t.Errorf("others have something: %v", observed.Others)
		}
		destroyed(t, created, spec)
	})
}

// silence is a network on which, once it has begun, signs of life do not arrive, and an
// apply waits.
type silence struct {
	*cloud.Region
	begun atomic.Bool
}

func (s *silence) CreateLaunchTemplateVersion(ctx context.Context, id, description, clientToken string) (int, error) {
	if s.begun.Load() {
		return 0, errors.New("nobody hears this")
	}
	return s.Region.CreateLaunchTemplateVersion(ctx, id, description, clientToken)
}

// Statuses are never those of a fleet that is ready.
func (s *silence) Statuses(ctx context.Context, query cloud.StatusQuery) ([]cloud.InstanceStatus, error) {
	if s.begun.Load() {
		return nil, nil
	}
	return s.Region.Statuses(ctx, query)
}

// A create that was to replace a fleet and died has left instances beside it: the old
// fleet's next apply, or its destroy, clears them, unless a state has them.
func TestApply_clearsADeadSuccessor(t *testing.T) {
	for name := range clears {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				applied(t, stage, spec, nil)
				dead := stage.beside()
				stage.Interrupt(rehearsal.Cut{Request: 12, Dead: true}, func(ctx context.Context) { _, _ = dead.replace(ctx, spec, stage) })
				stage.Restart()
				before := observe(t, stage, spec)
				if len(before.Others) != 1 {
					t.Fatalf("the dead create has left %v", before.Others)
				}
				<-time.After(10 * minute)
				watch := spec.watch(stage.owner)
				if name == "known to a state" {
					watch.Known = knowing(before.Others...)
				}
				observed, err := Observe(t.Context(), stage.Region, watch)
				if err != nil {
					t.Fatal(err)
				}
				plan := NewPlan(spec, observed)
				if want := name != "known to a state"; len(plan.Left) > 0 != want || plan.Empty() == want {
					t.Fatalf("the plan is: %s", plan)
				}
				clears[name](t, stage, dead, spec, observed)
			})
		})
	}
}

// clears are the ways in which what a dead successor has left is cleared, or stays.
var clears = map[string]func(t *testing.T, stage, dead *terraform, spec Spec, before *Observation){
	"apply": func(t *testing.T, stage, _ *terraform, spec Spec, before *Observation) {
		t.Helper()
		if plan := NewPlan(spec, before); !strings.Contains(plan.String(), "clear what is left of a create that was to replace this fleet and died") {
			t.Errorf("the plan is: %s", plan)
		}
		after := applied(t, stage, spec, &spec)
		if idOf(after, 0) != idOf(before, 0) || len(observe(t, stage, spec).Others) != 0 {
			t.Errorf("slot 0 has %s, want %s", idOf(after, 0), idOf(before, 0))
		}
		destroyed(t, stage, spec)
	},
	"destroy": func(t *testing.T, stage, _ *terraform, spec Spec, _ *Observation) {
		t.Helper()
		destroyed(t, stage, spec)
	},
	"destroy, one is protected": func(t *testing.T, stage, _ *terraform, spec Spec, before *Observation) {
		t.Helper()
		protected := before.theirs[before.Others[0]][0].ID
		protect(t, stage, protected, true)
		if _, err := stage.destroy(t.Context(), stage.Region, spec); !strings.Contains(fmt.Sprint(err), protected) {
			t.Errorf("got %v, want that %s is protected", err, protected)
		}
		untouched(t, stage, protected)
		protect(t, stage, protected, false)
		<-time.After(10 * minute)
		destroyed(t, stage, spec)
	},
	"known to a state": func(t *testing.T, stage, dead *terraform, spec Spec, before *Observation) {
		t.Helper()
		watch := spec.watch(stage.owner)
		watch.Known = knowing(before.Others...)
		if _, err := Destroy(t.Context(), stage.Region, watch, nil); err != nil {
			t.Fatal(err)
		}
		dead.owner.ID = before.Others[0]
		if observed := observe(t, dead, spec); len(observed.all()) != spec.Size {
			t.Errorf("%d instances of the known one are left", len(observed.all()))
		}
		destroyed(t, dead, spec)
	},
}

// A successor cannot have an address that an instance of its predecessor has: that is said
// before anything is made.
func TestApply_addressOfThePredecessor(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.Rollout.MaxUnavailable = Amount{1, false}
		spec.Slots = &Slots{Overrides: map[int]Override{1: {SubnetID: subnets[0].ID, PrivateIP: "172.31.0.99"}}}
		applied(t, stage, spec, nil)
		successor := stage.beside()
		_, err = successor.replace(t.Context(), spec, stage)
		if advice := adviceOf(t, err); !strings.Contains(advice, "172.31.0.99") || !strings.Contains(advice, "create_before_destroy") {
			t.Error(advice)
		}
		if successor.owner.ID != "" || len(observe(t, successor, spec).Others) != 1 {
			t.Errorf("something was made: %s", successor.owner)
		}
		destroyed(t, stage, spec)
	})
}

// A create whose lease could not be deleted has ended: the lease goes with the fleet's next
// apply, or its destroy.
func TestApply_leaseOfTheCreateIsStillThere(t *testing.T) {
	for _, then := range []string{"apply", "destroy"} {
		t.Run(then, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				stage.Order(lab.FailCall{Action: "DeleteLaunchTemplate", Times: 1, Code: "UnauthorizedOperation", Message: "no"})
				if _, err := stage.apply(t.Context(), stage.Region, spec, nil); err == nil {
					t.Fatal("the lease was deleted")
				}
				<-time.After(10 * minute)
				if plan := NewPlan(spec, observe(t, stage, spec)); plan.Empty() {
					t.Error("nothing is to be cleared")
				}
				if then == "apply" {
					applied(t, stage, spec, &spec)
				}
				destroyed(t, stage, spec)
			})
		})
	}
}
