package lab

import (
	"slices"
)

var scalingPolicyActions = map[string]action{
	"PutScalingPolicy": scaled((*region).putPolicy),
	"DescribePolicies": scaled((*region).describeScalingPolicies),
	"DeletePolicy":     scaled((*region).deletePolicy),
}

// trackingPolicy is the one type of policy that the lab keeps. It has no metrics, so
// a policy never changes a group, and has no alarms.
const trackingPolicy = "TargetTrackingScaling"

// scalingMetric is a metric that AWS names, metricParam one that somebody describes.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
type scalingMetric struct {
	PredefinedMetricType string `xml:"PredefinedMetricType"`
	ResourceLabel        string `xml:"ResourceLabel,omitempty"`
}

type metricDimension struct {
	Name  string `xml:"Name"`
	Value string `xml:"Value"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CustomizedMetricSpecification.html
type metricParam struct {
	MetricName string            `xml:"MetricName"`
	Namespace  string            `xml:"Namespace"`
	Dimensions []metricDimension `xml:"Dimensions"`
	Statistic  string            `xml:"Statistic"`
	Unit       string            `xml:"Unit,omitempty"`
	Period     *int              `xml:"Period"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TargetTrackingConfiguration.html
type trackingParam struct {
	PredefinedMetricSpecification *scalingMetric `xml:"PredefinedMetricSpecification"`
	CustomizedMetricSpecification *metricParam   `xml:"CustomizedMetricSpecification"`
	TargetValue                   *float64       `xml:"TargetValue"`
	DisableScaleIn                *bool          `xml:"DisableScaleIn"`
}

// scalingPolicy is a policy of a group; its id is its name.
type scalingPolicy struct {
	object
	group    *scalingGroup
	arn      string
	tracking trackingParam
	warmup   *int
	enabled  bool
}

type putPolicyInput struct {
	AutoScalingGroupName, PolicyName, PolicyType string
	TargetTrackingConfiguration                  *trackingParam
	EstimatedInstanceWarmup                      *int
	// Cooldown is for simple scaling; with target tracking it says nothing.
	Cooldown *int
	Enabled  *bool
}

type putPolicyOutput struct {
	ARN    string   `xml:"PolicyARN"`
	Alarms []string `xml:"Alarms"`
}

// predefinedMetrics are those of AWS.
var predefinedMetrics = []string{
	"ASGAverageCPUUtilization", "ASGAverageNetworkIn", "ASGAverageNetworkOut", "ALBRequestCountPerTarget",
}

// putPolicy makes a policy, or puts another in its place.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
func (r *region) putPolicy(in *putPolicyInput) (*putPolicyOutput, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	made := g.policies.get(in.PolicyName)
	if made == nil {
		made = &scalingPolicy{object: r.object("policy", tagMap{}), group: g}
		made.arn = r.arn("autoscaling", "scalingPolicy:"+r.ids.uuid()+":autoScalingGroupName/"+g.name+":policyName/"+in.PolicyName)
		made.id = in.PolicyName
		g.policies.put(made)
	}
	made.tracking, made.warmup, made.enabled = *in.TargetTrackingConfiguration, in.EstimatedInstanceWarmup, in.Enabled == nil || *in.Enabled
	return &putPolicyOutput{ARN: made.arn}, nil
}

func (in *putPolicyInput) check() *apiError {
	tracking := in.TargetTrackingConfiguration
	switch {
	case in.PolicyName == "":
		return validation("PolicyName must be specified")
	case in.PolicyType != trackingPolicy:
		return validation("In the lab the type of a scaling policy is %s, not '%s'", trackingPolicy, in.PolicyType)
	case tracking == nil:
		return validation("TargetTrackingConfiguration is required for the policy type %s", trackingPolicy)
	case tracking.TargetValue == nil:
		return validation("TargetValue must be specified")
	case (tracking.PredefinedMetricSpecification == nil) == (tracking.CustomizedMetricSpecification == nil):
		return validation("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified")
	case tracking.PredefinedMetricSpecification != nil && !slices.Contains(predefinedMetrics, tracking.PredefinedMetricSpecification.PredefinedMetricType):
		return validation("'%s' is not a valid predefined metric", tracking.PredefinedMetricSpecification.PredefinedMetricType)
	}
	return nil
}

// policyItem is a policy in an answer.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ScalingPolicy.html
type policyItem struct {
	Group    string        `xml:"AutoScalingGroupName"`
	Name     string        `xml:"PolicyName"`
	ARN      string        `xml:"PolicyARN"`
	Type     string        `xml:"PolicyType"`
	Warmup   *int          `xml:"EstimatedInstanceWarmup"`
	Tracking trackingParam `xml:"TargetTrackingConfiguration"`
	Enabled  bool          `xml:"Enabled"`
	Alarms   []string      `xml:"Alarms"`
}

type describePoliciesInput struct {
	AutoScalingGroupName     string
	PolicyNames, PolicyTypes []string
	scalingPages
}

type policiesOutput struct {
	Policies []policyItem `xml:"ScalingPolicies"`
	Next     string       `xml:"NextToken,omitempty"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribePolicies.html
func (r *region) describeScalingPolicies(in *describePoliciesInput) (*policiesOutput, *apiError) {
	if in.AutoScalingGroupName != "" {
		if _, err := r.scalingGroup(in.AutoScalingGroupName); err != nil {
			return nil, err
		}
	}
	var chosen []*scalingPolicy
	for _, g := range r.scalingGroups.all() {
		for _, p := range g.policies.all() {
			named := len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.id) || slices.Contains(in.PolicyNames, p.arn)
			typed := len(in.PolicyTypes) == 0 || slices.Contains(in.PolicyTypes, trackingPolicy)
			if named && typed && (in.AutoScalingGroupName == "" || in.AutoScalingGroupName == g.name) {
				chosen = append(chosen, p)
			}
		}
	}
	slices.SortFunc(chosen, func(a, b *scalingPolicy) int { return a.seq - b.seq })
	some, next, err := scalingPage(chosen, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &policiesOutput{Next: next}
	for _, p := range some {
		out.Policies = append(out.Policies, policyItem{
			Group: p.group.name, Name: p.id, ARN: p.arn, Type: trackingPolicy, Warmup: p.warmup, Tracking: p.tracking, Enabled: p.enabled,
		})
	}
	return out, nil
}

type deletePolicyInput struct{ AutoScalingGroupName, PolicyName string }

// deletePolicy deletes by name within a group, or by ARN.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeletePolicy.html
func (r *region) deletePolicy(in *deletePolicyInput) (*nothing, *apiError) {
	for _, g := range r.scalingGroups.all() {
		if in.AutoScalingGroupName != "" && in.AutoScalingGroupName != g.name {
			continue
		}
		for _, p := range g.policies.all() {
			if p.arn == in.PolicyName || p.id == in.PolicyName && in.AutoScalingGroupName != "" {
				g.policies.remove(p.id)
				return &nothing{}, nil
			}
		}
	}
	return nil, validation("No such policy: %s", in.PolicyName)
}
