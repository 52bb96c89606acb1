package lab

import (
	"net/netip"
	"slices"
	"time"
)

var targetActions = map[string]action{
	"RegisterTargets":      elb((*region).registerTargets),
	"DeregisterTargets":    elb((*region).deregisterTargets),
	"DescribeTargetHealth": elb((*region).describeTargetHealth),
}

// target is one registration: an instance or an address, at a port.
type target struct {
	of         *targetGroup
	id         string
	port       int
	zone       string
	registered time.Time
	// draining is set once it is deregistered, until the delay is over.
	draining bool
	// probes are the health checks that really were made.
	probes probes
}

// targetParam is one target in a request.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetDescription.html
type targetParam struct {
	Id               string
	Port             *int
	AvailabilityZone string
}

type targetsInput struct {
	TargetGroupArn string
	Targets        []targetParam
}

// Limits of a call and of a group.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
const maxTargets = 1000

// registerTargets registers all or none. A target that is draining is taken back.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
func (r *region) registerTargets(in *targetsInput) (*nothing, *apiError) {
	group, err := r.namedTargets(in)
	if err != nil {
		return nil, err
	}
	for _, asked := range in.Targets {
		if err := r.checkTarget(group, asked); err != nil {
			return nil, err
		}
	}
	now := r.now()
	var added []*target
	for _, asked := range in.Targets {
		found := group.target(asked.Id, group.portOf(asked))
		switch {
		case found == nil:
			added = append(added, &target{of: group, id: asked.Id, port: group.portOf(asked), zone: asked.AvailabilityZone, registered: now})
		case found.draining:
			found.draining, found.registered, found.probes = false, now, probes{}
		}
	}
	if len(group.targets)+len(added) > maxTargets {
		return nil, fail("TooManyTargets", "A target group can have at most %d targets", maxTargets)
	}
	group.targets = append(group.targets, added...)
	return &nothing{}, nil
}

func (r *region) namedTargets(in *targetsInput) (*targetGroup, *apiError) {
	group, err := r.targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) == 0 {
		return nil, validation("At least one target must be specified")
	}
	for _, asked := range in.Targets {
		if asked.Port != nil && !goodPort(*asked.Port) {
			return nil, badPort(*asked.Port)
		}
	}
	return group, nil
}

// checkTarget refuses what the group cannot take.
func (r *region) checkTarget(group *targetGroup, asked targetParam) *apiError {
	if group.kind == targetIP {
		return r.checkAddress(group, asked)
	}
	found := r.instances.get(asked.Id)
	switch {
	case !wellFormed(asked.Id, "i"):
		return validation("Instance ID '%s' is not valid", asked.Id)
	case asked.AvailabilityZone != "":
		return validation("You cannot specify an Availability Zone for a target in a target group with target type '%s'", group.kind)
	case found == nil:
		return fail("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", asked.Id)
	case found.state != stateRunning:
		return fail("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", asked.Id)
	case found.card.subnet.vpc != group.vpc:
		return fail("InvalidTarget", "The following targets are not in the target group VPC '%s': '%s'", group.vpc.id, asked.Id)
	}
	return nil
}

// privateRanges are the addresses outside of the VPC that a group takes.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
}

// allZones is the zone of a target outside of the VPC.
const allZones = "all"

func (r *region) checkAddress(group *targetGroup, asked targetParam) *apiError {
	address, bad := netip.ParseAddr(asked.Id)
	if bad != nil || !address.Is4() {
		return validation("The IP address '%s' is not a valid IPv4 address", asked.Id)
	}
	inside := group.vpc.cidr.Contains(address)
	private := slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool { return p.Contains(address) })
	switch {
	case !inside && !private:
		return validation("The IP address '%s' is not within a valid address range", asked.Id)
	case !inside && asked.AvailabilityZone != allZones:
		return validation("You must specify an Availability Zone of 'all' for the IP address '%s', which is outside of the VPC", asked.Id)
	}
	return nil
}

func (g *targetGroup) portOf(asked targetParam) int {
	if asked.Port != nil {
		return *asked.Port
	}
	return g.port
}

func (g *targetGroup) target(id string, port int) *target {
	at := slices.IndexFunc(g.targets, func(t *target) bool { return t.id == id && t.port == port })
	if at < 0 {
		return nil
	}
	return g.targets[at]
}

// named are the registrations that a request means: without a port all of the id.
func (g *targetGroup) named(asked targetParam) []*target {
	var found []*target
	for _, t := range g.targets {
		if t.id == asked.Id && (asked.Port == nil || t.port == *asked.Port) {
			found = append(found, t)
		}
	}
	return found
}

// deregisterTargets drains targets for the group's delay, then they are gone. One
// that is not registered is no error.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
func (r *region) deregisterTargets(in *targetsInput) (*nothing, *apiError) {
	group, err := r.namedTargets(in)
	if err != nil {
		return nil, err
	}
	for _, asked := range in.Targets {
		if group.kind == targetInstance && !wellFormed(asked.Id, "i") {
			return nil, validation("Instance ID '%s' is not valid", asked.Id)
		}
	}
	var leaving []*target
	for _, asked := range in.Targets {
		leaving = append(leaving, group.named(asked)...)
	}
	r.drain(group, leaving)
	return &nothing{}, nil
}

// drain begins the end of registrations. Only a load balancer drains: without one
// they are gone at once.
func (r *region) drain(group *targetGroup, leaving []*target) {
	if r.balancerOf(group) == nil {
		group.remove(leaving)
		return
	}
	now := r.now()
	var ending []*target
	for _, t := range leaving {
		if !t.draining {
			t.draining = true
			ending = append(ending, t)
		}
	}
	begun := now
	for _, t := range ending {
		t.registered = begun
	}
	delay := r.lapse(group.number(drainAttribute))
	r.lab.agenda.add(now.Add(delay), func(time.Time) {
		// One that was registered again meanwhile stays.
		group.remove(slices.DeleteFunc(ending, func(t *target) bool { return !t.draining || !t.registered.Equal(begun) }))
	})
}

func (g *targetGroup) remove(gone []*target) {
	g.targets = slices.DeleteFunc(g.targets, func(t *target) bool { return slices.Contains(gone, t) })
}

// lapse is how long some seconds of a setting take: none in weather in which nothing
// does.
func (r *region) lapse(seconds int) time.Duration {
	if r.lab.hurried() {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// hurried tells whether transitions take no time.
func (l *Lab) hurried() bool { return len(l.weather.times) == 0 }
