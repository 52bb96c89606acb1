package image

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// phases are the parts of an apply that take long, and how long each has taken.
type phases struct {
	mu    sync.Mutex
	begun time.Time
	parts []string
}

// during notes how long a part takes, until the returned function is called.
func (p *phases) during(name string) (end func()) {
	begun := time.Now()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.parts = append(p.parts, fmt.Sprintf("%s %s", name, seconds(time.Since(begun))))
	}
}

// took is the time since the apply began, and what of it each part has taken:
// " (12m40s: bake 2m53s, capture 7m41s)".
func (p *phases) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := " (" + seconds(time.Since(p.begun))
	if len(p.parts) > 0 {
		text += ": " + strings.Join(p.parts, ", ")
	}
	return text + ")"
}

func seconds(length time.Duration) string { return length.Round(time.Second).String() }

// title counts a step or check: `step "app"` becomes `step 2 of 3 "app"`. Others stay.
func (j job) title(of string) string {
	var steps []guest.Step
	var checks []guest.Check
	switch work := j.work.(type) {
	case guest.Bake:
		steps, checks = work.Steps, work.Checks
	case guest.Proof:
		checks = work.Checks
	}
	for i, step := range steps {
		if of == fmt.Sprintf("%s %q", guest.PhaseStep, step.Name) {
			return fmt.Sprintf("%s %d of %d %q", guest.PhaseStep, i+1, len(steps), step.Name)
		}
	}
	for i, check := range checks {
		if of == fmt.Sprintf("%s %q", guest.PhaseCheck, check.Name) {
			return fmt.Sprintf("%s %d of %d %q", guest.PhaseCheck, i+1, len(checks), check.Name)
		}
	}
	if strings.HasPrefix(of, guest.PhaseCleanUp+" ") {
		return "the clean-up"
	}
	return of
}

// telling is the work that tells, or does not, what its items print.
func (j job) telling(telling bool) work {
	switch work := j.work.(type) {
	case guest.Bake:
		work.Telling = telling
		return work
	case guest.Proof:
		work.Telling = telling
		return work
	}
	return j.work
}

// passed says that a step or check has passed. Of an identity it says what that means.
func (j job) passed(of string) string {
	switch of {
	case fmt.Sprintf("%s %q", guest.PhaseIdentity, guest.HostKey):
		return "has its own host key"
	case fmt.Sprintf("%s %q", guest.PhaseIdentity, guest.MachineID):
		return "has its own machine id"
	}
	return j.title(of) + " done"
}

// failed says what has failed, without its output.
func (j job) failed(failure *guest.Failure) string {
	short := *failure
	short.Output = ""
	text, _, _ := strings.Cut(short.Error(), "; it printed nothing")
	text = strings.TrimSuffix(text, ": ")
	plain := fmt.Sprintf("%s %q", failure.Phase, failure.Name)
	return strings.Replace(text, plain, j.title(plain), 1)
}

// heard follows what an instance says of its work, and tells of what has begun, ended and
// failed since it was last told.
type heard struct {
	job  job
	tell func(format string, args ...any)
	// output hears of output; nil where nobody has asked for it.
	output func(format string, args ...any)
	// told is how many items have passed, last the last of them.
	told int
	last string
	// current is what runs, since is when that was first heard.
	current string
	since   time.Time
	failure bool
}

func (h *heard) hear(report guest.Report) {
	for ; h.told < len(report.Passed); h.told++ {
		passed := report.Passed[h.told]
		h.last = h.job.title(passed)
		h.tell("%s", h.job.passed(passed))
		if output := report.Outputs[passed]; output != "" && h.output != nil {
			h.output("the output of %s ends with:\n%s", h.last, output)
		}
	}
	h.job.explain(report.Failure)
	if report.Failure != nil && !h.failure {
		h.failure = true
		h.tell("%s", h.job.failed(report.Failure))
	}
	current := h.job.title(report.Current)
	if current != h.current && current != "" && !strings.HasPrefix(current, guest.PhaseIdentity) {
		h.tell("%s started", current)
	}
	if current != h.current {
		h.current, h.since = current, time.Now()
	}
}

// far says how far the work is.
func (h *heard) far() string {
	switch {
	case h.current != "":
		return fmt.Sprintf("it is at %s, for %s", h.current, seconds(time.Since(h.since)))
	case h.last != "":
		return "the last thing that it has done is " + h.last
	default:
		return "it has not said anything yet"
	}
}

// snapshotting tells how far an image's snapshots are. It asks for that at most once a
// minute, and only where somebody hears of it.
type snapshotting struct {
	aws  AWS
	tags cloud.Tags
	// asked is when it has asked last.
	asked  time.Time
	silent bool
	text   string
}

func (r *run) snapshotting(aws AWS, tags cloud.Tags) *snapshotting {
	return &snapshotting{aws: aws, tags: tags, asked: time.Now().Add(askFirst - askEvery), silent: r.options.Progress == nil}
}

// askEvery is just less than a minute, so that each minute's line has an answer of its own.
// askFirst leaves room for the pause between two looks at the image before the first line.
const askEvery, askFirst = 55 * time.Second, 40 * time.Second

// ask asks, when it is time. An error matters to nobody.
func (s *snapshotting) ask(ctx context.Context) {
	if s.silent || time.Since(s.asked) < askEvery {
		return
	}
	s.asked = time.Now()
	found, err := s.aws.Snapshots(ctx, s.tags)
	var done []string
	for _, snapshot := range found {
		if snapshot.Progress != "" {
			done = append(done, snapshot.Progress)
		}
	}
	switch {
	case err != nil || len(done) == 0:
		s.text = "the image is pending"
	case len(done) == 1:
		s.text = "its snapshot is at " + done[0]
	default:
		s.text = "its snapshots are at " + strings.Join(done, ", ")
	}
}

func (s *snapshotting) far() string { return s.text }

// tellFailure ends the lines of an apply that has failed.
func (r *run) tellFailure(err error) {
	failure, ok := asFailure(err)
	if !ok {
		return
	}
	why := ""
	if failure.Cause != nil {
		why, _, _ = strings.Cut(failure.Cause.Error(), "\n")
		if guestFailure, ok := errors.AsType[*guest.Failure](failure.Cause); ok {
			why, _, _ = strings.Cut(guestFailure.Error(), "; the end of its output")
		}
		why = ": " + strings.TrimSuffix(why, ":")
	}
	r.options.Progress.Printf("FAILED: %s%s", failure.Title(), why)
	if failure.Now != "" {
		r.options.Progress.Printf("now: %s", failure.Now)
	}
}

// begin tells that a command is about to be sent.
func (f *following) begin(command guest.Command) {
	f.at, f.since = f.job.title(command.Title), time.Now()
	switch {
	case command.Kind == guest.CommandOpen:
		f.printf("waiting for the machine to be ready")
	case command.Kind == guest.CommandLocal:
		f.printf("%s started, on this machine", f.at)
	case !strings.HasPrefix(command.Title, guest.PhaseIdentity):
		f.printf("%s started", f.at)
	}
}

// failed notes a failure, and tells of it.
func (f *following) failed(failure *guest.Failure) {
	f.job.explain(failure)
	f.report.Failure = failure
	f.printf("%s", f.job.failed(failure))
}

// titleOf is the title of a failure, which names the version where it is about one.
func (r *run) titleOf(what string) string {
	switch what {
	case "was not baked", "was not captured", "was not verified", "was not promoted", "was not handed out everywhere":
		if r.plan.Version > 0 {
			return fmt.Sprintf("Version %d of golden image %s %s", r.plan.Version, r.spec.Name, what)
		}
	}
	return fmt.Sprintf("Golden image %s %s", r.spec.Name, what)
}

// explain adds to the failure of a step which exit codes it would have passed with.
func (j job) explain(failure *guest.Failure) {
	bake, ok := j.work.(guest.Bake)
	if !ok || failure == nil || failure.Phase != guest.PhaseStep {
		return
	}
	for _, step := range bake.Steps {
		if step.Name == failure.Name {
			failure.Accepted = step.ExitCodes
		}
	}
}
