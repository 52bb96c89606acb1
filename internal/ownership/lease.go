package ownership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// How long a lease lasts without a sign of life, and how far apart those are.
const (
	staleAfter = 3 * time.Minute
	renewEvery = time.Minute
)

// AWS is what leases ask of a region.
type AWS interface {
	Name() string
	Turns() *cloud.Turns
	CreateLaunchTemplate(ctx context.Context, name, description, clientToken string, tags cloud.Tags) (cloud.LaunchTemplate, error)
	CreateLaunchTemplateVersion(ctx context.Context, id, description, clientToken string) (number int, err error)
	LaunchTemplates(ctx context.Context, tags cloud.Tags) ([]cloud.LaunchTemplate, error)
	LatestVersion(ctx context.Context, name string) (latest cloud.LaunchTemplate, there bool, err error)
	DeleteLaunchTemplate(ctx context.Context, id string) error
}

// Options are the circumstances of a Begin.
type Options struct {
	// Known reports, for a create, whether an owner is in a state that this process, or this
	// machine, has read: what such an owner has left is not taken over. Nil knows none.
	Known    func(ownerID string) bool
	Progress report.Progress
}

// Lease is held by one apply, from Begin to End. Begin makes the owner's id for a create,
// or takes over that of a create whose process is gone.
type Lease struct {
	Owner Owner
	// TakenOver is set when the create goes on for one that has died.
	TakenOver bool
	// Before is the last sign of life, by this machine's clock, of the apply whose lease this
	// was until it died; zero where there was none. What it has made after that may not be
	// visible yet.
	Before time.Time

	aws      AWS
	progress report.Progress
	create   bool
	name     string
	// run tells apart the applies of one process: their signs of life must not be the same
	// request.
	run  string
	give func()

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	template cloud.LaunchTemplate
	// renewed is when the last sign of life was asked for: others count from when they see it.
	renewed  time.Time
	replaces []string
	// unclear is the text of a sign of life of which nobody knows whether it was given.
	unclear string
}

// HeldError says that another apply is at work.
type HeldError struct {
	Owner Owner
	// Who names the process, Since is its last sign of life.
	Who   string
	Since time.Time
}

// Error says who is at work.
func (e *HeldError) Error() string {
	return fmt.Sprintf("another apply is at work on %s %s: %s, last heard of at %s",
		e.Owner.Kind.Words(), e.Owner.Name, e.Who, e.Since.UTC().Format(time.TimeOnly+" UTC"))
}

// ErrLost is the cause of the end of a lease's context when somebody else has taken over.
var ErrLost = errors.New("this apply gave no sign of life for three minutes, and another one has taken over")

// Begin takes the lease for work on what an owner has, or, without an owner's id, for a
// create under its name. It waits where it cannot tell whether who holds it is alive, for
// three minutes at most; the error is a *HeldError when it is. A lease whose holder was on
// this machine and is gone is taken over at once.
func Begin(ctx context.Context, aws AWS, owner Owner, options Options) (*Lease, error) {
	l := &Lease{Owner: owner, aws: aws, progress: options.Progress, create: owner.ID == "", run: newID()}
	l.name = leaseName(owner)
	give, err := aws.Turns().Take(ctx, l.name)
	if err != nil {
		return nil, err
	}
	l.give = give
	if err := l.take(ctx, options.Known); err != nil {
		give()
		return nil, err
	}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.done.Go(l.keep)
	return l, nil
}

// take makes the launch template, or goes on with the one that a dead holder has left.
func (l *Lease) take(ctx context.Context, known func(string) bool) error {
	if l.create {
		l.Owner.ID = newID()
	}
	watch, token := watch{lease: l}, tokenPrefix+"lease-"+l.run
	for {
		begun := time.Now()
		made, err := l.aws.CreateLaunchTemplate(ctx, l.name, l.text(), token, l.tags())
		switch {
		case err == nil:
			l.template, l.renewed = made, begun
			return nil
		case !cloud.HasCode(err, cloud.CodeTemplateNameTaken):
			l.withdraw(ctx)
			return err
		}
		left, err := watch.untilDead(ctx)
		if err != nil {
			return err
		}
		if left == nil {
			continue // it is gone meanwhile
		}
		taken, err := l.takeOver(ctx, *left, known)
		if err != nil || taken {
			return err
		}
	}
}

// withdrawWithin is how long an apply that was stopped before it began looks after itself.
const withdrawWithin = 15 * time.Second

// withdraw deletes the launch template of a request whose answer nobody has heard, since
// the apply was stopped meanwhile: the next one would have to wait for it to grow stale.
func (l *Lease) withdraw(ctx context.Context) {
	if ctx.Err() == nil {
		return
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawWithin)
	defer cancel()
	if latest, there, err := l.aws.LatestVersion(after, l.name); err == nil && there && parse(latest).run == l.run {
		_ = l.aws.DeleteLaunchTemplate(after, latest.ID) // or the next apply takes it over
	}
}

// takeOver adds the next version to a lease that a dead holder has left.
func (l *Lease) takeOver(ctx context.Context, left found, known func(string) bool) (taken bool, err error) {
	mine := Lease{Owner: l.Owner, aws: l.aws, create: l.create, run: l.run, template: left.template}
	// A state may have the owner: then its create has ended, and only the lease was left.
	if l.create && left.create && (known == nil || !known(left.owner)) {
		mine.Owner.ID, mine.TakenOver, mine.replaces = left.owner, true, left.replaces
	}
	if err := mine.renew(ctx); err != nil {
		if errors.Is(err, ErrLost) {
			err = nil // somebody else was faster
		}
		return false, err
	}
	l.Before = time.Now().Add(-left.template.Age)
	l.Owner, l.TakenOver, l.replaces, l.template, l.renewed = mine.Owner, mine.TakenOver, mine.replaces, mine.template, mine.renewed
	if l.TakenOver {
		l.progress.Printf("going on with a create that has died (%s)", left.holder.name())
	}
	return true, nil
}

// keep gives signs of life until the lease ends.
func (l *Lease) keep() {
	timer := time.NewTicker(renewEvery)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
			// A request may take longer than the lease lasts, with its repetitions.
			limited, cancel := context.WithDeadline(l.ctx, l.lastRenewed().Add(staleAfter))
			err := l.renew(limited)
			cancel()
			if errors.Is(err, ErrLost) || l.ctx.Err() == nil && time.Since(l.lastRenewed()) >= staleAfter {
				l.cancel(ErrLost)
				return
			}
		}
	}
}

// renew gives one sign of life: the next version. Its client token is derived from the
// version before it, so that only one can come next; whoever asks with another text is
// refused. A request whose answer got lost is repeated with the text that it had.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (l *Lease) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		asked := cmp.Or(l.unclear, l.text())
		next := tokenPrefix + "lease-" + digest(40, l.template.ID, strconv.Itoa(l.template.Version))
		begun := time.Now()
		number, err := l.aws.CreateLaunchTemplateVersion(ctx, l.template.ID, asked, next)
		switch {
		case cloud.HasCode(err, cloud.CodeTokenMismatch), err != nil && cloud.ClassOf(err) == cloud.NotFound:
			return ErrLost
		case err != nil:
			l.unclear = asked
			return err
		case number != l.template.Version+1:
			return ErrLost
		}
		l.template.Version, l.renewed, l.unclear = number, begun, ""
		if asked == l.text() {
			return nil
		}
	}
}

func (l *Lease) lastRenewed() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewed
}

// Context ends when the caller's does, and when the lease is lost (ErrLost).
func (l *Lease) Context() context.Context { return l.ctx }

// Replaces writes down the owners that a create is to follow: should it die, they may clear
// what it has left. The create gets another id, which says the same for good.
func (l *Lease) Replaces(ctx context.Context, ownerIDs []string) error {
	if len(ownerIDs) == 0 {
		return nil
	}
	l.mu.Lock()
	l.replaces = ownerIDs
	if l.create && !l.TakenOver { // nothing carries its id yet
		l.Owner.ID = successorOf(ownerIDs[0])
	}
	l.mu.Unlock()
	return l.renew(ctx)
}

// End gives the lease up: the very last request of an apply. A create whose Terraform is
// gone leaves it, since no state will know of what was made. The context may be another one
// than Begin's, whose end does not matter here.
func (l *Lease) End(ctx context.Context) error {
	lost := errors.Is(context.Cause(l.ctx), ErrLost)
	l.cancel(nil)
	l.done.Wait()
	defer l.give()
	if lost || l.create && l.orphaned() {
		return nil
	}
	if time.Since(l.lastRenewed()) > staleAfter-renewEvery {
		if err := l.renew(ctx); err != nil {
			return l.endError(err)
		}
	}
	err := l.aws.DeleteLaunchTemplate(ctx, l.template.ID)
	if err != nil && l.create {
		// It must not look as if the create had died: a state is about to have the owner.
		l.create = false
		_ = l.renew(ctx) // the deletion's error says what is wrong
	}
	return l.endError(err)
}

// Leave leaves the lease of a create to the next one, as if this process had died: something
// of its owner may be there, and no state will know of it.
func (l *Lease) Leave() {
	l.cancel(nil)
	l.done.Wait()
	l.give()
}

func (l *Lease) endError(err error) error {
	if err == nil || errors.Is(err, ErrLost) {
		return nil
	}
	return fmt.Errorf("launch template %s (%s), which says that an apply is at work, could not be deleted: %w", l.name, l.aws.Name(), err)
}

// orphanedWithin is how long a process that was killed may still be there.
const orphanedWithin = 250 * time.Millisecond

// orphaned looks twice: a Terraform that was killed while the last things were made goes a
// moment later.
func (l *Lease) orphaned() bool {
	if !Orphaned() {
		<-time.After(orphanedWithin)
	}
	return Orphaned()
}

// tags are those of the launch template. The owner of a create that is taken over is in the
// version's text.
func (l *Lease) tags() cloud.Tags {
	return l.Owner.Index().With(cloud.Tags{cloud.TagRole: cloud.RoleLease})
}
