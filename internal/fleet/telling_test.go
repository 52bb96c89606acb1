package fleet

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

func TestSlotRange(t *testing.T) {
	var even []int
	for slot := range 50 {
		even = append(even, 2*slot)
	}
	for want, slots := range map[string][]int{
		"no slot": nil, "slot 3": {3}, "slots 0-3, 7": {7, 2, 1, 0, 3}, "slots 1-2": {2, 1, 1}, "slots 1, 3": {1, 3},
		"slots 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, and 30 more ranges": even,
	} {
		if got := slotRange(slots); got != want {
			t.Errorf("%v are %q, want %q", slots, got, want)
		}
	}
}

// The same cause is said once, for all slots that have it.
func TestComplain(t *testing.T) {
	var complaints []complaint
	say := func(slot int, id, text string) {
		complaints = append(complaints, complaint{Member{Slot: slot, Instance: cloud.Instance{ID: id}}, text})
	}
	unhealthy := describeTarget(
		"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef",
		cloud.Target{State: cloud.TargetUnhealthy, Reason: "Target.FailedHealthChecks", Description: "Health checks failed"},
	)
	for slot := range 6 {
		say(5-slot, "i-a", unhealthy)
	}
	say(9, "i-9", "has not passed its status checks yet")
	say(6, "i-6", "has not passed its status checks yet")
	say(8, "i-8", "is terminated (why)")
	const want = "slots 0-5 are unhealthy in target group web: Target.FailedHealthChecks: Health checks failed; " +
		"slots 6, 9 have not passed their status checks yet; slot 8 (i-8) is terminated (why)"
	if got := complain(complaints); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (tf *terraform) heardBy(l *rehearsal.Listener, t *testing.T, aws AWS, spec Spec, previous *Spec) error {
	t.Helper()
	l.Begin()
	outcome, err := Apply(t.Context(), aws, spec, Options{Owner: tf.owner, Previous: previous, Progress: func(line string) {
		l.Hear(line)
		t.Log(line)
	}})
	tf.owner = outcome.Owner
	return err
}

// A create and a rollout are told from beginning to end, and never for more than a minute
// is there no line.
func TestProgress_ofARollout(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout = 6, Rollout{Canary: 1, Soak: 5 * minute, MaxSurge: Amount{5, false}}
		heard := &rehearsal.Listener{}
		if err := stage.heardBy(heard, t, stage.Region, spec, nil); err != nil {
			t.Fatal(err)
		}
		heard.Heard(
			t, "fill missing slots 0-5", "launched 2 t3.small in subnet-",
			"waiting for 6 instances (us-east-1) to be ready (1m0s so far): 0 of 6 ready; slots 0-5 have not passed their status checks yet",
			"slots 0-5 are ready", "the fleet is as specified: size 6, after ",
		)
		next := spec
		next.ImageID = stage.OtherImageID()
		if err := stage.heardBy(heard, t, stage.Region, next, &spec); err != nil {
			t.Fatal(err)
		}
		heard.Heard(
			t, "replace outdated slots 0-5", "6 instances will be replaced, in 2 batches of at most 5", "batch 1 of 2: replacing slot 0: image ami-",
			"waiting for 1 instance (us-east-1) to be ready (1m0s so far): 0 of 1 ready", "slot 0 (i-", "batch 1 of 2 is ready: 1 of 6 replaced", "ending slot 0 (i-",
			"the canary (slot 0) must stay ready for 5m0s", "waiting for the soak of the canary, slot 0, to end (4m0s so far): it takes 5m0s",
			"batch 2 of 2: replacing slots 1-5", "batch 2 of 2 is ready: 6 of 6 replaced", "ending slots 1-5", "the fleet is as specified",
		)
		if heard.Silence() > 61*time.Second {
			t.Errorf("for %s nothing was said", heard.Silence())
		}
	})
}

// A rollout that fails is told in the order in which it happens: what has failed, what is
// done about it, and that it is done. The error says what is there now.
func TestProgress_ofARollback(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout = 6, Rollout{Canary: 1, Soak: minute, MaxSurge: Amount{5, false}, Rollback: true}
		applied(t, stage, spec, nil)
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID})
		heard := &rehearsal.Listener{}
		err := stage.heardBy(heard, t, stage.Region, bad, &spec)
		heard.Heard(
			t, "batch 1 of 2: replacing slot 0", "batch 1 of 2, slot 0 failed: slot 0 (i-", "ending slot 0 (i-",
			"the rollout has failed: going back to the former configuration (ami-", "rolled back: all 6 slots run the former configuration (ami-",
			"FAILED: The rollout of fleet web failed and was rolled back: slot 0 (i-", "now: all 6 slots run the former configuration (",
		)
		failure := report.As(err, "")
		if want := "all 6 slots run the former configuration (" + spec.ImageID + "); the new instance was terminated"; failure.Now != want {
			t.Errorf("now: %s\nwant %s", failure.Now, want)
		}
	})
}

// Without a way back the error says which slot runs what.
func TestRollout_saysWhichSlotRunsWhat(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Rollout = 6, Rollout{MaxUnavailable: Amount{1, false}}
		applied(t, stage, spec, nil)
		next := spec
		next.ImageID = stage.OtherImageID()
		launches := 0
		heard := &rehearsal.Listener{}
		err := stage.heardBy(heard, t, launchWatcher{stage.Region, func() {
			if launches++; launches == 2 {
				stage.Order(lab.FailCall{Action: "RunInstances", Code: "VcpuLimitExceeded", Times: -1})
			}
		}}, next, &spec)
		failure := report.As(err, "")
		const want = "slot 0 runs the new configuration, slots 2-5 run the former one, slot 1 has no instance"
		if failure.Title() != "The rollout of fleet web failed" || !strings.HasSuffix(failure.Now, want) {
			t.Errorf("got %s, now: %s", failure.Title(), failure.Now)
		}
	})
}

// launchWatcher does something before each launch.
type launchWatcher struct {
	*cloud.Region
	before func()
}

func (w launchWatcher) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	w.before()
	return w.Region.RunInstances(ctx, launch)
}
