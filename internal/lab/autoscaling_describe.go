package lab

import (
	"slices"
	"strings"
	"time"
)

type suspendedItem struct {
	Process string `xml:"ProcessName"`
	Reason  string `xml:"SuspensionReason"`
}

// memberItem is an instance of a group in an answer.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html
type memberItem struct {
	ID        string          `xml:"InstanceId"`
	Group     string          `xml:"AutoScalingGroupName,omitempty"`
	Type      string          `xml:"InstanceType"`
	Zone      string          `xml:"AvailabilityZone"`
	State     string          `xml:"LifecycleState"`
	Health    string          `xml:"HealthStatus"`
	Protected bool            `xml:"ProtectedFromScaleIn"`
	Template  scalingTemplate `xml:"LaunchTemplate"`
}

// scalingGroupItem is a group in an answer.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
type scalingGroupItem struct {
	Name        string            `xml:"AutoScalingGroupName"`
	ARN         string            `xml:"AutoScalingGroupARN"`
	Template    scalingTemplate   `xml:"LaunchTemplate"`
	Least       int               `xml:"MinSize"`
	Most        int               `xml:"MaxSize"`
	Desired     int               `xml:"DesiredCapacity"`
	Cooldown    int               `xml:"DefaultCooldown"`
	Warmup      *int              `xml:"DefaultInstanceWarmup"`
	Zones       []string          `xml:"AvailabilityZones"`
	Subnets     string            `xml:"VPCZoneIdentifier"`
	Targets     []string          `xml:"TargetGroupARNs"`
	Traffic     []trafficSource   `xml:"TrafficSources"`
	Checks      string            `xml:"HealthCheckType"`
	Grace       int               `xml:"HealthCheckGracePeriod"`
	Members     []memberItem      `xml:"Instances"`
	Created     time.Time         `xml:"CreatedTime"`
	Suspended   []suspendedItem   `xml:"SuspendedProcesses"`
	Tags        []scalingTagItem  `xml:"Tags"`
	Ends        []string          `xml:"TerminationPolicies"`
	Protects    bool              `xml:"NewInstancesProtectedFromScaleIn"`
	Maintenance *maintenanceParam `xml:"InstanceMaintenancePolicy"`
	Role        string            `xml:"ServiceLinkedRoleARN"`
	Spread      distributionParam `xml:"AvailabilityZoneDistribution"`
	Status      string            `xml:"Status,omitempty"`
}

type scalingGroupsOutput struct {
	Groups []scalingGroupItem `xml:"AutoScalingGroups"`
	Next   string             `xml:"NextToken,omitempty"`
}

type describeScalingInput struct {
	AutoScalingGroupNames []string
	scalingPages
}

// describeScalingGroups tells of the named groups that are there, or of all.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
func (r *region) describeScalingGroups(in *describeScalingInput) (*scalingGroupsOutput, *apiError) {
	chosen := slices.DeleteFunc(slices.Clone(r.scalingGroups.all()), func(g *scalingGroup) bool {
		return len(in.AutoScalingGroupNames) > 0 && !slices.Contains(in.AutoScalingGroupNames, g.name)
	})
	some, next, err := scalingPage(chosen, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &scalingGroupsOutput{Next: next}
	for _, g := range some {
		out.Groups = append(out.Groups, g.item())
	}
	return out, nil
}

func (g *scalingGroup) item() scalingGroupItem {
	item := scalingGroupItem{
		Name: g.name, ARN: g.arn, Template: g.template, Least: g.least, Most: g.most, Desired: g.desired,
		Cooldown: g.cooldown, Warmup: g.warmup, Targets: g.targets, Traffic: sourcesOf(g.targets),
		Checks: g.checks, Grace: g.grace, Created: g.created, Tags: g.tagItems(), Ends: g.policiesOfEnd,
		Protects: g.protectsNew, Role: g.role, Spread: distributionParam{g.distribution}, Status: onOff(g.deleting, "Delete in progress", ""),
	}
	var subnets []string
	for _, s := range g.subnets {
		subnets = append(subnets, s.id)
		if !slices.Contains(item.Zones, s.zone.name) {
			item.Zones = append(item.Zones, s.zone.name)
		}
	}
	slices.Sort(item.Zones)
	if !g.zonesNamed {
		item.Subnets = strings.Join(subnets, ",")
	}
	if g.healthyMin != nil {
		item.Maintenance = &maintenanceParam{g.healthyMin, g.healthyMax}
	}
	for _, m := range g.members {
		item.Members = append(item.Members, m.item())
	}
	for _, name := range g.suspended {
		item.Suspended = append(item.Suspended, suspendedItem{name, "User suspended"})
	}
	return item
}

func (m *scalingMember) item() memberItem {
	return memberItem{
		ID: m.instance.id, Type: m.instance.kind.name, Zone: m.instance.launch.subnet.zone.name, State: m.state,
		Health: onOff(m.unhealthy, "Unhealthy", "Healthy"), Protected: m.protected, Template: m.template,
	}
}

type describeMembersInput struct {
	InstanceIds []string
	scalingPages
}

type membersOutput struct {
	Members []memberItem `xml:"AutoScalingInstances"`
	Next    string       `xml:"NextToken,omitempty"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html
func (r *region) describeMembers(in *describeMembersInput) (*membersOutput, *apiError) {
	var chosen []*instance
	for _, g := range r.scalingGroups.all() {
		for _, m := range g.members {
			if len(in.InstanceIds) == 0 || slices.Contains(in.InstanceIds, m.instance.id) {
				chosen = append(chosen, m.instance)
			}
		}
	}
	slices.SortFunc(chosen, func(a, b *instance) int { return a.seq - b.seq })
	some, next, err := scalingPage(chosen, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &membersOutput{Next: next}
	for _, i := range some {
		item := i.member.item()
		item.Group = i.member.group.name
		// This call says it in capitals.
		item.Health = strings.ToUpper(item.Health)
		out.Members = append(out.Members, item)
	}
	return out, nil
}
