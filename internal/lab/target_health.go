package lab

import (
	"strconv"
	"time"
)

// States of a target and their reasons.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
const (
	targetInitial   = "initial"
	targetHealthy   = "healthy"
	targetUnhealthy = "unhealthy"
	targetUnused    = "unused"
	targetDraining  = "draining"
)

// targetHealth is a target's health in an answer.
type targetHealth struct {
	State       string `xml:"State"`
	Reason      string `xml:"Reason,omitempty"`
	Description string `xml:"Description,omitempty"`
}

var (
	healthOK       = targetHealth{State: targetHealthy}
	healthChecking = targetHealth{targetInitial, "Elb.InitialHealthChecking", "Initial health checks in progress"}
	healthTimeout  = targetHealth{targetUnhealthy, "Target.Timeout", "Request timed out"}
	healthDraining = targetHealth{targetDraining, "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	healthNoUse    = targetHealth{
		targetUnused, "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer",
	}
	healthNoZone = targetHealth{
		targetUnused, "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer",
	}
	healthAbsent = targetHealth{targetUnused, "Target.NotRegistered", "Target is not registered to the target group"}
)

// health is what a load balancer says of a target now.
func (r *region) health(t *target, now time.Time) targetHealth {
	used := r.balancerOf(t.of)
	behind := r.behind(t)
	switch {
	case t.draining:
		return healthDraining
	case used == nil:
		return healthNoUse
	case behind != nil && behind.state != stateRunning && behind.state != statePending:
		state := onOff(behind.state == stateStopping || behind.state == stateStopped, stateStopped, stateTerminated)
		return targetHealth{targetUnused, "Target.InvalidState", "Target is in the " + state + " state"}
	case behind != nil && !used.serves(behind.launch.subnet.zone):
		return healthNoZone
	}
	return r.checked(t, behind, now)
}

// behind is the instance that answers for a target; nil for an address that no
// instance has.
func (r *region) behind(t *target) *instance {
	if t.of.kind == targetInstance {
		return r.instances.get(t.id)
	}
	for _, card := range r.interfaces.all() {
		if card.address.String() == t.id {
			return card.instance
		}
	}
	return nil
}

// checked is the outcome of the health checks so far. What really was asked of a
// guest counts; without a guest a running instance answers unless it is impaired.
// A new target is healthy after one good check; one that was, is unhealthy after as
// many bad ones as the threshold says.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
func (r *region) checked(t *target, behind *instance, now time.Time) targetHealth {
	begun := latest(t.registered, t.of.usedSince)
	if behind != nil {
		begun = latest(begun, behind.since)
	}
	every := r.lapse(t.of.health.interval)
	failing, broken := begun, true
	if behind != nil {
		if t.probes.made && behind.machine.on && behind.impairedSince.IsZero() && behind.state == stateRunning {
			return t.probes.outcome
		}
		broken = !behind.impairedSince.IsZero() || behind.state != stateRunning
		failing = latest(begun, behind.impairedSince)
	}
	switch {
	case !broken && behind.machine.on:
		return healthChecking // the first probe is on its way
	case !broken && now.Before(begun.Add(every)):
		return healthChecking
	case !broken:
		return healthOK
	case !now.Before(failing.Add(time.Duration(t.of.health.unhealthy) * every)):
		return healthTimeout
	case failing.After(begun.Add(every)):
		return healthOK // not yet found out
	}
	return healthChecking
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// targetItem is a target in an answer.
type targetItem struct {
	ID   string `xml:"Id"`
	Port int    `xml:"Port"`
	Zone string `xml:"AvailabilityZone,omitempty"`
}

type targetHealthItem struct {
	Target     targetItem   `xml:"Target"`
	HealthPort string       `xml:"HealthCheckPort,omitempty"`
	Health     targetHealth `xml:"TargetHealth"`
}

type targetHealthOutput struct {
	Targets []targetHealthItem `xml:"TargetHealthDescriptions"`
}

// describeTargetHealth tells of all registered targets, or of those that are asked
// for, registered or not.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
func (r *region) describeTargetHealth(in *targetsInput) (*targetHealthOutput, *apiError) {
	group, err := r.targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	r.forgetTargets(group)
	now := r.now()
	out := &targetHealthOutput{}
	if len(in.Targets) == 0 {
		for _, t := range group.targets {
			out.Targets = append(out.Targets, r.targetHealthItem(t, now))
		}
		return out, nil
	}
	for _, asked := range in.Targets {
		if group.kind == targetInstance && !wellFormed(asked.Id, "i") {
			return nil, validation("Instance ID '%s' is not valid", asked.Id)
		}
		found := group.named(asked)
		for _, t := range found {
			out.Targets = append(out.Targets, r.targetHealthItem(t, now))
		}
		switch {
		case len(found) > 0:
		case group.kind == targetInstance && r.instances.get(asked.Id) == nil:
			return nil, fail("InvalidTarget", "The following targets are not valid instances: '%s'", asked.Id)
		default:
			out.Targets = append(out.Targets, targetHealthItem{
				Target: targetItem{ID: asked.Id, Port: group.portOf(asked)}, Health: healthAbsent,
			})
		}
	}
	return out, nil
}

func (r *region) targetHealthItem(t *target, now time.Time) targetHealthItem {
	item := targetHealthItem{Target: targetItem{ID: t.id, Port: t.port, Zone: t.zone}, Health: r.health(t, now)}
	if item.Health.State != targetUnused || item.Health.Reason != healthNoUse.Reason {
		item.HealthPort = t.of.health.port
		if item.HealthPort == trafficPort {
			item.HealthPort = strconv.Itoa(t.port)
		}
	}
	return item
}

// forgetTargets takes out the instances that EC2 knows no more.
func (r *region) forgetTargets(group *targetGroup) {
	if group.kind != targetInstance {
		return
	}
	var gone []*target
	for _, t := range group.targets {
		if r.instances.get(t.id) == nil {
			gone = append(gone, t)
		}
	}
	group.remove(gone)
}
