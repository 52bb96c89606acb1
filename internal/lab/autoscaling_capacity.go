package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// launchRetry is how long a group waits after a launch that failed. It is not zero in
// any weather, or a group would try for ever at one point of time.
const launchRetry = 30 * time.Second

// codeNoCapacity is the error of a launch that would succeed at another time.
const codeNoCapacity = "InsufficientInstanceCapacity"

// Tags of AWS's that an instance of a group has.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
const tagScalingGroup = "aws:autoscaling:groupName"

// wanted is how many instances the group is to have now.
func (g *scalingGroup) wanted() int {
	if running := g.refreshing(); running != nil {
		return g.desired + running.surplus()
	}
	return g.desired
}

// fit launches what is missing and ends what is too much.
func (g *scalingGroup) fit(at time.Time) {
	alive := g.alive()
	missing := g.wanted() - len(alive)
	switch {
	case missing > 0 && !g.pauses(processLaunch) && !at.Before(g.retryAt):
		g.launch(missing, at)
	case missing < 0 && !g.pauses(processTerminate):
		for _, m := range g.surplus(alive, -missing) {
			cause := strings.TrimSpace(fmt.Sprintf("%s %san instance was taken out of service in response to a difference between desired and actual capacity, "+
				"shrinking the capacity from %d to %d.", g.cause, moment(at), len(alive), len(alive)+missing))
			g.retire(m, at, cause)
		}
	}
	if len(g.alive()) == g.desired {
		g.cause = ""
	}
}

// launch launches instances, in each zone as many as in the others as far as there is
// room. What does not succeed in one subnet is tried in the others.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
func (g *scalingGroup) launch(missing int, at time.Time) {
	cause := g.causeOfLaunch(missing, at)
	full := map[*subnet]bool{}
	for missing > 0 {
		shares, order := g.share(missing, full)
		if len(order) == 0 {
			g.retryAt = at.Add(launchRetry)
			g.wake(g.retryAt)
			return
		}
		for _, in := range order {
			made, err := g.launchIn(in, shares[in], cause, at)
			missing -= made
			if err == nil {
				continue
			}
			full[in] = true
			if g.distribution == balancedOnly {
				for _, other := range g.subnets {
					full[other] = true
				}
			}
			if len(full) == len(g.subnets) {
				g.note("Launching a new EC2 instance.  Status Reason: "+err.message+" Launching EC2 instance failed.", cause, at).
					end(activityFailed, err.message+" Launching EC2 instance failed.", at)
			}
		}
	}
}

// causeOfLaunch is why instances are launched, in the words of an activity.
func (g *scalingGroup) causeOfLaunch(missing int, at time.Time) string {
	before := len(g.alive())
	switch {
	case g.cause != "":
		return fmt.Sprintf("%s %san instance was started in response to a difference between desired and actual capacity, "+
			"increasing the capacity from %d to %d.", g.cause, moment(at), before, before+missing)
	case g.refreshing() != nil:
		return moment(at) + "an instance was launched in response to an instance refresh."
	}
	return moment(at) + "an instance was launched in response to an unhealthy instance needing to be replaced."
}

// share spreads instances over the zones and their subnets: each goes where there are
// the fewest.
func (g *scalingGroup) share(missing int, full map[*subnet]bool) (shares map[*subnet]int, order []*subnet) {
	zones, subnets := map[zone]int{}, map[*subnet]int{}
	for _, m := range g.alive() {
		zones[m.instance.launch.subnet.zone]++
		subnets[m.instance.launch.subnet]++
	}
	open := slices.DeleteFunc(slices.Clone(g.subnets), func(s *subnet) bool { return full[s] })
	if len(open) == 0 {
		return nil, nil
	}
	shares = map[*subnet]int{}
	for range missing {
		chosen := slices.MinFunc(open, func(a, b *subnet) int {
			return cmp.Or(zones[a.zone]-zones[b.zone], subnets[a]-subnets[b])
		})
		zones[chosen.zone]++
		subnets[chosen]++
		if shares[chosen] == 0 {
			order = append(order, chosen)
		}
		shares[chosen]++
	}
	return shares, order
}

// launchIn launches instances in a subnet. It may launch fewer, and then there is an
// error too.
func (g *scalingGroup) launchIn(in *subnet, count int, cause string, at time.Time) (made int, err *apiError) {
	template := g.launchTemplate()
	planned, err := g.region.planMember(template, in, count)
	if err != nil {
		return 0, err
	}
	marks := tagMap{tagScalingGroup: g.name}
	for key, tag := range g.groupTags {
		if isTrue(tag.PropagateAtLaunch) {
			marks[key] = tag.Value
		}
	}
	tags := planned.tags["instance"]
	planned.tags["instance"] = tags.with(marks)
	g.region.start(planned, at)
	template.LaunchTemplateId, template.LaunchTemplateName = g.region.templateNames(template)
	template.Version = tags[tagTemplateVersion]
	for _, i := range planned.instances {
		i.member = &scalingMember{
			group: g, instance: i, state: memberPending, template: template, protected: g.protectsNew, fresh: g.refreshing(),
			activity: g.note("Launching a new EC2 instance: "+i.id, cause, at),
		}
		g.members = append(g.members, i.member)
	}
	if len(planned.instances) < count {
		return len(planned.instances), planned.noRoom()
	}
	return count, nil
}

// planMember checks a launch of instances of a group. The group's subnet goes before
// what the template says of the network.
func (r *region) planMember(template scalingTemplate, in *subnet, count int) (*launch, *apiError) {
	one := 1
	asked := &runInstancesInput{
		MinCount: &one, MaxCount: &count,
		LaunchTemplate: &templateParam{template.LaunchTemplateId, template.LaunchTemplateName, template.Version},
	}
	if template.LaunchTemplateId != "" {
		asked.LaunchTemplate.LaunchTemplateName = ""
	}
	merged, marks, err := r.fromTemplate(asked)
	if err != nil {
		return nil, err
	}
	if len(merged.NetworkInterface) > 0 {
		merged.NetworkInterface = slices.Clone(merged.NetworkInterface)
		merged.NetworkInterface[0].SubnetId = in.id
	} else {
		merged.SubnetId = in.id
	}
	planned, err := r.planLaunch(merged)
	if err != nil {
		return nil, err
	}
	planned.request, planned.tags["instance"] = asked, planned.tags["instance"].with(marks)
	return planned, nil
}

// templateNames are both names of a template that is there.
func (r *region) templateNames(named scalingTemplate) (id, name string) {
	if found := r.templates.get(named.LaunchTemplateId); found != nil {
		return found.id, found.name
	}
	if found := r.templateNamed(named.LaunchTemplateName); found != nil {
		return found.id, found.name
	}
	return named.LaunchTemplateId, named.LaunchTemplateName
}

// defaultEnd is the termination policy of a group that names none.
const defaultEnd = "Default"

// endOrders say which of two instances ends first, by termination policy.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
var endOrders = map[string]func(a, b *scalingMember) int{
	"OldestInstance":            func(a, b *scalingMember) int { return a.instance.seq - b.instance.seq },
	"NewestInstance":            func(a, b *scalingMember) int { return b.instance.seq - a.instance.seq },
	"OldestLaunchTemplate":      func(a, b *scalingMember) int { return cmp.Compare(a.age(), b.age()) },
	"ClosestToNextInstanceHour": func(a, b *scalingMember) int { return cmp.Compare(b.minute(), a.minute()) },
	defaultEnd: func(a, b *scalingMember) int {
		return cmp.Or(cmp.Compare(a.age(), b.age()), cmp.Compare(b.minute(), a.minute()), a.instance.seq-b.instance.seq)
	},
}

// age orders members by their launch template: another template than the group's is
// older than any version of that.
func (m *scalingMember) age() int {
	if m.template.LaunchTemplateId != m.group.template.LaunchTemplateId {
		return 0
	}
	number := 0
	_, _ = fmt.Sscan(m.template.Version, &number) // a version of a launched instance is a number
	return number
}

// minute is how far the instance is in its hour.
func (m *scalingMember) minute() time.Duration {
	return m.group.region.now().Sub(m.instance.launched) % time.Hour
}

// surplus chooses what ends. Those that wait to be replaced by a refresh go first; then
// the zones are kept in balance, then the termination policies decide. A protected
// instance stays.
func (g *scalingGroup) surplus(alive []*scalingMember, count int) []*scalingMember {
	zones := map[zone]int{}
	for _, m := range alive {
		zones[m.instance.launch.subnet.zone]++
	}
	open := slices.DeleteFunc(slices.Clone(alive), func(m *scalingMember) bool { return m.protected && !g.deleting })
	var chosen []*scalingMember
	for range min(count, len(open)) {
		first := slices.MinFunc(open, func(a, b *scalingMember) int {
			order := cmp.Or(rank(a.stale == nil)-rank(b.stale == nil),
				zones[b.instance.launch.subnet.zone]-zones[a.instance.launch.subnet.zone])
			for _, name := range g.policiesOfEnd {
				order = cmp.Or(order, endOrders[name](a, b))
			}
			return cmp.Or(order, a.instance.seq-b.instance.seq)
		})
		zones[first.instance.launch.subnet.zone]--
		chosen = append(chosen, first)
		open = slices.DeleteFunc(open, func(m *scalingMember) bool { return m == first })
	}
	return chosen
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}
