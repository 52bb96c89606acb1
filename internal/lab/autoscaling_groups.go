package lab

import (
	"slices"
	"strings"
	"time"
)

var scalingGroupActions = map[string]action{
	"CreateAutoScalingGroup":    scaled((*region).createScalingGroup),
	"UpdateAutoScalingGroup":    scaled((*region).updateScalingGroup),
	"DescribeAutoScalingGroups": scaled((*region).describeScalingGroups),
	"DeleteAutoScalingGroup":    scaled((*region).deleteScalingGroup),
	"SetDesiredCapacity":        scaled((*region).setDesiredCapacity),
	"SuspendProcesses":          scaled((*region).suspendProcesses),
	"ResumeProcesses":           scaled((*region).resumeProcesses),
}

// scalingGroup is one Auto Scaling group. Its id is its name.
type scalingGroup struct {
	object
	scalingSpec
	region  *region
	name    string
	arn     string
	created time.Time
	// members are its instances, in order of their launch.
	members []*scalingMember
	// groupTags are its tags by key: those of object, with whether instances get them.
	groupTags map[string]scalingTag
	// targets are the ARNs of its target groups.
	targets []string
	// suspended are the processes that are suspended.
	suspended []string
	// activities and refreshes are what it did, the newest first.
	activities []*scalingActivity
	refreshes  []*instanceRefresh
	policies   table[*scalingPolicy]
	// cause is why its capacity is changing, in the words of an activity.
	cause string
	// retryAt is when a launch that failed is tried again.
	retryAt time.Time
	// deleting is set once it is to be deleted with its instances.
	deleting bool
}

// scalingSpec is what can be asked of a group.
type scalingSpec struct {
	least, most, desired int
	template             scalingTemplate
	subnets              []*subnet
	// zonesNamed tells whether zones were named, not subnets.
	zonesNamed             bool
	checks                 string
	grace, cooldown        int
	warmup                 *int
	policiesOfEnd          []string
	protectsNew            bool
	healthyMin, healthyMax *int
	role                   string
	distribution           string
}

// scalingTemplate names a launch template and its version.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplateSpecification.html
type scalingTemplate struct {
	LaunchTemplateId   string `xml:"LaunchTemplateId"`
	LaunchTemplateName string `xml:"LaunchTemplateName"`
	Version            string `xml:"Version,omitempty"`
}

// maintenanceParam is InstanceMaintenancePolicy; -1 takes a bound away.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html
type maintenanceParam struct {
	MinHealthyPercentage *int `xml:"MinHealthyPercentage"`
	MaxHealthyPercentage *int `xml:"MaxHealthyPercentage"`
}

// distributionParam says what becomes of a launch that fails in a zone: it is tried in
// another one, or in that one again.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AvailabilityZoneDistribution.html
type distributionParam struct {
	CapacityDistributionStrategy string `xml:"CapacityDistributionStrategy"`
}

const (
	balancedBestEffort = "balanced-best-effort"
	balancedOnly       = "balanced-only"
)

// scalingParams are what creation and update have in common.
type scalingParams struct {
	AutoScalingGroupName                   string
	MinSize, MaxSize, DesiredCapacity      *int
	LaunchTemplate                         *scalingTemplate
	VPCZoneIdentifier                      string
	AvailabilityZones, TerminationPolicies []string
	HealthCheckType                        string
	HealthCheckGracePeriod                 *int
	DefaultCooldown, DefaultInstanceWarmup *int
	NewInstancesProtectedFromScaleIn       *bool
	InstanceMaintenancePolicy              *maintenanceParam
	CapacityRebalance                      *bool
	DesiredCapacityType                    string
	ServiceLinkedRoleARN                   string
	AvailabilityZoneDistribution           *distributionParam
}

type createScalingInput struct {
	scalingParams
	TargetGroupARNs []string
	TrafficSources  []trafficSource
	Tags            []scalingTag
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
func (r *region) createScalingGroup(in *createScalingInput) (*nothing, *apiError) {
	if err := checkScalingName(in.AutoScalingGroupName); err != nil {
		return nil, err
	}
	if r.scalingGroups.get(in.AutoScalingGroupName) != nil {
		return nil, fail("AlreadyExists", "AutoScalingGroup by this name already exists - A group with the name %s already exists", in.AutoScalingGroupName)
	}
	if in.MinSize == nil || in.MaxSize == nil {
		return nil, validation("MinSize and MaxSize must be specified")
	}
	if in.LaunchTemplate == nil {
		return nil, validation("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
	}
	if len(in.AvailabilityZones) == 0 && in.VPCZoneIdentifier == "" {
		return nil, validation("At least one Availability Zone or VPC Subnet is required.")
	}
	made := &scalingGroup{region: r, name: in.AutoScalingGroupName, created: r.now(), groupTags: map[string]scalingTag{}}
	made.scalingSpec = scalingSpec{
		desired: *in.MinSize, checks: checkEC2, cooldown: 300, policiesOfEnd: []string{defaultEnd}, distribution: balancedBestEffort,
		role: "arn:aws:iam::" + r.account.id + ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
	}
	var err *apiError
	if made.scalingSpec, err = r.specified(made.scalingSpec, &in.scalingParams); err != nil {
		return nil, err
	}
	if made.targets, err = r.trafficTargets(in.TargetGroupARNs, in.TrafficSources); err != nil {
		return nil, err
	}
	if err := made.tag(in.Tags); err != nil {
		return nil, err
	}
	made.object = r.object("asg", made.tags)
	made.id, made.arn = made.name, r.arn("autoscaling", "autoScalingGroup:"+r.ids.uuid()+":autoScalingGroupName/"+made.name)
	r.scalingGroups.put(made)
	made.because("a user request created an AutoScalingGroup changing the desired capacity from 0 to %d.", made.desired)
	made.act()
	made.poll(r.now())
	return &nothing{}, nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
func (r *region) updateScalingGroup(in *scalingParams) (*nothing, *apiError) {
	found, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if found.deleting {
		return nil, fail("ScalingActivityInProgress", "You cannot update an AutoScalingGroup that is being deleted.")
	}
	changed, err := r.specified(found.scalingSpec, in)
	if err != nil {
		return nil, err
	}
	if changed.desired != found.desired {
		found.because("a user request update of AutoScalingGroup constraints to min: %d, max: %d, desired: %d changing the desired capacity from %d to %d.",
			changed.least, changed.most, changed.desired, found.desired, changed.desired)
	}
	found.scalingSpec = changed
	found.act()
	return &nothing{}, nil
}

// specified puts parameters over what a group is.
func (r *region) specified(spec scalingSpec, in *scalingParams) (scalingSpec, *apiError) {
	for _, apply := range []func(*scalingSpec, *scalingParams) *apiError{
		specifyBounds, r.specifyNetwork, specifyHealth, specifyRest, specifyMaintenance, r.specifyTemplate,
	} {
		if err := apply(&spec, in); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

// specifyBounds checks the capacity. An update that does not name the desired
// capacity moves it into the new bounds.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
func specifyBounds(spec *scalingSpec, in *scalingParams) *apiError {
	set(&spec.least, in.MinSize)
	set(&spec.most, in.MaxSize)
	if spec.least < 0 || spec.most < 0 {
		return validation("Min and max size must not be negative")
	}
	if spec.least > spec.most {
		return validation("Max bound, %d, must be greater than or equal to min bound, %d", spec.most, spec.least)
	}
	if in.DesiredCapacity == nil {
		spec.desired = min(max(spec.desired, spec.least), spec.most)
		return nil
	}
	spec.desired = *in.DesiredCapacity
	if spec.desired < spec.least || spec.desired > spec.most {
		return validation("Desired capacity:%d must be between the specified min size:%d and max size:%d", spec.desired, spec.least, spec.most)
	}
	return nil
}

// set takes over a value that was given.
func set[T any](into *T, given *T) {
	if given != nil {
		*into = *given
	}
}

// specifyNetwork finds the subnets: the named ones, or the default ones of zones.
func (r *region) specifyNetwork(spec *scalingSpec, in *scalingParams) *apiError {
	var subnets []*subnet
	if in.VPCZoneIdentifier != "" {
		for id := range strings.SplitSeq(in.VPCZoneIdentifier, ",") {
			found := r.subnets.get(strings.TrimSpace(id))
			switch {
			case found == nil:
				return validation("The subnet ID '%s' does not exist", strings.TrimSpace(id))
			case len(subnets) > 0 && subnets[0].vpc != found.vpc:
				return validation("The subnets of a group must be in one VPC")
			}
			subnets = append(subnets, found)
		}
		spec.subnets, spec.zonesNamed = subnets, false
		return nil
	}
	for _, name := range in.AvailabilityZones {
		at := slices.IndexFunc(r.subnets.all(), func(s *subnet) bool { return s.defaultForZone && s.zone.name == name })
		if at < 0 {
			return validation("Invalid availability zones: %s", name)
		}
		subnets = append(subnets, r.subnets.all()[at])
	}
	if len(subnets) > 0 {
		spec.subnets, spec.zonesNamed = subnets, true
	}
	return nil
}

// Kinds of health checks.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
const (
	checkEC2 = "EC2"
	checkELB = "ELB"
)

func specifyHealth(spec *scalingSpec, in *scalingParams) *apiError {
	if in.HealthCheckType != "" {
		for kind := range strings.SplitSeq(in.HealthCheckType, ",") {
			if kind != checkEC2 && kind != checkELB {
				return validation("In the lab instances of a group are checked by EC2 and ELB, not by '%s'", kind)
			}
		}
		spec.checks = in.HealthCheckType
	}
	for _, given := range []*int{in.HealthCheckGracePeriod, in.DefaultCooldown} {
		if given != nil && *given < 0 {
			return validation("A number of seconds must not be negative")
		}
	}
	set(&spec.grace, in.HealthCheckGracePeriod)
	set(&spec.cooldown, in.DefaultCooldown)
	if given := in.DefaultInstanceWarmup; given != nil {
		// -1 takes the value away.
		spec.warmup = given
		if *given < 0 {
			spec.warmup = nil
		}
	}
	return nil
}

func specifyRest(spec *scalingSpec, in *scalingParams) *apiError {
	for _, name := range in.TerminationPolicies {
		if endOrders[name] == nil {
			return validation("The lab does not know the termination policy '%s'", name)
		}
	}
	if len(in.TerminationPolicies) > 0 {
		spec.policiesOfEnd = in.TerminationPolicies
	}
	if isTrue(in.CapacityRebalance) {
		return validation("In the lab groups do not rebalance their capacity")
	}
	if in.DesiredCapacityType != "" && in.DesiredCapacityType != "units" {
		return validation("In the lab the desired capacity of a group is in units, not in '%s'", in.DesiredCapacityType)
	}
	if given := in.AvailabilityZoneDistribution; given != nil {
		spec.distribution = given.CapacityDistributionStrategy
		if spec.distribution != balancedBestEffort && spec.distribution != balancedOnly {
			return validation("The lab does not know the capacity distribution strategy '%s'", spec.distribution)
		}
	}
	set(&spec.protectsNew, in.NewInstancesProtectedFromScaleIn)
	if in.ServiceLinkedRoleARN != "" {
		spec.role = in.ServiceLinkedRoleARN
	}
	return nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html
func specifyMaintenance(spec *scalingSpec, in *scalingParams) *apiError {
	policy := in.InstanceMaintenancePolicy
	if policy == nil {
		return nil
	}
	if policy.MinHealthyPercentage == nil || policy.MaxHealthyPercentage == nil {
		return validation("Both MinHealthyPercentage and MaxHealthyPercentage must be specified")
	}
	spec.healthyMin, spec.healthyMax = policy.MinHealthyPercentage, policy.MaxHealthyPercentage
	if *spec.healthyMin < 0 && *spec.healthyMax < 0 {
		spec.healthyMin, spec.healthyMax = nil, nil
		return nil
	}
	return checkPercentages(spec.healthyMin, spec.healthyMax)
}

// specifyTemplate finds the launch template and tries whether it could be launched.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/create-launch-template.html
func (r *region) specifyTemplate(spec *scalingSpec, in *scalingParams) *apiError {
	if in.LaunchTemplate == nil {
		return nil
	}
	complete, err := r.checkScalingTemplate(*in.LaunchTemplate, spec.subnets[0])
	if err != nil {
		return err
	}
	spec.template = complete
	return nil
}

// checkScalingTemplate completes a template's name by its id and the other way round.
func (r *region) checkScalingTemplate(named scalingTemplate, in *subnet) (scalingTemplate, *apiError) {
	if (named.LaunchTemplateId == "") == (named.LaunchTemplateName == "") {
		return named, validation("Valid requests must contain either launchTemplateId or LaunchTemplateName")
	}
	found, err := r.launchTemplate(templateRef{named.LaunchTemplateId, named.LaunchTemplateName})
	if err == nil {
		_, err = r.planMember(named, in, 1)
	}
	if err != nil && err.code != codeNoCapacity {
		return named, validation("You must use a valid fully-formed launch template. %s", err.message)
	}
	return scalingTemplate{found.id, found.name, named.Version}, nil
}
