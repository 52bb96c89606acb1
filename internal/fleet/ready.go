package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// waitReady waits until the instances run, pass the checks that spec.Health demands,
// and serve in the target groups. An instance that ends while it is waited for, or
// that fails a check when its grace is over, ends the wait.
func (r *run) waitReady(ctx context.Context, members []Member) error {
	err := r.waitFor(members).until(ctx)
	if err == nil && len(members) > 0 {
		r.options.Progress.Printf("%s %s", memberRange(members), agree(len(members), "is ready"))
	}
	return err
}

func (r *run) waitFor(members []Member) *readiness {
	w := &readiness{run: r, all: len(members), waiting: map[string]Member{}, registered: map[string]bool{}, lacks: map[string]string{}}
	for _, member := range members {
		w.waiting[member.Instance.ID] = member
	}
	return w
}

// until waits until all are ready, or one has failed.
func (w *readiness) until(ctx context.Context) error {
	if len(w.waiting) == 0 {
		return nil
	}
	begun := time.Now()
	_, err := cloud.Poll[int]{
		What:    fmt.Sprintf("%s (%s) to be ready", instances(len(w.waiting)), w.aws.Name()),
		Read:    w.read,
		Pending: []string{"not ready"},
		Target:  []string{"ready"},
		Failed:  []string{"failed"},

		Progress: w.options.Progress, Far: w.far,
	}.Wait(ctx)
	return w.withConsole(ctx, w.inWords(err, time.Since(begun)), w.failed)
}

// far says how far the wait is.
func (w *readiness) far() string {
	return fmt.Sprintf("%d of %d ready; %s", w.all-len(w.waiting), w.all, w.names())
}

// inWords says of a wait that has ended badly which members it was about.
func (w *readiness) inWords(err error, took time.Duration) error {
	if failed, ok := errors.AsType[*cloud.StateError](err); ok {
		return &unready{failed.Reason, err}
	}
	late, ok := errors.AsType[*cloud.TimeoutError](err)
	if !ok || len(w.waiting) == 0 {
		return err
	}
	text := fmt.Sprintf("not ready after %s: %s", seconds(took), w.names())
	if late.LastErr != nil {
		text += fmt.Sprintf("; last error: %v", late.LastErr)
	}
	if errors.Is(err, context.Canceled) {
		return &unready{"interrupted while waiting; " + text, err}
	}
	w.failed = slices.Min(slices.Collect(maps.Keys(w.waiting))) // for its console
	return &unready{text, err}
}

// readiness is one wait.
type readiness struct {
	*run
	// all is how many were waited for at first.
	all     int
	waiting map[string]Member
	// registered are the instances that have been put into the target groups.
	registered map[string]bool
	// lacks is what each that is waited for lacks, in words.
	lacks map[string]string
	// failed is an instance that failed, for its console; empty where that explains nothing.
	failed string
}

func (w *readiness) read(ctx context.Context) (left int, state, reason string, err error) {
	statuses, err := w.aws.Statuses(ctx, cloud.StatusQuery{IDs: slices.Sorted(maps.Keys(w.waiting))})
	if err != nil {
		return 0, "", "", err
	}
	if err := w.registerRunning(ctx, statuses); err != nil {
		return 0, "", "", err
	}
	groups, err := targetGroups(ctx, w.aws, w.spec.TargetGroupARNs)
	if err != nil {
		return 0, "", "", err
	}
	wrong := w.judge(statuses, groups)
	if len(w.waiting) == 0 {
		return 0, "ready", "", nil
	}
	ended, err := w.ended(ctx)
	if err != nil {
		return 0, "", "", err
	}
	if wrong = append(wrong, ended...); len(wrong) > 0 {
		return len(w.waiting), "failed", complain(wrong), nil
	}
	return len(w.waiting), "not ready", "", nil
}

// registerRunning puts instances into the target groups as soon as they run: before
// that, they cannot be.
func (w *readiness) registerRunning(ctx context.Context, statuses []cloud.InstanceStatus) error {
	if len(w.spec.TargetGroupARNs) == 0 {
		return nil
	}
	var ids []string
	for _, status := range statuses {
		if status.State == cloud.InstanceRunning && !w.registered[status.InstanceID] {
			ids = append(ids, status.InstanceID)
		}
	}
	slices.Sort(ids)
	if err := w.register(ctx, ids); err != nil {
		return err
	}
	for _, id := range ids {
		w.registered[id] = true
	}
	return nil
}

// judge takes out of the wait the instances that are ready, and says what is wrong
// with those whose grace is over.
func (w *readiness) judge(statuses []cloud.InstanceStatus, groups groupTargets) (wrong []complaint) {
	now := time.Now()
	for _, status := range statuses {
		member := w.waiting[status.InstanceID]
		missing, failing, explained := w.verdict(status, groups)
		w.lacks[status.InstanceID] = missing
		switch {
		case missing == "":
			delete(w.waiting, status.InstanceID)
		case failing && member.late(w.spec.Health.Grace, now):
			if !explained {
				w.failed = status.InstanceID
			}
			wrong = append(wrong, complaint{member, missing})
		}
	}
	return wrong
}

// verdict says what an instance lacks to be ready, whether that is a failure and not just a
// matter of time, and whether that explains itself without the instance's console.
func (w *readiness) verdict(status cloud.InstanceStatus, groups groupTargets) (missing string, failing, explained bool) {
	if w.spec.Health.StatusChecks && !status.Ready() {
		if status.Impaired() {
			return describeImpairment(status), true, false
		}
		return "has not passed its status checks yet", false, false
	}
	if status.State != cloud.InstanceRunning {
		return "is " + status.State, false, false
	}
	for _, arn := range w.spec.TargetGroupARNs {
		target, there := groups[arn][status.InstanceID]
		if !w.spec.Health.TargetGroups || there && serving(target) {
			continue
		}
		return describeTarget(arn, target), target.State == cloud.TargetUnhealthy, badAnswer(target)
	}
	return "", false, false
}

// ended says which instances that are waited for have ended or stopped, and why.
func (w *readiness) ended(ctx context.Context) ([]complaint, error) {
	found, err := w.aws.Instances(ctx, cloud.InstanceQuery{
		Tags:   w.owner.Tags(),
		States: []string{cloud.InstanceShuttingDown, cloud.InstanceTerminated, cloud.InstanceStopping, cloud.InstanceStopped},
	})
	var reasons []complaint
	for _, instance := range found {
		if member, waited := w.waiting[instance.ID]; waited {
			w.failed = instance.ID
			reasons = append(reasons, complaint{member, fmt.Sprintf("is %s (%s)", instance.State, instance.StateReason)})
		}
	}
	return reasons, err
}

// names lists the instances that are waited for, and what each lacks.
func (w *readiness) names() string {
	var names []complaint
	for id, member := range w.waiting {
		names = append(names, complaint{member, cmp.Or(w.lacks[id], "does not run yet")})
	}
	return complain(names)
}

// firstOf joins the first ten of some words.
func firstOf(words []string, by string) string {
	const most = 10
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], by), len(words)-most)
	}
	return strings.Join(words, by)
}

// consoleLines is how much of a failing instance's console a person is shown.
const consoleLines = 20

// withConsole adds to an error the end of an instance's console: what it was doing is
// mostly there. An instance without one, or whose console cannot be read, has none.
func (r *run) withConsole(ctx context.Context, err error, instanceID string) error {
	if instanceID == "" {
		return err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	output, readErr := r.aws.ConsoleOutput(after, instanceID)
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(output, "\r", "")), "\n")
	if readErr != nil || lines[0] == "" {
		return err
	}
	return fmt.Errorf("%w\n\nThe end of the console of %s:\n\n%s", err, instanceID, strings.Join(lines[max(0, len(lines)-consoleLines):], "\n"))
}
