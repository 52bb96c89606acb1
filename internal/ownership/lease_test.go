package ownership_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

var fleet = ownership.Owner{Kind: ownership.Fleet, Name: "web servers", Account: "123456789012", Partition: "aws", Region: "us-east-1"}

func begin(t *testing.T, stage *rehearsal.Stage, owner ownership.Owner) *ownership.Lease {
	t.Helper()
	lease, err := ownership.Begin(t.Context(), stage.Region, owner, ownership.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func end(t *testing.T, lease *ownership.Lease) {
	t.Helper()
	if err := lease.End(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func leftLeases(stage *rehearsal.Stage) (count int) {
	for _, left := range stage.Lab.Books().Leftovers {
		if left.Type == "launch-template" {
			count++
		}
	}
	return count
}

// killed is an apply whose process dies: it gives no more signs of life, and its last
// request does not arrive.
func killed(t *testing.T, stage *rehearsal.Stage, lease *ownership.Lease) {
	t.Helper()
	stage.DieAt(1, false, func() {})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := lease.End(ctx); err == nil {
		t.Fatal("a process that is dead has ended its lease")
	}
	stage.Restart()
}

func TestBegin_alone(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		requests := stage.Requests(func() {
			lease := begin(t, stage, fleet)
			if !ownership.ValidID(lease.Owner.ID) || lease.TakenOver {
				t.Errorf("owner %q, taken over %t", lease.Owner.ID, lease.TakenOver)
			}
			end(t, lease)
		})
		if requests != 2 || leftLeases(stage) != 0 {
			t.Errorf("%d requests, want 2; %d launch templates are left", requests, leftLeases(stage))
		}
	})
}

// A long apply gives signs of life, and keeps its lease.
func TestBegin_heldByTheLiving(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		first := begin(t, stage, fleet)
		<-time.After(time.Hour)
		stage.Restart()
		asked := time.Now()
		_, err := ownership.Begin(t.Context(), stage.Region, fleet, ownership.Options{})
		held, ok := errors.AsType[*ownership.HeldError](err)
		if !ok || !strings.Contains(held.Who, "process") || time.Since(asked) > 2*time.Minute {
			t.Fatalf("got %v after %s, want to hear who is at work within two minutes", err, time.Since(asked))
		}
		if err := first.Context().Err(); err != nil {
			t.Fatalf("the first has lost its lease: %v", context.Cause(first.Context()))
		}
		end(t, first)
		second := begin(t, stage, fleet)
		if second.TakenOver || second.Owner.ID == first.Owner.ID {
			t.Error("a create that has ended was taken over")
		}
		end(t, second)
	})
}

// A create that has died is taken over with its owner, once it is silent for three minutes.
func TestBegin_afterADeath(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		dead := begin(t, stage, fleet)
		killed(t, stage, dead)
		asked := time.Now()
		next := begin(t, stage, fleet)
		if !next.TakenOver || next.Owner.ID != dead.Owner.ID {
			t.Errorf("taken over %t, owner %s, want %s", next.TakenOver, next.Owner.ID, dead.Owner.ID)
		}
		if next.Before.IsZero() || next.Before.After(asked) {
			t.Errorf("the dead one was heard of at %s, and died before %s", next.Before, asked)
		}
		if took := time.Since(asked); took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("it took %s, want three minutes", took)
		}
		end(t, next)
		if leftLeases(stage) != 0 {
			t.Error("a launch template is left")
		}
	})
}

// An apply that is stopped while it takes its lease leaves none.
func TestBegin_stopped(t *testing.T) {
	for _, after := range []bool{false, true} {
		rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
			stage.Interrupt(rehearsal.Cut{Request: 1, After: after}, func(ctx context.Context) {
				if _, err := ownership.Begin(ctx, stage.Region, fleet, ownership.Options{}); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want that it was stopped", err)
				}
			})
			if leftLeases(stage) != 0 {
				t.Errorf("a launch template is left (after its effect: %t)", after)
			}
		})
	}
}

// An owner that a state knows is not given to another create.
func TestBegin_ofAKnownOwner(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		dead := begin(t, stage, fleet)
		killed(t, stage, dead)
		known := func(id string) bool { return id == dead.Owner.ID }
		next, err := ownership.Begin(t.Context(), stage.Region, fleet, ownership.Options{Known: known})
		if err != nil || next.TakenOver || next.Owner.ID == dead.Owner.ID {
			t.Fatalf("%v, taken over: %+v", err, next)
		}
		end(t, next)
	})
}

// Of many that find a dead one's lease, one gets it.
func TestBegin_onlyOneTakesOver(t *testing.T) {
	rehearsal.Run(t, lab.Options{Weather: "aws", Seed: 3}, func(t *testing.T, stage *rehearsal.Stage) {
		killed(t, stage, begin(t, stage, fleet))
		var mu sync.Mutex
		var won []*ownership.Lease
		var wait sync.WaitGroup
		for range 8 {
			stage.Restart()
			region := stage.Region
			wait.Go(func() {
				lease, err := ownership.Begin(t.Context(), region, fleet, ownership.Options{})
				if _, held := errors.AsType[*ownership.HeldError](err); err != nil && !held {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					won = append(won, lease)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have taken over, want one", len(won))
		}
		end(t, won[0])
	})
}

// Who was silent for too long finds out, and leaves what it was about to do.
func TestLease_lost(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		first := begin(t, stage, fleet)
		stage.DieAt(1, false, func() {})
		<-time.After(10 * time.Minute)
		stage.Restart()
		if !errors.Is(context.Cause(first.Context()), ownership.ErrLost) {
			t.Fatalf("the lease's context has ended with %v", context.Cause(first.Context()))
		}
		second := begin(t, stage, fleet)
		if err := first.End(t.Context()); err != nil {
			t.Error(err)
		}
		if leftLeases(stage) != 1 {
			t.Error("the one that has lost its lease has deleted that of the other")
		}
		end(t, second)
	})
}

// slow is a region that never answers a sign of life.
type slow struct{ ownership.AWS }

func (s slow) CreateLaunchTemplateVersion(ctx context.Context, _, _, _ string) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// An apply whose signs of life do not arrive stops before others may take over, however long
// a request takes.
func TestLease_noAnswer(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		begun := time.Now()
		lease, err := ownership.Begin(t.Context(), slow{stage.Region}, fleet, ownership.Options{})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-lease.Context().Done():
		case <-time.After(time.Hour):
		}
		if took, why := time.Since(begun), context.Cause(lease.Context()); took > 3*time.Minute || !errors.Is(why, ownership.ErrLost) {
			t.Errorf("the lease's context has ended after %s with %v", took, why)
		}
		end(t, lease)
	})
}

// In one process the second waits its turn.
func TestBegin_inOneProcess(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		first := begin(t, stage, fleet)
		time.AfterFunc(time.Minute, func() { end(t, first) })
		begun := time.Now()
		end(t, begin(t, stage, fleet))
		if time.Since(begun) < time.Minute {
			t.Error("both were at work at the same time")
		}
	})
}

// A create that has ended, and whose owner Terraform did not write down, is known by its
// owner's id: to its predecessor, and to nobody else.
func TestLeases_WithLost(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		predecessor, other := fleet.As("o-0123456789abcdef0123"), fleet.As("o-ffffffffffffffffffff")
		successor := begin(t, stage, fleet)
		if err := successor.Replaces(t.Context(), []string{predecessor.ID}); err != nil {
			t.Fatal(err)
		}
		others := []string{successor.Owner.ID, other.ID}
		lost := func(owner ownership.Owner) []ownership.Left {
			leases, err := ownership.Observe(t.Context(), stage.Region, owner)
			if err != nil {
				t.Fatal(err)
			}
			return leases.WithLost(owner, others).Mine(owner)
		}
		if left := lost(predecessor); len(left) != 0 {
			t.Errorf("a create that has not ended is lost: %+v", left)
		}
		end(t, successor)
		left := lost(predecessor)
		if len(left) != 1 || left[0].Owner != successor.Owner {
			t.Fatalf("%+v, want the successor %s", left, successor.Owner.ID)
		}
		if err := left[0].Clear(t.Context(), stage.Region); err != nil {
			t.Error(err)
		}
		for _, owner := range []ownership.Owner{other, successor.Owner, fleet} {
			if left := lost(owner); len(left) != 0 {
				t.Errorf("to owner %q, %+v is lost", owner.ID, left)
			}
		}
	})
}

// A create whose lease cannot be deleted has ended all the same: nobody takes it over, or
// clears what it has made.
func TestLease_thatCannotBeDeleted(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		predecessor := fleet.As("o-0123456789abcdef0123")
		create := begin(t, stage, fleet)
		if err := create.Replaces(t.Context(), []string{predecessor.ID}); err != nil {
			t.Fatal(err)
		}
		stage.Order(lab.FailCall{Action: "DeleteLaunchTemplate", Times: 1, Code: "UnauthorizedOperation", Message: "no"})
		if err := create.End(t.Context()); err == nil {
			t.Fatal("the lease was deleted")
		}
		<-time.After(time.Hour)
		leases, err := ownership.Observe(t.Context(), stage.Region, fleet)
		if err != nil || len(leases.Creating) != 0 || len(leases.Mine(predecessor)) != 0 || len(leases.Mine(create.Owner)) != 1 {
			t.Fatalf("%v, %+v", err, leases)
		}
		next := begin(t, stage, fleet)
		if next.TakenOver || next.Owner.ID == create.Owner.ID {
			t.Errorf("%s was taken over as %s", create.Owner, next.Owner)
		}
		end(t, next)
		if leftLeases(stage) != 0 {
			t.Error("a launch template is left")
		}
	})
}

// What was taken over and cannot be gone on with is left for somebody else.
func TestLease_Leave(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		dead := begin(t, stage, fleet)
		killed(t, stage, dead)
		begin(t, stage, fleet).Leave()
		next := begin(t, stage, fleet)
		if !next.TakenOver || next.Owner.ID != dead.Owner.ID {
			t.Errorf("%s was not taken over: %s", dead.Owner, next.Owner)
		}
		end(t, next)
	})
}

// ahead is a region as a machine sees it whose clock is ahead of AWS's.
type ahead struct {
	ownership.AWS
	by time.Duration
}

func (a ahead) LatestVersion(ctx context.Context, name string) (cloud.LaunchTemplate, bool, error) {
	latest, there, err := a.AWS.LatestVersion(ctx, name)
	latest.VersionAt = latest.VersionAt.Add(-a.by)
	return latest, there, err
}

// Who is alive is told by AWS's clock: a machine whose own is ahead takes nothing over, and
// clears nothing, of an apply that is at work.
func TestLease_clockAhead(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		create := begin(t, stage, fleet)
		<-time.After(90 * time.Second)
		stage.Restart()
		off := ahead{stage.Region, time.Hour}
		if _, err := ownership.Begin(t.Context(), off, fleet, ownership.Options{}); !isHeld(err) {
			t.Errorf("beside a create that is alive: %v", err)
		}
		leases, err := ownership.Observe(t.Context(), off, fleet)
		if err != nil || len(leases.Creating) != 1 || len(leases.Left) != 0 {
			t.Errorf("%v, %+v, want a create that is alive", err, leases)
		}
		if err := context.Cause(create.Context()); err != nil {
			t.Errorf("the one at work has lost its lease: %v", err)
		}
		end(t, create)
	})
}
