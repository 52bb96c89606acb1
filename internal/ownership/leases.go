package ownership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// notInNames are characters that names of launch templates do not take.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
var notInNames = regexp.MustCompile(`[^A-Za-z0-9().\-/_]+`)

// leaseName is the launch template's. Creates compete for a name, other applies for what an
// owner has.
func leaseName(owner Owner) string {
	if owner.ID != "" {
		return "stamp-apply-" + owner.ID
	}
	const most = 60
	readable := notInNames.ReplaceAllString(owner.Name, "-")
	return fmt.Sprintf("stamp-create-%s-%s-%s", owner.Kind, readable[:min(len(readable), most)], digest(16, string(owner.Kind), owner.Name))
}

// text is what a version of the launch template says: at most 255 characters.
func (l *Lease) text() string {
	work, me := "apply", this()
	if l.create {
		work = "create"
	}
	text := fmt.Sprintf("work=%s owner=%s run=%s machine=%s pid=%d start=%s who=%s",
		work, l.Owner.ID, l.run, me.machine, me.pid, me.start, me.words)
	if len(l.replaces) > 0 {
		text += " replaces=" + strings.Join(l.replaces[:min(len(l.replaces), mostReplaced)], ",")
	}
	return text
}

// mostReplaced is how many owners fit into the text.
const mostReplaced = 2

// found is a lease that is there.
type found struct {
	template cloud.LaunchTemplate
	create   bool
	owner    string
	run      string
	holder   holder
	replaces []string
}

func parse(template cloud.LaunchTemplate) found {
	says := map[string]string{}
	for field := range strings.FieldsSeq(template.Description) {
		key, value, _ := strings.Cut(field, "=")
		says[key] = value
	}
	to := found{template: template, create: says["work"] == "create", run: says["run"]}
	if ValidID(says["owner"]) {
		to.owner = says["owner"]
	}
	to.holder = holder{machine: says["machine"], start: says["start"], words: cmp.Or(says["who"], "somebody")}
	to.holder.pid, _ = strconv.Atoi(says["pid"]) // zero is nobody
	for id := range strings.SplitSeq(says["replaces"], ",") {
		if ValidID(id) {
			to.replaces = append(to.replaces, id)
		}
	}
	return to
}

// watch looks at a lease that somebody else has, until it is clear whether he is alive.
type watch struct {
	lease *Lease
	// first is the last sign of life when it was seen first, since when that was.
	first string
	since time.Time
	told  bool
}

// pauses between two looks.
const lookEvery = 5 * time.Second

// untilDead returns the lease once its holder is dead, and nil when it is not there any
// more. The error is a *HeldError when the holder is alive.
func (w *watch) untilDead(ctx context.Context) (*found, error) {
	for {
		latest, there, err := w.lease.aws.LatestVersion(ctx, w.lease.name)
		if err != nil {
			return nil, err
		}
		if !there {
			// Gone, or made a moment ago and not visible yet.
			return nil, pause(ctx, time.Second)
		}
		is := parse(latest)
		if is.owner == "" {
			return nil, fmt.Errorf("launch template %s (%s) is not what this provider has made of it: delete it", latest.Name, w.lease.aws.Name())
		}
		sign := fmt.Sprint(latest.ID, latest.Version)
		if w.first == "" || !strings.HasPrefix(w.first, latest.ID) {
			w.first, w.since = sign, time.Now()
		}
		switch {
		case sign != w.first:
			return nil, &HeldError{Owner: w.lease.Owner, Who: is.holder.name(), Since: latest.VersionAt}
		case is.holder.gone(), latest.Age > staleAfter, time.Since(w.since) >= staleAfter:
			return &is, nil
		}
		if !w.told {
			w.told = true
			w.lease.progress.Printf("another apply has this name (%s, last heard of at %s): waiting for a sign of life until %s",
				is.holder.name(), latest.VersionAt.UTC().Format(time.TimeOnly), w.since.Add(staleAfter).UTC().Format(time.TimeOnly+" UTC"))
		}
		if err := pause(ctx, lookEvery); err != nil {
			return nil, fmt.Errorf("%w: %w", &HeldError{Owner: w.lease.Owner, Who: is.holder.name(), Since: latest.VersionAt}, err)
		}
	}
}

// name is the holder for people.
func (h holder) name() string { return fmt.Sprintf("%s, process %d", h.words, h.pid) }

func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Left is a lease that an apply has left whose process has died.
type Left struct {
	// Owner is whose work it was; Create is set when that was its create, so that no state
	// knows of it.
	Owner  Owner
	Create bool
	// Replaces are the owners that the create was to follow.
	Replaces []string

	templateID string
	// version is the number of the lease's latest version.
	version int
	// heard is the last sign of life, by this machine's clock.
	heard time.Time
}

// Leases are what there is of a name's leases.
type Leases struct {
	// Creating are the owners whose create has not ended: no state knows of them.
	Creating []string
	// Left are leases that were left: with no sign of life for three minutes, or by a process
	// of this machine that is gone.
	Left []Left
	// Known reports whether an owner is in a state that has been read: what it has left is
	// its own to clear. Nil knows none.
	Known func(ownerID string) bool

	// creates are those of creates that gave a sign of life since.
	creates []Left
}

// Observe reads the leases of a name: one request when there is none.
func Observe(ctx context.Context, aws AWS, owner Owner) (Leases, error) {
	return observe(ctx, aws, owner, "")
}

// Observe reads the other leases of the name: one request when there is none. A create that
// is to follow the owner is waited for until it has ended or is dead; the error is a
// *HeldError when it is alive.
func (l *Lease) Observe(ctx context.Context) (Leases, error) {
	follower := watch{lease: &Lease{Owner: l.Owner, aws: l.aws, progress: l.progress, name: leaseName(l.Owner.As(""))}}
	for {
		leases, err := observe(ctx, l.aws, l.Owner, l.name)
		if err != nil {
			return leases, err
		}
		young := slices.IndexFunc(leases.creates, func(left Left) bool { return left.Owner.ID != l.Owner.ID && left.follows(l.Owner) })
		if young < 0 {
			return leases, l.settle(ctx, leases)
		}
		dead, err := follower.untilDead(ctx)
		if err != nil {
			return leases, err
		}
		if dead != nil {
			leases.Left = append(leases.Left, leases.creates[young])
			return leases, nil
		}
	}
}

// settle waits until what others have left is visible that died just now: once their leases
// are cleared, nobody looks for it.
func (l *Lease) settle(ctx context.Context, leases Leases) error {
	var latest time.Time
	for _, left := range leases.Mine(l.Owner) {
		if left.Owner.ID != l.Owner.ID && left.heard.After(latest) {
			latest = left.heard
		}
	}
	return Settle(ctx, latest, l.progress)
}

// How long it may take until what a process has made that has just died is visible. EC2
// names no figure; it is seconds, as a rule.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const (
	visibleWithin = 20 * time.Second
	// recently is when a process gave its last sign of life that may have died just now.
	recently = 3 * time.Minute
)

// Settle waits until what a process has made is visible, which was heard of last at that
// time and is dead. The zero time is nobody's.
func Settle(ctx context.Context, heard time.Time, progress report.Progress) error {
	if heard.IsZero() || time.Since(heard) >= recently {
		return nil
	}
	progress.Printf("waiting %s, until what the apply that died has made is visible", visibleWithin)
	return pause(ctx, visibleWithin)
}

func observe(ctx context.Context, aws AWS, owner Owner, except string) (Leases, error) {
	var leases Leases
	templates, err := aws.LaunchTemplates(ctx, owner.Index().With(cloud.Tags{cloud.TagRole: cloud.RoleLease}))
	if err != nil {
		return leases, err
	}
	for _, template := range templates {
		if template.Name == except {
			continue
		}
		latest, there, err := aws.LatestVersion(ctx, template.Name)
		if err != nil {
			return leases, err
		}
		is := parse(latest)
		if !there || is.owner == "" {
			continue
		}
		if is.create {
			leases.Creating = append(leases.Creating, is.owner)
		}
		lease := Left{owner.As(is.owner), is.create, is.replaces, latest.ID, latest.Version, time.Now().Add(-latest.Age)}
		switch {
		case latest.Age > staleAfter, is.holder.gone():
			leases.Left = append(leases.Left, lease)
		case is.create:
			leases.creates = append(leases.creates, lease)
		}
	}
	return leases, nil
}

// Mine are those of the leases that were left which an owner may clear: its own, and those
// of creates that were to follow it, unless a state knows what they have made. That of its
// own create was left however young it is, unless it is the create that asks: with an owner
// in its state, Terraform is past that.
func (l Leases) Mine(owner Owner) []Left {
	mine := slices.DeleteFunc(slices.Clone(l.Left), func(left Left) bool {
		return left.Owner.ID != owner.ID && (!left.follows(owner) || l.Known != nil && l.Known(left.Owner.ID))
	})
	for _, left := range l.creates {
		if left.Owner.ID == owner.ID {
			mine = append(mine, left)
		}
	}
	return mine
}

// WithLost adds the successors of an owner whose create has ended, but that Terraform did not
// come to write down: it was killed in between. Others are owners that have something of the
// name. It is for an owner that the configuration has, and that has all that it had: a state
// with its successor has it as an object that is to be destroyed, if at all.
func (l Leases) WithLost(owner Owner, others []string) Leases {
	for _, id := range others {
		if Succeeds(id, owner.ID) && !slices.Contains(l.Creating, id) {
			l.Left = append(slices.Clip(l.Left), Left{Owner: owner.As(id), Create: true, Replaces: []string{owner.ID}})
		}
	}
	return l
}

// Unwritten are, of the others, the successors of an owner that is destroyed which no state
// that was read knows, and that nobody is creating: Terraform may have been killed before it
// wrote them down. They are not cleared, since another run may have written them down.
func (l Leases) Unwritten(owner Owner, others []string) []string {
	return slices.DeleteFunc(slices.Clone(others), func(id string) bool {
		return !Succeeds(id, owner.ID) || slices.Contains(l.Creating, id) || l.Known != nil && l.Known(id)
	})
}

// UnwrittenWarning says what a destroy may leave. What belongs to it is named, in the plural.
func UnwrittenWarning(owner Owner, id, things string) report.Warning {
	return report.Warning{
		Summary: fmt.Sprintf("What was to replace %s %s is left", owner.Kind.Words(), owner.Name),
		Detail: fmt.Sprintf("There are %s with the tag %s = %s (%s). They were made to replace what this destroy has removed, and no state that this run has read "+
			"knows them: Terraform may have been stopped just before it wrote them down. They are left, since another state may have them.\n\n"+
			"When none has: run terraform import 'ADDRESS' '%s@%s#%s' with the resource in the configuration, and terraform destroy again.",
			things, cloud.TagOwner, id, owner.Region, owner.Name, owner.Region, id),
	}
}

// OwnCreate reports whether the lease of an owner's own create is among those that it may
// clear: it could not be given up, and says that no state knows of the owner.
func (l Leases) OwnCreate(owner Owner) bool {
	return slices.ContainsFunc(l.Mine(owner), func(left Left) bool { return left.Create && left.Owner.ID == owner.ID })
}

// follows reports whether the lease is that of a create beside an owner that is there
// already. One that names nobody has come no further than to its lease.
func (l Left) follows(owner Owner) bool {
	return l.Create && (len(l.Replaces) == 0 || slices.Contains(l.Replaces, owner.ID))
}

// Claim takes over a create's lease before what its owner has left is cleared: a create that
// goes on with it at the same time must not lose what it is about to need. It is false when
// somebody else has gone on with it.
func (l Left) Claim(ctx context.Context, aws AWS) (claimed bool, err error) {
	if l.templateID == "" {
		return true, nil // its create had ended: nobody goes on with it
	}
	lease := Lease{
		Owner: l.Owner, aws: aws, create: l.Create, run: newID(), replaces: l.Replaces,
		template: cloud.LaunchTemplate{ID: l.templateID, Version: l.version},
	}
	err = lease.renew(ctx)
	if errors.Is(err, ErrLost) {
		return false, nil
	}
	return err == nil, err
}

// Clear deletes a lease that was left, after what its owner has left.
func (l Left) Clear(ctx context.Context, aws AWS) error {
	if l.templateID == "" {
		return nil // its create had ended
	}
	return aws.DeleteLaunchTemplate(ctx, l.templateID)
}
