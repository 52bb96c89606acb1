package image

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Options are the circumstances of an apply.
type Options struct {
	// Owner is whose line it is; without an id it is a create.
	Owner ownership.Owner
	// Known reports whether a state that this process or this machine has read knows an
	// owner: then a create may follow it, and nobody clears what it has. Nil knows none.
	Known func(ownerID string) bool
	// Planned is what the user saw; nil when nothing was known at plan time.
	Planned *Planned
	// SourceImageID is the resolved source: the newest, or the one that was planned.
	SourceImageID string
	// SourceEdited is set when the user has named another source: then it is not held
	// back.
	SourceEdited bool
	// In leads to other regions; without it the line stays in its own.
	In Regions
	// Vouched are the images that the state has.
	Vouched Vouched
	// Regions are looked in for copies beside those that the spec and the versions name:
	// what the state says.
	Regions []string
	// Copies are the current version's in those regions, for the words about a region that
	// does not answer.
	Copies map[string]string
	// Now is the clock by which a version is too old; nil is the machine's.
	Now func() time.Time
	// Earlier is the recipe of the current version, when known.
	Earlier  *Recipe
	Progress report.Progress
	// Output hears what steps and checks print that end well, where the transport does not
	// tell it anyway; nil has them not tell it.
	Output report.Progress
}

// Result is what an apply leaves.
type Result struct {
	Line Line
	Plan Plan
	// Owner is whose line it is. After a create that has failed it has its id only when
	// something may be there.
	Owner    ownership.Owner
	Warnings []report.Warning
}

// run is one apply.
type run struct {
	aws     AWS
	spec    Spec
	recipe  Recipe
	options Options
	owner   ownership.Owner
	lease   *ownership.Lease
	line    Line
	plan    Plan
	// temporary is set once there was a temporary instance, and begun while one may be there
	// that nobody has seen end.
	temporary, begun atomic.Bool
	// former are other owners, of this name, whose parameter may become this one's.
	former []string
	// parameter is what the line's SSM parameter holds; "" when it is not there. It is
	// formers when another owner has it still.
	parameter string
	formers   bool
	// kept are the temporary instances that this apply leaves to be looked at.
	kept     []string
	warnings []report.Warning
	// dead are regions that are not wanted and have not answered; leftBehind are the warnings
	// about them.
	dead       map[string]error
	leftBehind []report.Warning
	unseen
	phases phases
}

// Apply makes the line as specified and returns what is there afterwards, also
// with an error; nothing when the line is somebody else's (ErrExists). Errors are
// *report.Failure. A failed bake or proof leaves the
// current version untouched and nothing temporary; a cancelled one leaves what the
// next Apply or Destroy finds by its tags.
//
// One apply at a time works on an owner, and one create on a name: the lease is its first
// request, and giving it up its last.
func Apply(ctx context.Context, aws AWS, spec Spec, options Options) (Result, error) {
	lease, err := ownership.Begin(ctx, aws, options.Owner, ownership.Options{Known: options.Known, Progress: options.Progress})
	if err != nil {
		return Result{Owner: options.Owner}, notBegun(options.Owner, "was not changed", "apply", err)
	}
	r := &run{aws: aws, spec: spec, options: options, owner: lease.Owner, lease: lease, phases: phases{begun: time.Now()}}
	err = r.apply(lease.Context())
	r.warnings = append(r.warnings, r.leftBehind...)
	defer func() { r.tellFailure(err) }()
	after, cancel := afterwards(ctx)
	defer cancel()
	if errors.Is(err, ErrExists) && lease.TakenOver {
		lease.Leave() // what a dead create has left is not for this state
		return Result{Owner: options.Owner}, err
	}
	if errors.Is(err, ErrExists) {
		return Result{Owner: options.Owner}, r.ended(lease.End(after), err)
	}
	if err = r.conclude(after, err); err != nil && r.mayHaveMore() {
		lease.Leave()
		return Result{Plan: r.plan, Owner: options.Owner, Warnings: r.warnings}, err
	}
	if err != nil && r.creating() && (r.lost() || r.line.Empty() && !r.begun.Load() && !lease.TakenOver) {
		// Nothing was made, or it is whoever's that has taken over.
		return Result{Plan: r.plan, Owner: options.Owner, Warnings: r.warnings}, r.ended(lease.End(after), err)
	}
	return Result{Line: r.line, Plan: r.plan, Owner: r.owner, Warnings: r.warnings}, r.ended(lease.End(after), err)
}

// lost reports whether another apply has taken over.
func (r *run) lost() bool { return errors.Is(context.Cause(r.lease.Context()), ownership.ErrLost) }

// conclude tidies up after the work, or what has become of it, and reads it back.
func (r *run) conclude(after context.Context, err error) error {
	if r.lost() {
		return r.failure("was left as it is", "", ownership.ErrLost, "whoever has taken over goes on with what is there",
			"wait until that apply has ended, then run terraform apply again")
	}
	r.inWords(after, err)
	if !interrupted(r.lease.Context()) || !r.begun.Load() {
		r.unstage(after)
	}
	if err != nil {
		r.lookBack(after)
		return err
	}
	if err := r.readBack(after); err != nil {
		return r.failure("was changed, but could not be read back", "", err,
			"all work of this apply is done", "run terraform apply again")
	}
	return nil
}

func (r *run) apply(ctx context.Context) error {
	err := r.observe(ctx)
	switch {
	case errorIs[*ownership.HeldError](err):
		return notBegun(r.owner, "was not changed", "apply", err)
	case err != nil:
		return r.failure("could not be read", "", err, "nothing was changed", "see AWS's message")
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	if err := r.lookAtParameter(ctx); err != nil {
		return err
	}
	if err := r.decide(); err != nil {
		return err
	}
	if r.plan.Action != Keep {
		r.options.Progress.Printf("%s", r.plan.headline())
	}
	if err := r.mark(ctx); err != nil {
		return r.failure("was not changed", "the tags of its versions", err, r.untouched(), "run terraform apply again")
	}
	if err := r.clear(ctx); err != nil {
		return r.failure("was not changed", "", err, r.untouched(), "run terraform apply again")
	}
	if err := r.makeCurrent(ctx); err != nil {
		return err
	}
	if err := r.markCopies(ctx); err != nil {
		return err
	}
	if err := r.publish(ctx); err != nil {
		return err
	}
	if err := r.updateInPlace(ctx); err != nil {
		return err
	}
	if err := r.reshare(ctx); err != nil {
		return err
	}
	return r.tidy(ctx)
}

func (r *run) world() world { return world{r.aws, r.options.In} }

func (r *run) now() time.Time {
	if r.options.Now == nil {
		return time.Now()
	}
	return r.options.Now()
}

// decide makes the plan. A version that has become too old since the user has agreed
// to keep it is for the next one.
func (r *run) decide() (err error) {
	r.recipe = r.spec.ResolveRecipe(r.options.SourceImageID, r.options.SourceEdited, r.line)
	spec := r.spec
	if planned := r.options.Planned; planned != nil && planned.ImageID != "" {
		spec.Refresh.MaxAge = 0
	}
	r.plan, err = NewPlan(spec, r.recipe, r.options.Earlier, r.line, r.now())
	if err != nil {
		return r.failure("was not changed", "", err, "nothing was changed", "set refresh.pin_version to one of these, or remove it")
	}
	return r.keepToPlan()
}

// makeCurrent sees to it that the right version is current, whatever that takes.
func (r *run) makeCurrent(ctx context.Context) error {
	if r.plan.Action == BakeNew {
		return r.bakeNew(ctx)
	}
	version := *r.line.ByImage(r.plan.ImageID)
	if err := r.enable(ctx, &version); err != nil {
		return err
	}
	if r.plan.Prove {
		if err := r.prove(ctx, version); err != nil {
			return err
		}
	}
	return r.handOut(ctx, version, r.plan.Prove)
}

// enable makes a version available again that somebody has disabled. EC2 forgets then whom
// it was shared with.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
func (r *run) enable(ctx context.Context, version *Version) error {
	if !version.Disabled() {
		return nil
	}
	if err := r.aws.EnableImage(ctx, version.ImageID); err != nil {
		return r.inPlaceFailure(*version, "the image, which somebody has disabled,", err)
	}
	version.State = cloud.ImageAvailable
	if kept := r.line.ByImage(version.ImageID); kept != nil {
		kept.State = version.State
	}
	r.options.Progress.Printf("version %d (%s) was disabled, and is enabled again", version.Number, version.ImageID)
	return nil
}

// handOut distributes a version and makes it current. When it did not get everywhere,
// the version that was current stays so; where there was none, it becomes current with
// what came through.
func (r *run) handOut(ctx context.Context, version Version, provedNow bool) error {
	err := r.distribute(ctx, &version)
	current := r.line.Current()
	isCurrent := current != nil && current.ImageID == version.ImageID
	if isCurrent {
		r.moveToFront(version)
	}
	if isCurrent && !provedNow || err != nil && (interrupted(ctx) || current != nil && !isCurrent) {
		return err
	}
	if promoteErr := r.promote(ctx, version, provedNow); promoteErr != nil {
		return errors.Join(err, promoteErr)
	}
	if err != nil {
		err = errors.Join(err, r.markCopies(ctx), r.publish(ctx))
	}
	return err
}

// bakeNew takes up what an interrupted run has left of the same version, and does
// the rest.
func (r *run) bakeNew(ctx context.Context) error {
	if err := r.spec.Bake.unread(); err != nil {
		return r.failure("was not baked", r.region(), err, r.untouched(), "put the files in their place and run terraform apply again")
	}
	candidate := r.leftCandidate()
	if candidate == nil {
		source, err := DescribeSource(ctx, r.aws, r.spec.Source, r.recipe.Source)
		if err != nil {
			return r.failure("was not baked", r.region(), err, r.untouched(), "correct source."+r.spec.Source.field())
		}
		r.spec.Platform = source.Platform
		if err := r.makeRoom(ctx); err != nil {
			return r.failure("was not baked", r.region(), err, r.untouched(), "run terraform apply again")
		}
		if err := r.spec.CheckWork(r.plan.Fingerprint); err != nil {
			return r.failure("was not baked", r.region(), err, r.untouched(), "correct it in the configuration and run terraform apply again")
		}
		builder, identity, err := r.bake(ctx, source)
		if err != nil {
			return err
		}
		if candidate, err = r.capture(ctx, builder, identity); err != nil {
			return err
		}
	}
	captured, err := r.waitCandidate(ctx, *candidate)
	if err != nil {
		return err
	}
	if r.plan.Prove && captured.VerifiedAt.IsZero() {
		if err := r.prove(ctx, captured); err != nil {
			return err
		}
		if err := r.markProved(ctx, &captured); err != nil {
			return err
		}
	}
	return r.handOut(ctx, captured, r.plan.Prove)
}

// leftCandidate is the captured but unproven image of this very version, left by an
// interrupted run.
func (r *run) leftCandidate() *Version {
	for i := range r.line.Candidates {
		candidate := &r.line.Candidates[i]
		alive := candidate.State == cloud.ImagePending || candidate.State == cloud.ImageAvailable
		sameChecks := candidate.Checks == r.spec.ChecksDigest()
		if alive && sameChecks && candidate.Fingerprint == r.plan.Fingerprint && candidate.Number == r.plan.Version {
			r.options.Progress.Printf("found %s (%s), left by an interrupted run: going on from there", candidate.ImageName, candidate.ImageID)
			return candidate
		}
	}
	return nil
}

// makeRoom removes an unproven image that has the new version's name and cannot be taken
// up: it was made for other checks, or has failed.
func (r *run) makeRoom(ctx context.Context) error {
	name := AMIName(r.spec.Name, r.plan.Version, r.plan.Fingerprint)
	for _, candidate := range r.line.Candidates {
		if candidate.ImageName == name {
			return r.removeAll(ctx, []Version{candidate})
		}
	}
	return nil
}

// failure fills in what all failures of a line share.
func (r *run) failure(what, subject string, cause error, now, next string) error {
	if subject == "" {
		subject = r.region()
	}
	if remedy := cloud.Remedy(cause); remedy != "" {
		next = remedy + ", then " + next
	}
	return &report.Failure{
		Summary: r.titleOf(what),
		Subject: subject, Cause: cause, Now: now, Next: next,
	}
}

// goOn is what to do after an apply that was cut short. Terraform taints a resource whose
// create has failed, and would begin by destroying what is there.
func (r *run) goOn() string {
	if r.creating() {
		return report.Untaint + ", and then terraform apply: it goes on from there, and without untaint it begins afresh; terraform destroy removes what is there"
	}
	return "run terraform apply again: it goes on from there; terraform destroy removes what is there"
}

func (r *run) region() string { return "line " + r.spec.Name + " (" + r.aws.Name() + ")" }

// untouched says what is current, for failures.
func (r *run) untouched() string {
	if current := r.line.Current(); current != nil {
		return fmt.Sprintf("version %d (%s) stays current, and everything that uses it is untouched", current.Number, current.ImageID)
	}
	return "there is no version yet"
}

// afterwardsLimit is how long cleaning up and reading back may take once the
// caller has given up.
const afterwardsLimit = 2 * time.Minute

// afterwards is a context for what must still be done when the caller's has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), afterwardsLimit)
}

// interrupted reports whether the user has stopped the apply: then work in progress
// is left for the next one to take up.
func interrupted(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
