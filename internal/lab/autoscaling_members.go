package lab

import (
	"slices"
	"strings"
	"time"
)

// States of an instance in a group.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
const (
	memberPending     = "Pending"
	memberInService   = "InService"
	memberTerminating = "Terminating"
)

// scalingMember is an instance in its group.
type scalingMember struct {
	group    *scalingGroup
	instance *instance
	state    string
	// since is when it came into service.
	since     time.Time
	unhealthy bool
	protected bool
	// noticed is when the group gets to know that the instance is no longer running.
	noticed time.Time
	// template is what it was launched from, with the version's number.
	template scalingTemplate
	// stale is the instance refresh that is to replace it, fresh the one that launched it.
	stale, fresh *instanceRefresh
	// activity is its launch, and later its end, as long as that is in progress.
	activity *scalingActivity
}

// changed is called when the instance enters a state.
func (m *scalingMember) changed(at time.Time) {
	g := m.group
	if i := m.instance; m.state != memberTerminating && i.state != statePending && i.state != stateRunning && m.noticed.IsZero() {
		m.noticed = at.Add(g.region.lab.takes(toNotice, i.id))
		g.wake(m.noticed)
		return
	}
	g.wake(at)
}

// leaving tells whether the group is ending the instance.
func (m *scalingMember) leaving() bool { return m.state == memberTerminating }

// alive are the members that count as capacity.
func (g *scalingGroup) alive() []*scalingMember {
	return slices.DeleteFunc(slices.Clone(g.members), (*scalingMember).leaving)
}

// wake lets the group look at itself at a time.
func (g *scalingGroup) wake(at time.Time) { g.region.lab.agenda.add(at, g.settle) }

// Times between two looks at a group for what nobody tells it of: health by status
// checks and by load balancers, and time that has passed. See toNotice.
const (
	scalingPollHurried = time.Second
	scalingPoll        = 15 * time.Second
)

// poll looks at the group for as long as it exists.
func (g *scalingGroup) poll(from time.Time) {
	every := scalingPoll
	if g.region.lab.hurried() {
		every = scalingPollHurried
	}
	g.region.lab.agenda.add(from.Add(every), func(at time.Time) {
		if g.region.scalingGroups.get(g.id) == g {
			g.settle(at)
			g.poll(at)
		}
	})
}

// settle lets a group see what is and do what is necessary. It may be called at any
// time and as often as one likes.
func (g *scalingGroup) settle(at time.Time) {
	if g.region.scalingGroups.get(g.id) != g {
		return
	}
	g.meet(at)
	g.check(at)
	g.refresh(at)
	g.fit(at)
	if g.deleting && len(g.members) == 0 {
		g.region.scalingGroups.remove(g.id)
	}
}

// meet takes in the instances that run, and lets go of those that have ended.
func (g *scalingGroup) meet(at time.Time) {
	for _, m := range slices.Clone(g.members) {
		switch {
		case m.leaving() && m.instance.state == stateTerminated:
			m.activity.end(activitySuccessful, "", at)
			m.instance.member = nil
			g.members = slices.DeleteFunc(g.members, func(other *scalingMember) bool { return other == m })
		case m.state == memberPending && m.instance.state == stateRunning:
			m.state, m.since = memberInService, at
			m.activity.end(activitySuccessful, "", at)
			if !g.pauses(processAdd) {
				g.register(m, at)
			}
			g.wake(at.Add(g.warmupOf(m)))
		}
	}
}

// register makes an instance a target of the group's target groups.
func (g *scalingGroup) register(m *scalingMember, at time.Time) {
	for _, arn := range g.targets {
		_, err := g.region.registerTargets(&targetsInput{TargetGroupArn: arn, Targets: []targetParam{{Id: m.instance.id}}})
		if err != nil {
			g.note("Registering an instance: "+m.instance.id, "", at).end(activityFailed, err.message, at)
		}
	}
}

// deregister answers how long connections are drained.
func (g *scalingGroup) deregister(m *scalingMember, arns []string) (drains time.Duration) {
	for _, arn := range arns {
		found := g.region.targetGroups.get(arn)
		if found == nil || found.target(m.instance.id, found.port) == nil {
			continue
		}
		if g.region.balancerOf(found) != nil {
			drains = max(drains, g.region.lapse(found.number(drainAttribute)))
		}
		g.region.drain(found, found.named(targetParam{Id: m.instance.id}))
	}
	return drains
}

// check replaces the instances that are not healthy. One that no longer runs is
// replaced even in the grace period.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html
func (g *scalingGroup) check(at time.Time) {
	if g.pauses(processCheck) {
		return
	}
	for _, m := range g.alive() {
		why := g.ailment(m, at)
		if why == "" {
			continue
		}
		m.unhealthy = true
		if m.state == memberPending {
			// What does not even start is not tried again at once.
			g.retryAt = at.Add(launchRetry)
			g.wake(g.retryAt)
			m.activity.end(activityCancelled, "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: "+
				m.instance.transition, at)
		}
		if !g.pauses(processReplace) && !g.pauses(processTerminate) {
			g.retire(m, at, moment(at)+"an instance was taken out of service in response to "+why)
		}
	}
}

// ailment is what is wrong with an instance; empty if nothing is.
func (g *scalingGroup) ailment(m *scalingMember, at time.Time) string {
	i := m.instance
	if i.state != statePending && i.state != stateRunning {
		if at.Before(m.noticed) {
			return ""
		}
		return "an EC2 health check indicating it has been terminated or stopped."
	}
	if m.state != memberInService || at.Before(m.since.Add(g.region.lapse(g.grace))) {
		return ""
	}
	switch {
	case i.health(at) == checkImpaired:
		return "an EC2 instance status checks failure."
	case strings.Contains(g.checks, checkELB) && g.balanced(m, at) == targetUnhealthy:
		return "an ELB system health check failure."
	}
	return ""
}

// balanced is the worst that load balancers say of an instance: unhealthy, initial or
// healthy. A target group that is not in use says nothing.
func (g *scalingGroup) balanced(m *scalingMember, at time.Time) string {
	worst := targetHealthy
	for _, arn := range g.targets {
		of := g.region.targetGroups.get(arn)
		if of == nil {
			continue
		}
		for _, t := range of.named(targetParam{Id: m.instance.id}) {
			switch g.region.health(t, at).State {
			case targetUnhealthy:
				return targetUnhealthy
			case targetInitial:
				worst = targetInitial
			}
		}
	}
	return worst
}

// retire ends an instance: it leaves its target groups, its connections are drained,
// and it is terminated, also if it is protected against termination by others.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
func (g *scalingGroup) retire(m *scalingMember, at time.Time, cause string) {
	m.activity.end(activityCancelled, "", at)
	m.state = memberTerminating
	m.activity = g.note("Terminating EC2 instance: "+m.instance.id, cause, at)
	end := func(at time.Time) {
		if m.instance.live() {
			g.region.endLater([]*instance{m.instance}, reasonUserShutdown, at)
		}
		g.wake(at)
	}
	if drains := g.deregister(m, g.targets); drains > 0 {
		m.activity.status = activityDraining
		g.region.lab.agenda.add(at.Add(drains), end)
		return
	}
	end(at)
}
