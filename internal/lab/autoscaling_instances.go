package lab

import "slices"

var scalingInstanceActions = map[string]action{
	"DescribeAutoScalingInstances":        scaled((*region).describeMembers),
	"DescribeScalingActivities":           scaled((*region).describeActivities),
	"TerminateInstanceInAutoScalingGroup": scaled((*region).terminateMember),
	"SetInstanceProtection":               scaled((*region).protectMembers),
}

type terminateMemberInput struct {
	InstanceId                     string
	ShouldDecrementDesiredCapacity *bool
}

type activityOutput struct {
	Activity activityItem `xml:"Activity"`
}

// terminateMember ends one instance, for another one or for good.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html
func (r *region) terminateMember(in *terminateMemberInput) (*activityOutput, *apiError) {
	if in.ShouldDecrementDesiredCapacity == nil {
		return nil, validation("1 validation error detected: Value null at 'shouldDecrementDesiredCapacity' failed to satisfy constraint: " +
			"Member must not be null")
	}
	found := r.instances.get(in.InstanceId)
	if found == nil || found.member == nil || found.member.leaving() {
		return nil, validation("Instance Id not found - No managed instance found for instance ID: %s", in.InstanceId)
	}
	m, now := found.member, r.now()
	g := m.group
	cause := moment(now) + "an instance was taken out of service in response to a user request"
	if *in.ShouldDecrementDesiredCapacity {
		if g.desired == g.least {
			return nil, validation("Currently, desiredSize equals minSize (%d). Terminating instance without replacement will violate group's "+
				"min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.", g.least)
		}
		g.desired--
		cause += ", shrinking the capacity"
	}
	g.retire(m, now, cause+".")
	g.act()
	return &activityOutput{m.activity.item()}, nil
}

type protectInput struct {
	AutoScalingGroupName string
	InstanceIds          []string
	ProtectedFromScaleIn *bool
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html
func (r *region) protectMembers(in *protectInput) (*nothing, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	var chosen []*scalingMember
	for _, id := range in.InstanceIds {
		at := slices.IndexFunc(g.members, func(m *scalingMember) bool { return m.instance.id == id })
		if at < 0 {
			return nil, validation("The instance %s is not part of Auto Scaling group %s.", id, g.name)
		}
		chosen = append(chosen, g.members[at])
	}
	for _, m := range chosen {
		m.protected = isTrue(in.ProtectedFromScaleIn)
	}
	g.act()
	return &nothing{}, nil
}
