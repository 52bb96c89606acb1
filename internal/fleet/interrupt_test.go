package fleet

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// Ctrl-C, at each request: the apply cleans up, what there is is in the state, and no lease
// is left. The next command goes on from there.
func TestInterrupt(t *testing.T) {
	for _, name := range []string{"create", "grow", "roll with a canary", "root volumes", "destroy"} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			cases := kills(t, rehearsal.Stride(), func(at kill) bool { return scenarios[name].isStopped(t, at) })
			t.Logf("%d cases in %s", cases, time.Since(begun).Round(time.Millisecond))
		})
	}
}

func (s scenario) isStopped(t *testing.T, at kill) (stopped bool) {
	t.Helper()
	onStage(t, lab.Options{Seed: uint64(at.nth)}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.MaxSurge = Amount{2, false}
		var former *Spec
		var before *Observation
		if s.there != nil {
			s.there(&spec)
			was := spec
			former, before = &was, applied(t, stage, spec, nil)
		}
		if s.change != nil {
			s.change(stage, &spec, before)
		}
		requests := stage.Interrupt(rehearsal.Cut{Request: at.nth, After: at.after}, func(ctx context.Context) {
			if s.change == nil {
				_, _ = stage.destroy(ctx, stage.Region, spec)
				return
			}
			_, _ = stage.apply(ctx, stage.Region, spec, former)
		})
		stopped = requests >= at.nth
		noLease(t, stage)
		if s.change == nil {
			destroyed(t, stage, spec)
		} else {
			applied(t, stage, spec, former)
			destroyed(t, stage, spec)
		}
		if t.Failed() {
			t.Logf("stopped at %v", at)
		}
	})
	return stopped
}

func noLease(t *testing.T, stage *terraform) {
	t.Helper()
	for _, left := range stage.Lab.Books().Leftovers {
		if left.Type == "launch-template" {
			t.Errorf("left over: %s %s", left.Type, left.ID)
		}
	}
}

// lossy loses the answer to the first launch for good, and notes the client tokens.
type lossy struct {
	*cloud.Region
	tokens []string
}

func (l *lossy) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	l.tokens = append(l.tokens, launch.ClientToken)
	launched, err := l.Region.RunInstances(ctx, launch)
	if len(l.tokens) == 1 {
		return nil, errors.New("nobody hears the answer")
	}
	return launched, err
}

// The same launch has the same client token in the next apply: an instance that nobody can
// see yet, for however long, is not launched a second time.
func TestLaunch_isTheSameAgain(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = 1
		aws := &lossy{Region: stage.Region}
		if _, err := stage.apply(t.Context(), aws, spec, nil); err == nil {
			t.Fatal("an answer was heard")
		}
		tagless := observe(t, stage, spec).all()[0].Instance
		if err := stage.Region.DeleteTags(t.Context(), []string{tagless.ID}, []string{cloud.TagFleet}); err != nil {
			t.Fatal(err)
		}
		<-time.After(minute)
		_, _ = stage.apply(t.Context(), aws, spec, &spec)
		if len(aws.tokens) < 2 || aws.tokens[0] != aws.tokens[1] {
			t.Errorf("the client tokens are %v", aws.tokens)
		}
	})
}

// A launch whose answer nobody has heard may have been one, also when nothing is to be seen
// of it yet: then the state has the owner.
func TestApply_launchNobodySawAtFirst(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		launches := 0
		for nth := 1; launches == 0; nth++ {
			stage.Interrupt(rehearsal.Cut{Request: nth, After: true}, func(ctx context.Context) {
				stage.Lab.ResetBooks()
				_, _ = stage.apply(ctx, stage.Region, spec, nil)
				launches = stage.Lab.Books().Requests["RunInstances"]
			})
		}
		if stage.owner.ID == "" {
			t.Error("no state has what was launched")
		}
		<-time.After(minute)
		destroyed(t, stage, spec)
	})
}

// Who goes on with a dead create, and is stopped before he has seen what it has made, leaves
// it to the next: his state has nothing of it.
func TestApply_stoppedWhileTakingOver(t *testing.T) {
	for nth := 1; nth <= 8; nth++ {
		onStage(t, lab.Options{Seed: uint64(nth)}, func(t *testing.T, stage *terraform, spec Spec) {
			for request := 1; !launchedAny(stage); request++ {
				stage.Kill(request, true, func(ctx context.Context) { _, _ = Apply(ctx, stage.Region, spec, Options{Owner: stage.owner}) })
				<-time.After(10 * minute)
			}
			stage.Interrupt(rehearsal.Cut{Request: nth}, func(ctx context.Context) { _, _ = stage.apply(ctx, stage.Region, spec, nil) })
			stage.Restart()
			applied(t, stage, spec, nil)
			destroyed(t, stage, spec)
			if t.Failed() {
				t.Logf("stopped at request %d", nth)
			}
		})
	}
}

func launchedAny(stage *terraform) bool {
	return slices.ContainsFunc(stage.Lab.Books().Leftovers, func(left lab.Leftover) bool { return left.Type == "instance" })
}
