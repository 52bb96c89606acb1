package lab

import (
	"slices"
	"time"
)

// States of an instance refresh.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
const (
	refreshPending     = "Pending"
	refreshRunning     = "InProgress"
	refreshSuccessful  = "Successful"
	refreshFailed      = "Failed"
	refreshCancelled   = "Cancelled"
	refreshGoingBack   = "RollbackInProgress"
	refreshWentBack    = "RollbackSuccessful"
	refreshBackFailed  = "RollbackFailed"
	refreshReasonSkips = "All instances in the Auto Scaling group match the desired configuration."
)

// refreshPatience is how long a refresh may make no progress before it fails.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
const refreshPatience = time.Hour

// What a refresh does with instances that are protected from scale-in.
const (
	protectedRefresh = "Refresh"
	protectedIgnore  = "Ignore"
	protectedWait    = "Wait"
)

// refreshParam are the preferences that the lab understands.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
type refreshParam struct {
	MinHealthyPercentage      *int   `xml:"MinHealthyPercentage"`
	MaxHealthyPercentage      *int   `xml:"MaxHealthyPercentage"`
	InstanceWarmup            *int   `xml:"InstanceWarmup"`
	SkipMatching              *bool  `xml:"SkipMatching"`
	AutoRollback              *bool  `xml:"AutoRollback"`
	ScaleInProtectedInstances string `xml:"ScaleInProtectedInstances,omitempty"`
	StandbyInstances          string `xml:"StandbyInstances,omitempty"`
}

// instanceRefresh is one rolling replacement of a group's instances.
type instanceRefresh struct {
	object
	group          *scalingGroup
	preferences    refreshParam
	desired        *scalingTemplate
	status, reason string
	started, ended time.Time
	// total is how many instances it set out to replace.
	total int
	// moved is when it last got ahead, left how many were left then.
	moved time.Time
	left  int
}

// refreshing is the refresh that is in progress; nil if none is.
func (g *scalingGroup) refreshing() *instanceRefresh {
	if len(g.refreshes) > 0 && g.refreshes[0].ended.IsZero() {
		return g.refreshes[0]
	}
	return nil
}

// launchTemplate is what instances are launched from: what a refresh in progress
// brings, or what the group has.
func (g *scalingGroup) launchTemplate() scalingTemplate {
	if running := g.refreshing(); running != nil && running.desired != nil && running.status != refreshGoingBack {
		return *running.desired
	}
	return g.template
}

// bounds are between how many healthy instances the refresh keeps the group, rounded
// in favour of those. Where both bounds are the desired capacity, one instance is
// launched first if the upper one was asked for, and ended first if it was not.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
func (f *instanceRefresh) bounds() (lower, upper int) {
	least, most := f.percentages()
	desired := f.group.desired
	lower, upper = (desired*least+99)/100, desired*most/100
	if lower == desired && upper == desired {
		if f.preferences.MaxHealthyPercentage != nil || f.group.healthyMax != nil {
			return lower, upper + 1
		}
		return lower - 1, upper
	}
	return lower, upper
}

// percentages are the preferences', the group's, or the default ones.
func (f *instanceRefresh) percentages() (least, most int) {
	least, most = 90, 100
	set(&least, f.group.healthyMin)
	set(&most, f.group.healthyMax)
	set(&least, f.preferences.MinHealthyPercentage)
	set(&most, f.preferences.MaxHealthyPercentage)
	return least, max(most, 100)
}

// stale are the instances that are still to be replaced.
func (f *instanceRefresh) stale() []*scalingMember {
	return slices.DeleteFunc(f.group.alive(), func(m *scalingMember) bool { return m.stale != f || f.spares(m) })
}

// spares tells whether the refresh leaves an instance alone.
func (f *instanceRefresh) spares(m *scalingMember) bool {
	return m.protected && f.preferences.ScaleInProtectedInstances == protectedIgnore
}

// surplus is how many instances more than desired there are to be now.
func (f *instanceRefresh) surplus() int {
	if f.status == refreshPending || f.group.pauses(processRefresh) {
		return 0
	}
	_, upper := f.bounds()
	return max(0, min(upper-f.group.desired, len(f.stale())))
}

// warmupOf is how long a new instance is not yet counted on.
func (g *scalingGroup) warmupOf(m *scalingMember) time.Duration {
	seconds := g.grace
	set(&seconds, g.warmup)
	if m.fresh != nil {
		set(&seconds, m.fresh.preferences.InstanceWarmup)
	}
	return g.region.lapse(seconds)
}

// ready tells whether the refresh may count on an instance.
func (f *instanceRefresh) ready(m *scalingMember, at time.Time) bool {
	if m.state != memberInService || m.unhealthy {
		return false
	}
	if m.stale == f {
		return true
	}
	return !at.Before(m.since.Add(f.group.warmupOf(m))) &&
		(f.group.checks == checkEC2 || f.group.balanced(m, at) == targetHealthy)
}

// refresh takes the refresh in progress a step further.
func (g *scalingGroup) refresh(at time.Time) {
	f := g.refreshing()
	if f == nil || g.deleting || g.pauses(processRefresh) {
		return
	}
	if f.status == refreshPending {
		f.status, f.started, f.moved = refreshRunning, at, at
	}
	ready := 0
	for _, m := range g.alive() {
		if f.ready(m, at) {
			ready++
		}
	}
	stale := f.stale()
	if len(stale) == 0 && ready >= g.desired && len(g.alive()) == g.desired {
		f.finish(at)
		return
	}
	lower, _ := f.bounds()
	for _, m := range stale {
		if ready <= lower {
			break
		}
		if !f.ready(m, at) || m.protected && f.preferences.ScaleInProtectedInstances != protectedRefresh {
			continue
		}
		ready--
		g.retire(m, at, moment(at)+"an instance was taken out of service in response to an instance refresh.")
	}
	f.persevere(at)
}

// persevere gives up when nothing has got ahead for too long.
func (f *instanceRefresh) persevere(at time.Time) {
	if left := f.toUpdate(at); left != f.left {
		f.left, f.moved = left, at
	}
	if at.Before(f.moved.Add(refreshPatience)) {
		return
	}
	f.reason = "The instance refresh made no progress for one hour."
	switch {
	case f.status == refreshGoingBack:
		f.status, f.ended = refreshBackFailed, at
	case isTrue(f.preferences.AutoRollback):
		f.goBack(at)
	default:
		f.status, f.ended = refreshFailed, at
	}
}

// goBack begins to replace what the refresh has launched by what the group was.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html
func (f *instanceRefresh) goBack(at time.Time) {
	f.status, f.moved = refreshGoingBack, at
	for _, m := range f.group.alive() {
		m.stale = nil
		if m.fresh == f {
			m.stale, m.fresh = f, nil
		}
	}
	f.group.wake(at)
}

// finish ends a refresh that has done its work; the group then is what it brought.
func (f *instanceRefresh) finish(at time.Time) {
	f.ended = at
	if f.status == refreshGoingBack {
		f.status = refreshWentBack
		return
	}
	f.status = refreshSuccessful
	if f.desired != nil {
		f.group.template = *f.desired
	}
}

// toUpdate is how many instances are not yet replaced by ones that are ready.
func (f *instanceRefresh) toUpdate(at time.Time) int {
	left := len(f.stale())
	for _, m := range f.group.alive() {
		if m.stale != f && m.fresh == f && !f.ready(m, at) {
			left++
		}
	}
	return min(f.total, left)
}
