package lab

import "slices"

var scalingTrafficActions = map[string]action{
	"AttachLoadBalancerTargetGroups":   scaled((*region).attachTargetGroups),
	"DetachLoadBalancerTargetGroups":   scaled((*region).detachTargetGroups),
	"DescribeLoadBalancerTargetGroups": scaled((*region).describeAttachedTargetGroups),
	"AttachTrafficSources":             scaled((*region).attachTraffic),
	"DetachTrafficSources":             scaled((*region).detachTraffic),
	"DescribeTrafficSources":           scaled((*region).describeTraffic),
}

// trafficSource is where traffic of a group comes from: in the lab a target group.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TrafficSourceIdentifier.html
type trafficSource struct {
	Identifier string `xml:"Identifier"`
	Type       string `xml:"Type"`
}

// trafficELB is the type of a target group.
const trafficELB = "elbv2"

func sourcesOf(arns []string) []trafficSource {
	var sources []trafficSource
	for _, arn := range arns {
		sources = append(sources, trafficSource{arn, trafficELB})
	}
	return sources
}

// trafficTargets are the target groups that are named in the two ways.
func (r *region) trafficTargets(arns []string, sources []trafficSource) ([]string, *apiError) {
	all := slices.Clone(arns)
	for _, source := range sources {
		if source.Type != "" && source.Type != trafficELB {
			return nil, validation("In the lab traffic comes from target groups, not from '%s'", source.Type)
		}
		all = append(all, source.Identifier)
	}
	for _, arn := range all {
		if r.targetGroups.get(arn) == nil {
			return nil, validation("Provided Target Groups may not be valid. Please ensure they exist and try again.")
		}
	}
	return all, nil
}

type targetGroupsInput struct {
	AutoScalingGroupName string
	TargetGroupARNs      []string
}

type trafficInput struct {
	AutoScalingGroupName string
	TrafficSources       []trafficSource
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachLoadBalancerTargetGroups.html
func (r *region) attachTargetGroups(in *targetGroupsInput) (*nothing, *apiError) {
	return r.attach(in.AutoScalingGroupName, in.TargetGroupARNs, nil)
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachTrafficSources.html
func (r *region) attachTraffic(in *trafficInput) (*nothing, *apiError) {
	return r.attach(in.AutoScalingGroupName, nil, in.TrafficSources)
}

// attach registers the instances that are in service with further target groups.
func (r *region) attach(name string, arns []string, sources []trafficSource) (*nothing, *apiError) {
	g, err := r.scalingGroup(name)
	if err != nil {
		return nil, err
	}
	added, err := r.trafficTargets(arns, sources)
	if err != nil {
		return nil, err
	}
	for _, arn := range added {
		if !slices.Contains(g.targets, arn) {
			g.targets = append(g.targets, arn)
		}
	}
	for _, m := range g.alive() {
		if m.state == memberInService && !g.pauses(processAdd) {
			g.register(m, r.now())
		}
	}
	return &nothing{}, nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachLoadBalancerTargetGroups.html
func (r *region) detachTargetGroups(in *targetGroupsInput) (*nothing, *apiError) {
	return r.detach(in.AutoScalingGroupName, in.TargetGroupARNs)
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachTrafficSources.html
func (r *region) detachTraffic(in *trafficInput) (*nothing, *apiError) {
	var arns []string
	for _, source := range in.TrafficSources {
		arns = append(arns, source.Identifier)
	}
	return r.detach(in.AutoScalingGroupName, arns)
}

// detach takes the group's instances out of target groups; they stay in service.
func (r *region) detach(name string, arns []string) (*nothing, *apiError) {
	g, err := r.scalingGroup(name)
	if err != nil {
		return nil, err
	}
	for _, m := range g.members {
		g.deregister(m, arns)
	}
	g.targets = slices.DeleteFunc(g.targets, func(arn string) bool { return slices.Contains(arns, arn) })
	return &nothing{}, nil
}

type describeTrafficInput struct {
	AutoScalingGroupName, TrafficSourceType string
	scalingPages
}

type attachedItem struct {
	ARN   string `xml:"LoadBalancerTargetGroupARN"`
	State string `xml:"State"`
}

type attachedOutput struct {
	Groups []attachedItem `xml:"LoadBalancerTargetGroups"`
}

// attachedState is that of a target group in which instances in service are.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LoadBalancerTargetGroupState.html
const attachedState = "InService"

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeLoadBalancerTargetGroups.html
func (r *region) describeAttachedTargetGroups(in *describeTrafficInput) (*attachedOutput, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	out := &attachedOutput{}
	for _, arn := range g.targets {
		out.Groups = append(out.Groups, attachedItem{arn, attachedState})
	}
	return out, nil
}

type trafficItem struct {
	Identifier string `xml:"Identifier"`
	Type       string `xml:"Type"`
	State      string `xml:"State"`
}

type trafficOutput struct {
	Sources []trafficItem `xml:"TrafficSources"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeTrafficSources.html
func (r *region) describeTraffic(in *describeTrafficInput) (*trafficOutput, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	out := &trafficOutput{}
	for _, arn := range g.targets {
		if in.TrafficSourceType == "" || in.TrafficSourceType == trafficELB {
			out.Sources = append(out.Sources, trafficItem{arn, trafficELB, attachedState})
		}
	}
	return out, nil
}
