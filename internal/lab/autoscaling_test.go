package lab_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// scaling is a lab with a client for each of the services that groups are made with.
type scaling struct {
	lab     *lab.Lab
	shared  aws.Config
	ec2     *ec2.Client
	groups  *autoscaling.Client
	subnets string
}

func startScaling(t *testing.T) *scaling {
	t.Helper()
	server := labtest.Start(t, lab.Options{})
	return scalingOf(t, server.Lab, server.URL, nil)
}

func scalingOf(t *testing.T, inside *lab.Lab, endpoint string, client *http.Client) *scaling {
	t.Helper()
	shared := config(endpoint, "us-east-1", client)
	s := &scaling{lab: inside, shared: shared, ec2: ec2.NewFromConfig(shared), groups: autoscaling.NewFromConfig(shared)}
	out, err := s.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, subnet := range out.Subnets {
		ids = append(ids, *subnet.SubnetId)
	}
	s.subnets = strings.Join(ids, ",")
	return s
}

// template makes a launch template of that image.
func (s *scaling) template(t *testing.T, name, image string) {
	t.Helper()
	_, err := s.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: &image, InstanceType: types.InstanceTypeT3Micro,
			TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{{
				ResourceType: types.ResourceTypeInstance,
				Tags:         []types.Tag{{Key: aws.String("from"), Value: aws.String("template")}, {Key: aws.String("both"), Value: aws.String("template")}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newVersion adds a version to the template.
func (s *scaling) newVersion(t *testing.T, name string) {
	t.Helper()
	addVersionNamed := &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: &name, SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: types.InstanceTypeT3Small},
	}
	if _, err := s.ec2.CreateLaunchTemplateVersion(t.Context(), addVersionNamed); err != nil {
		t.Fatal(err)
	}
}

type groupChange = func(*autoscaling.CreateAutoScalingGroupInput)

// groupInput is a group "web" of a template "web", of that many instances and up to
// ten.
func (s *scaling) groupInput(size int32, change ...groupChange) *autoscaling.CreateAutoScalingGroupInput {
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(10), DesiredCapacity: &size,
		VPCZoneIdentifier: &s.subnets,
		LaunchTemplate:    &astypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("1")},
	}
	for _, apply := range change {
		apply(in)
	}
	return in
}

// make makes the template and the group.
func (s *scaling) make(t *testing.T, size int32, change ...groupChange) {
	t.Helper()
	s.template(t, "web", baseImage(t, s.ec2, "x86_64"))
	if _, err := s.groups.CreateAutoScalingGroup(t.Context(), s.groupInput(size, change...)); err != nil {
		t.Fatal(err)
	}
}

func (s *scaling) group(t *testing.T) astypes.AutoScalingGroup {
	t.Helper()
	out, err := s.groups.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.AutoScalingGroups) != 1 {
		t.Fatalf("%d groups, want 1", len(out.AutoScalingGroups))
	}
	return out.AutoScalingGroups[0]
}

// inService are the ids of the group's instances; all must be in service and healthy.
func (s *scaling) inService(t *testing.T, want int) []string {
	t.Helper()
	var ids []string
	for _, member := range s.group(t).Instances {
		if member.LifecycleState != astypes.LifecycleStateInService || *member.HealthStatus != "Healthy" {
			t.Errorf("%s is %s and %s", *member.InstanceId, member.LifecycleState, *member.HealthStatus)
		}
		ids = append(ids, *member.InstanceId)
	}
	if len(ids) != want {
		t.Fatalf("%d instances, want %d", len(ids), want)
	}
	return ids
}

func (s *scaling) desire(t *testing.T, size int32) {
	t.Helper()
	_, err := s.groups.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("web"), DesiredCapacity: &size})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scaling) suspend(t *testing.T, process string) {
	t.Helper()
	in := &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{process}}
	if _, err := s.groups.SuspendProcesses(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// activities are the group's, the newest first.
func (s *scaling) activities(t *testing.T) []astypes.Activity {
	t.Helper()
	out, err := s.groups.DescribeScalingActivities(t.Context(), &autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: aws.String("web")})
	if err != nil {
		t.Fatal(err)
	}
	return out.Activities
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(some, id) })
}

func TestScaling_launchesAcrossZones(t *testing.T) {
	s := startScaling(t)
	s.make(t, 4, func(in *autoscaling.CreateAutoScalingGroupInput) {
		in.Tags = []astypes.Tag{
			{Key: aws.String("both"), Value: aws.String("group"), PropagateAtLaunch: aws.Bool(true)},
			{Key: aws.String("own"), Value: aws.String("group"), PropagateAtLaunch: aws.Bool(false)},
		}
	})
	ids := s.inService(t, 4)

	zones := map[string]int{}
	for _, instance := range describe(t, s.ec2, ids...) {
		zones[*instance.Placement.AvailabilityZone]++
		tags := map[string]string{}
		for _, tag := range instance.Tags {
			tags[*tag.Key] = *tag.Value
		}
		delete(tags, "aws:ec2launchtemplate:id")
		want := map[string]string{"from": "template", "both": "group", "aws:autoscaling:groupName": "web", "aws:ec2launchtemplate:version": "1"}
		if diff := cmp.Diff(want, tags); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(map[string]int{"us-east-1a": 2, "us-east-1b": 1, "us-east-1c": 1}, zones); diff != "" {
		t.Errorf("zones (-want +got):\n%s", diff)
	}
	first := s.activities(t)[0]
	if first.StatusCode != astypes.ScalingActivityStatusCodeSuccessful || *first.Progress != 100 ||
		!strings.HasPrefix(*first.Description, "Launching a new EC2 instance: i-") || !strings.Contains(*first.Cause, "from 0 to 4") {
		t.Errorf("activity %s %q because %q", first.StatusCode, *first.Description, *first.Cause)
	}
}

func TestScaling_replacesWhatEnds(t *testing.T) {
	s := startScaling(t)
	s.make(t, 3)
	before := s.inService(t, 3)
	_, err := s.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: before[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.lab.SetState(before[1], "stopped"); err != nil {
		t.Fatal(err)
	}

	after := s.inService(t, 3)
	if kept := without(after, without(after, before)); !slices.Equal(kept, before[2:]) {
		t.Errorf("kept %v, want %v", kept, before[2:])
	}
	if state := describe(t, s.ec2, before[1])[0].State.Name; state != types.InstanceStateNameTerminated {
		t.Errorf("the stopped instance is %s, want terminated", state)
	}
}

func TestScaling_scales(t *testing.T) {
	s := startScaling(t)
	s.make(t, 2)
	s.inService(t, 2)

	s.desire(t, 5)
	grown := s.inService(t, 5)
	s.desire(t, 3)
	shrunk := s.inService(t, 3)
	if len(without(shrunk, grown)) > 0 {
		t.Errorf("%v were launched when the group shrank", without(shrunk, grown))
	}
	zones := map[string]int{}
	for _, instance := range describe(t, s.ec2, shrunk...) {
		zones[*instance.Placement.AvailabilityZone]++
	}
	if len(zones) != 3 {
		t.Errorf("the group shrank out of balance: %v", zones)
	}
	if _, err := s.groups.UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(4),
	}); err != nil {
		t.Fatal(err)
	}
	s.inService(t, 4)
}

func TestScaling_ends(t *testing.T) {
	s := startScaling(t)
	s.make(t, 2)
	s.inService(t, 2)
	remove := func(force bool) string {
		_, err := s.groups.DeleteAutoScalingGroup(t.Context(), &autoscaling.DeleteAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("web"), ForceDelete: &force,
		})
		return code(t, err)
	}
	if got := countLeftovers(s.lab, "auto-scaling-group"); got != 1 {
		t.Errorf("%d groups are left over, want 1", got)
	}
	if got := remove(false); got != "ResourceInUse" {
		t.Errorf("with instances: %q", got)
	}
	if got := remove(true); got != "" {
		t.Errorf("by force: %q", got)
	}
	if got := countLeftovers(s.lab, "instance") + countLeftovers(s.lab, "auto-scaling-group"); got != 0 {
		t.Errorf("%d things are left over", got)
	}
	if got := remove(true); got != "ValidationError" {
		t.Errorf("a group that is gone: %q", got)
	}
}

func TestScaling_endsOneInstance(t *testing.T) {
	s := startScaling(t)
	s.make(t, 2)
	ids := s.inService(t, 2)
	end := func(id string, decrement bool) string {
		_, err := s.groups.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{
			InstanceId: &id, ShouldDecrementDesiredCapacity: &decrement,
		})
		return code(t, err)
	}
	if got := end(ids[0], true); got != "" {
		t.Fatal(got)
	}
	if left := s.inService(t, 1); left[0] != ids[1] {
		t.Errorf("%s is left, want %s", left[0], ids[1])
	}
	if got := end(ids[1], false); got != "" {
		t.Fatal(got)
	}
	if again := s.inService(t, 1); again[0] == ids[1] {
		t.Error("the instance was not replaced")
	}
	if got := end(ids[0], false); got != "ValidationError" {
		t.Errorf("an instance that is gone: %q", got)
	}
}

func TestScaling_processesAreSuspended(t *testing.T) {
	s := startScaling(t)
	s.make(t, 1)
	ids := s.inService(t, 1)
	s.suspend(t, "Launch")
	if err := s.lab.SetState(ids[0], "terminated"); err != nil {
		t.Fatal(err)
	}
	s.inService(t, 0)
	if _, err := s.groups.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	s.inService(t, 1)
}

// A launch that fails is an activity that failed, and is tried again later.
func TestScaling_launchFails(t *testing.T) {
	labtest.Bubble(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		s.make(t, 0)
		if _, err := s.ec2.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("web")}); err != nil {
			t.Fatal(err)
		}
		s.desire(t, 1)
		<-time.After(time.Minute)
		s.inService(t, 0)
		failed := s.activities(t)
		if len(failed) < 2 || len(failed) > 4 {
			t.Errorf("%d activities in a minute", len(failed))
		}
		if failed[0].StatusCode != astypes.ScalingActivityStatusCodeFailed || !strings.Contains(*failed[0].StatusMessage, "does not exist") {
			t.Errorf("%s: %v", failed[0].StatusCode, failed[0].StatusMessage)
		}
	})
}

// Where every instance fails at once, a group does not try for ever at one moment.
func TestScaling_instancesFail(t *testing.T) {
	labtest.Bubble(t, lab.Options{Storm: &lab.Storm{FailedLaunch: 1}}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		s.make(t, 1)
		<-time.After(10 * time.Minute)
		s.inService(t, 0)
		if got := len(s.activities(t)); got < 10 || got > 60 {
			t.Errorf("%d activities in ten minutes", got)
		}
	})
}

// In weather in which things take time, an end is noticed and a launch is waited for.
func TestScaling_takesItsTime(t *testing.T) {
	labtest.Bubble(t, lab.Options{Weather: "aws"}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		s.make(t, 2)
		if got := len(s.group(t).Instances); got != 0 {
			t.Errorf("%d instances at once", got)
		}
		<-time.After(2 * time.Minute)
		ids := s.inService(t, 2)
		if err := inside.SetState(ids[0], "terminated"); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		if got := s.group(t).Instances; len(got) != 2 || *got[0].HealthStatus != "Healthy" {
			t.Errorf("noticed at once: %v", got)
		}
		<-time.After(6 * time.Minute)
		if after := s.inService(t, 2); slices.Contains(after, ids[0]) {
			t.Error("the instance was not replaced")
		}
	})
}
