package lab_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

func TestScaling_refusals(t *testing.T) {
	s := startScaling(t)
	s.make(t, 0)
	for name, test := range map[string]struct {
		change groupChange
		want   string
	}{
		"the same name":         {func(in *autoscaling.CreateAutoScalingGroupInput) { in.AutoScalingGroupName = aws.String("web") }, "AlreadyExists"},
		"a colon":               {func(in *autoscaling.CreateAutoScalingGroupInput) { in.AutoScalingGroupName = aws.String("a:b") }, "ValidationError"},
		"bounds crossed":        {func(in *autoscaling.CreateAutoScalingGroupInput) { in.MinSize = aws.Int32(11) }, "ValidationError"},
		"desired out of bounds": {func(in *autoscaling.CreateAutoScalingGroupInput) { in.DesiredCapacity = aws.Int32(11) }, "ValidationError"},
		"no subnet":             {func(in *autoscaling.CreateAutoScalingGroupInput) { in.VPCZoneIdentifier = nil }, "ValidationError"},
		"a subnet of nobody": {func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.VPCZoneIdentifier = aws.String("subnet-0123456789abcdef0")
		}, "ValidationError"},
		"no template": {func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate = nil }, "ValidationError"},
		"no such template": {func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.LaunchTemplate.LaunchTemplateName = aws.String("none")
		}, "ValidationError"},
		"no such version":      {func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate.Version = aws.String("7") }, "ValidationError"},
		"no such target group": {func(in *autoscaling.CreateAutoScalingGroupInput) { in.TargetGroupARNs = []string{"arn:aws:x"} }, "ValidationError"},
		"checks of others":     {func(in *autoscaling.CreateAutoScalingGroupInput) { in.HealthCheckType = aws.String("VPC_LATTICE") }, "ValidationError"},
		"what the lab has not": {func(in *autoscaling.CreateAutoScalingGroupInput) { in.MaxInstanceLifetime = aws.Int32(86400) }, "ValidationError"},
		"a tag of AWS's": {func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.Tags = []astypes.Tag{{Key: aws.String("aws:x"), Value: aws.String("y")}}
		}, "ValidationError"},
	} {
		in := s.groupInput(0, func(in *autoscaling.CreateAutoScalingGroupInput) { in.AutoScalingGroupName = aws.String("other") }, test.change)
		_, err := s.groups.CreateAutoScalingGroup(t.Context(), in)
		if got := code(t, err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	_, err := s.groups.PutWarmPool(t.Context(), &autoscaling.PutWarmPoolInput{AutoScalingGroupName: aws.String("web")})
	if got := code(t, err); got != "InvalidAction" {
		t.Errorf("an action that the lab does not know: %q", got)
	}
}

func TestScaling_describes(t *testing.T) {
	s := startScaling(t)
	s.make(t, 0, func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.VPCZoneIdentifier, in.AvailabilityZones = nil, []string{"us-east-1b", "us-east-1a"}
		in.HealthCheckGracePeriod = aws.Int32(300)
	})
	group := s.group(t)
	want := astypes.AutoScalingGroup{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(10), DesiredCapacity: aws.Int32(0),
		AvailabilityZones: []string{"us-east-1a", "us-east-1b"}, VPCZoneIdentifier: aws.String(""), DefaultCooldown: aws.Int32(300),
		HealthCheckType: aws.String("EC2"), HealthCheckGracePeriod: aws.Int32(300), TerminationPolicies: []string{"Default"},
		NewInstancesProtectedFromScaleIn: aws.Bool(false), Instances: []astypes.Instance{}, SuspendedProcesses: []astypes.SuspendedProcess{},
		Tags: []astypes.TagDescription{}, TargetGroupARNs: []string{}, TrafficSources: []astypes.TrafficSourceIdentifier{},
		AvailabilityZoneDistribution: &astypes.AvailabilityZoneDistribution{
			CapacityDistributionStrategy: astypes.CapacityDistributionStrategyBalancedBestEffort,
		},
		CreatedTime: group.CreatedTime, AutoScalingGroupARN: group.AutoScalingGroupARN, ServiceLinkedRoleARN: group.ServiceLinkedRoleARN,
		LaunchTemplate: &astypes.LaunchTemplateSpecification{
			LaunchTemplateId: group.LaunchTemplate.LaunchTemplateId, LaunchTemplateName: aws.String("web"), Version: aws.String("1"),
		},
	}
	if diff := cmp.Diff(want, group, ignoreDocuments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScaling_tags(t *testing.T) {
	s := startScaling(t)
	s.make(t, 0)
	tag := func(key, value string) astypes.Tag {
		return astypes.Tag{
			Key: &key, Value: &value, ResourceId: aws.String("web"), ResourceType: aws.String("auto-scaling-group"), PropagateAtLaunch: aws.Bool(true),
		}
	}
	if _, err := s.groups.CreateOrUpdateTags(t.Context(), &autoscaling.CreateOrUpdateTagsInput{
		Tags: []astypes.Tag{tag("a", "1"), tag("b", "2"), tag("c", "3")},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.groups.DeleteTags(t.Context(), &autoscaling.DeleteTagsInput{Tags: []astypes.Tag{tag("b", "")}}); err != nil {
		t.Fatal(err)
	}
	read := func(filters ...astypes.Filter) map[string]string {
		t.Helper()
		out, err := s.groups.DescribeTags(t.Context(), &autoscaling.DescribeTagsInput{Filters: filters})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, tag := range out.Tags {
			got[*tag.Key] = *tag.Value
		}
		return got
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "c": "3"}, read()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	byKey := astypes.Filter{Name: aws.String("key"), Values: []string{"c", "b"}}
	ofGroup := astypes.Filter{Name: aws.String("auto-scaling-group"), Values: []string{"web"}}
	if diff := cmp.Diff(map[string]string{"c": "3"}, read(byKey, ofGroup)); diff != "" {
		t.Errorf("filtered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{}, read(astypes.Filter{Name: aws.String("auto-scaling-group"), Values: []string{"other"}})); diff != "" {
		t.Errorf("of another group (-want +got):\n%s", diff)
	}
}

func TestScaling_policies(t *testing.T) {
	s := startScaling(t)
	s.make(t, 0)
	in := &autoscaling.PutScalingPolicyInput{
		AutoScalingGroupName: aws.String("web"), PolicyName: aws.String("cpu"), PolicyType: aws.String("TargetTrackingScaling"),
		TargetTrackingConfiguration: &astypes.TargetTrackingConfiguration{
			TargetValue:                   aws.Float64(50),
			PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{PredefinedMetricType: astypes.MetricTypeASGAverageCPUUtilization},
		},
	}
	made, err := s.groups.PutScalingPolicy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	in.TargetTrackingConfiguration.TargetValue = aws.Float64(60)
	again, err := s.groups.PutScalingPolicy(t.Context(), in)
	if err != nil || *again.PolicyARN != *made.PolicyARN {
		t.Errorf("changed: %v, %v", again, err)
	}
	read := func() []astypes.ScalingPolicy {
		out, err := s.groups.DescribePolicies(t.Context(), &autoscaling.DescribePoliciesInput{
			AutoScalingGroupName: aws.String("web"), PolicyNames: []string{"cpu"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.ScalingPolicies
	}
	if got := read(); len(got) != 1 || *got[0].TargetTrackingConfiguration.TargetValue != 60 || !*got[0].Enabled {
		t.Errorf("policies %v", got)
	}
	if _, err := s.groups.DeletePolicy(t.Context(), &autoscaling.DeletePolicyInput{PolicyName: made.PolicyARN}); err != nil {
		t.Fatal(err)
	}
	if got := read(); len(got) != 0 {
		t.Errorf("deleted, and there: %v", got)
	}
	in.PolicyType, in.TargetTrackingConfiguration = aws.String("SimpleScaling"), nil
	if _, err := s.groups.PutScalingPolicy(t.Context(), in); code(t, err) != "ValidationError" {
		t.Errorf("another type: %v", err)
	}
}

// Instances in service are targets; what a load balancer finds unhealthy is replaced.
func TestScaling_targets(t *testing.T) {
	labtest.Bubble(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		b := &balancing{ec2: s.ec2, elb: elb.NewFromConfig(s.shared), vpc: defaultVPC(t, s.ec2)}
		arn := *b.group(t, "web").TargetGroupArn
		b.use(t, arn)
		s.make(t, 2, func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.TargetGroupARNs, in.HealthCheckType = []string{arn}, aws.String("ELB")
			in.VPCZoneIdentifier, in.AvailabilityZones = nil, []string{"us-east-1a", "us-east-1b"}
		})
		ids := s.inService(t, 2)
		b.expect(t, "launched", arn, "healthy, healthy")

		if err := inside.SetState(ids[0], "impaired"); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		if after := s.inService(t, 2); slices.Contains(after, ids[0]) || !slices.Contains(after, ids[1]) {
			t.Errorf("of %v there are %v, want the first one replaced", ids, after)
		}
		b.expect(t, "replaced", arn, "healthy, healthy")

		detach := &autoscaling.DetachLoadBalancerTargetGroupsInput{AutoScalingGroupName: aws.String("web"), TargetGroupARNs: []string{arn}}
		if _, err := s.groups.DetachLoadBalancerTargetGroups(t.Context(), detach); err != nil {
			t.Fatal(err)
		}
		b.expect(t, "detached", arn, "")
		attach := &autoscaling.AttachTrafficSourcesInput{
			AutoScalingGroupName: aws.String("web"), TrafficSources: []astypes.TrafficSourceIdentifier{{Identifier: &arn, Type: aws.String("elbv2")}},
		}
		if _, err := s.groups.AttachTrafficSources(t.Context(), attach); err != nil {
			t.Fatal(err)
		}
		b.expect(t, "attached", arn, "healthy, healthy")
		s.desire(t, 1)
		s.inService(t, 1)
		b.expect(t, "scaled in", arn, "healthy")
	})
}

// An instance that leaves is drained before it is terminated.
func TestScaling_drains(t *testing.T) {
	labtest.Bubble(t, lab.Options{Weather: "aws"}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		b := &balancing{ec2: s.ec2, elb: elb.NewFromConfig(s.shared), vpc: defaultVPC(t, s.ec2)}
		arn := *b.group(t, "web").TargetGroupArn
		b.use(t, arn)
		<-time.After(time.Minute)
		s.make(t, 1, func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.TargetGroupARNs = []string{arn}
			in.VPCZoneIdentifier, in.AvailabilityZones = nil, []string{"us-east-1a"}
		})
		<-time.After(5 * time.Minute)
		ids := s.inService(t, 1)
		s.desire(t, 0)
		<-time.After(4 * time.Minute)
		b.expect(t, "scaled in", arn, "draining Target.DeregistrationInProgress")
		if activity := s.activities(t)[0]; activity.StatusCode != astypes.ScalingActivityStatusCodeWaitingForELBConnectionDraining {
			t.Errorf("the activity is %s", activity.StatusCode)
		}
		if state := describe(t, s.ec2, ids...)[0].State.Name; state != "running" {
			t.Errorf("while it is drained the instance is %s", state)
		}
		<-time.After(5 * time.Minute)
		if state := describe(t, s.ec2, ids...)[0].State.Name; state != "terminated" {
			t.Errorf("drained, the instance is %s", state)
		}
		s.inService(t, 0)
	})
}
