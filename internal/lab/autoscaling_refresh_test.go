package lab_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// second is the desired configuration of the template's second version.
var second = &astypes.DesiredConfiguration{
	LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("2")},
}

func (s *scaling) start(t *testing.T, in *autoscaling.StartInstanceRefreshInput) string {
	t.Helper()
	in.AutoScalingGroupName = aws.String("web")
	_, err := s.groups.StartInstanceRefresh(t.Context(), in)
	return code(t, err)
}

// refreshed is the newest refresh.
func (s *scaling) refreshed(t *testing.T) astypes.InstanceRefresh {
	t.Helper()
	out, err := s.groups.DescribeInstanceRefreshes(t.Context(), &autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("web")})
	if err != nil {
		t.Fatal(err)
	}
	return out.InstanceRefreshes[0]
}

// versions are those of the template that the group's instances are from.
func (s *scaling) versions(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, member := range s.group(t).Instances {
		all = append(all, *member.LaunchTemplate.Version)
	}
	return all
}

func TestRefresh_replacesAll(t *testing.T) {
	s := startScaling(t)
	s.make(t, 3)
	before := s.inService(t, 3)
	s.newVersion(t, "web")

	if got := s.start(t, &autoscaling.StartInstanceRefreshInput{DesiredConfiguration: second}); got != "" {
		t.Fatal(got)
	}
	after := s.inService(t, 3)
	if kept := without(before, without(before, after)); len(kept) > 0 {
		t.Errorf("%v were kept", kept)
	}
	refresh := s.refreshed(t)
	if refresh.Status != astypes.InstanceRefreshStatusSuccessful || *refresh.PercentageComplete != 100 || *refresh.InstancesToUpdate != 0 {
		t.Errorf("%s at %d%%, %d to update", refresh.Status, *refresh.PercentageComplete, *refresh.InstancesToUpdate)
	}
	if version := *s.group(t).LaunchTemplate.Version; version != "2" {
		t.Errorf("the group has version %s, want the refresh's", version)
	}

	skip := &astypes.RefreshPreferences{SkipMatching: aws.Bool(true)}
	if got := s.start(t, &autoscaling.StartInstanceRefreshInput{Preferences: skip}); got != "" {
		t.Fatal(got)
	}
	if again := s.inService(t, 3); !slices.Equal(again, after) {
		t.Error("instances that match were replaced")
	}
}

// watch looks at the group every second until the refresh has ended, and returns the
// fewest and the most instances that were in service.
func (s *scaling) watch(t *testing.T) (fewest, most int) {
	t.Helper()
	fewest = 1000
	for range 7200 {
		if end := s.refreshed(t).EndTime; end != nil {
			return fewest, most
		}
		serving := 0
		for _, member := range s.group(t).Instances {
			if member.LifecycleState == astypes.LifecycleStateInService {
				serving++
			}
		}
		fewest, most = min(fewest, serving), max(most, serving)
		<-time.After(time.Second)
	}
	t.Fatalf("after two hours the refresh is %s", s.refreshed(t).Status)
	return 0, 0
}

// A refresh keeps the bounds that it is given.
func TestRefresh_keepsHealthy(t *testing.T) {
	for name, test := range map[string]struct {
		preferences  *astypes.RefreshPreferences
		fewest, most int
	}{
		"one by one":         {nil, 3, 4},
		"by halves":          {&astypes.RefreshPreferences{MinHealthyPercentage: aws.Int32(50)}, 2, 4},
		"launched first":     {&astypes.RefreshPreferences{MinHealthyPercentage: aws.Int32(100), MaxHealthyPercentage: aws.Int32(150)}, 4, 6},
		"the AWS provider's": {&astypes.RefreshPreferences{MinHealthyPercentage: aws.Int32(90), MaxHealthyPercentage: aws.Int32(100)}, 4, 5},
	} {
		t.Run(name, func(t *testing.T) {
			labtest.Bubble(t, lab.Options{Weather: "aws"}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
				s := scalingOf(t, inside, labtest.Endpoint, client)
				s.make(t, 4, func(in *autoscaling.CreateAutoScalingGroupInput) { in.DefaultInstanceWarmup = aws.Int32(30) })
				<-time.After(5 * time.Minute)
				s.inService(t, 4)
				if got := s.start(t, &autoscaling.StartInstanceRefreshInput{Preferences: test.preferences}); got != "" {
					t.Fatal(got)
				}
				fewest, most := s.watch(t)
				if fewest != test.fewest || most != test.most {
					t.Errorf("between %d and %d were in service, want %d and %d", fewest, most, test.fewest, test.most)
				}
				if status := s.refreshed(t).Status; status != astypes.InstanceRefreshStatusSuccessful {
					t.Errorf("the refresh is %s", status)
				}
				// The last of the old ones may still be ending.
				<-time.After(5 * time.Minute)
				s.inService(t, 4)
			})
		})
	}
}

// A refresh to something that cannot be launched fails after an hour, and with a
// rollback the group is what it was.
func TestRefresh_goesBack(t *testing.T) {
	labtest.Bubble(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		s.make(t, 2, func(in *autoscaling.CreateAutoScalingGroupInput) { in.HealthCheckType = aws.String("EC2") })
		s.inService(t, 2)
		s.newVersion(t, "web")
		s.suspend(t, "InstanceRefresh")
		if got := s.start(t, &autoscaling.StartInstanceRefreshInput{
			DesiredConfiguration: second, Preferences: &astypes.RefreshPreferences{MinHealthyPercentage: aws.Int32(50), AutoRollback: aws.Bool(true)},
		}); got != "" {
			t.Fatal(got)
		}
		// Before anything comes of it, the version is deleted.
		if _, err := s.ec2.DeleteLaunchTemplateVersions(t.Context(), &ec2.DeleteLaunchTemplateVersionsInput{
			LaunchTemplateName: aws.String("web"), Versions: []string{"2"},
		}); err != nil {
			t.Fatal(err)
		}
		if status := s.refreshed(t).Status; status != astypes.InstanceRefreshStatusPending {
			t.Errorf("suspended: %s", status)
		}
		if _, err := s.groups.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: aws.String("web")}); err != nil {
			t.Fatal(err)
		}
		<-time.After(30 * time.Minute)
		if status := s.refreshed(t).Status; status != astypes.InstanceRefreshStatusInProgress {
			t.Errorf("after half an hour: %s", status)
		}
		<-time.After(time.Hour)
		if status := s.refreshed(t).Status; status != astypes.InstanceRefreshStatusRollbackSuccessful {
			t.Errorf("after an hour and a half: %s", status)
		}
		s.inService(t, 2)
		if got := s.versions(t); !slices.Equal(got, []string{"1", "1"}) {
			t.Errorf("versions %v", got)
		}
	})
}

func TestRefresh_isCancelled(t *testing.T) {
	labtest.Bubble(t, lab.Options{Weather: "aws"}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		s := scalingOf(t, inside, labtest.Endpoint, client)
		s.make(t, 2)
		<-time.After(5 * time.Minute)
		cancel := func() string {
			_, err := s.groups.CancelInstanceRefresh(t.Context(), &autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: aws.String("web")})
			return code(t, err)
		}
		if got := cancel(); got != "ActiveInstanceRefreshNotFound" {
			t.Errorf("nothing to cancel: %q", got)
		}
		if got := s.start(t, &autoscaling.StartInstanceRefreshInput{}); got != "" {
			t.Fatal(got)
		}
		if got := s.start(t, &autoscaling.StartInstanceRefreshInput{}); got != "InstanceRefreshInProgress" {
			t.Errorf("a second one: %q", got)
		}
		if got := cancel(); got != "" {
			t.Error(got)
		}
		if status := s.refreshed(t).Status; status != astypes.InstanceRefreshStatusCancelled {
			t.Errorf("the refresh is %s", status)
		}
	})
}

func TestRefresh_refusals(t *testing.T) {
	s := startScaling(t)
	s.make(t, 1, func(in *autoscaling.CreateAutoScalingGroupInput) { in.LaunchTemplate.Version = aws.String("$Latest") })
	s.newVersion(t, "web")
	back := aws.Bool(true)
	for name, in := range map[string]*autoscaling.StartInstanceRefreshInput{
		"back without a configuration": {Preferences: &astypes.RefreshPreferences{AutoRollback: back}},
		"back to the latest version":   {Preferences: &astypes.RefreshPreferences{AutoRollback: back}, DesiredConfiguration: second},
		"bounds too far apart": {Preferences: &astypes.RefreshPreferences{
			MinHealthyPercentage: aws.Int32(50), MaxHealthyPercentage: aws.Int32(200),
		}},
		"only the upper bound": {Preferences: &astypes.RefreshPreferences{MaxHealthyPercentage: aws.Int32(110)}},
		"checkpoints":          {Preferences: &astypes.RefreshPreferences{CheckpointPercentages: []int32{50}}},
		"root volumes":         {Strategy: astypes.RefreshStrategyReplaceRootVolume},
		"no such version": {DesiredConfiguration: &astypes.DesiredConfiguration{
			LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("9")},
		}},
	} {
		if got := s.start(t, in); got != "ValidationError" {
			t.Errorf("%s: %q, want ValidationError", name, got)
		}
	}
}

// parameter puts an image's id into a parameter of that data type.
func (s *scaling) parameter(t *testing.T, name, image, dataType string) {
	t.Helper()
	_, err := ssm.NewFromConfig(s.shared).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: &name, Value: &image, Type: ssmtypes.ParameterTypeString, DataType: &dataType, Overwrite: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A template that names a parameter launches what the parameter holds at the time.
func TestScaling_imageByParameter(t *testing.T) {
	s := startScaling(t)
	first := baseImage(t, s.ec2, "x86_64")
	copied, err := s.ec2.CopyImage(t.Context(), &ec2.CopyImageInput{Name: aws.String("copy"), SourceImageId: &first, SourceRegion: aws.String("us-east-1")})
	if err != nil {
		t.Fatal(err)
	}
	s.parameter(t, "/golden/web", first, "aws:ec2:image")
	s.template(t, "web", "resolve:ssm:/golden/web")
	if _, err := s.groups.CreateAutoScalingGroup(t.Context(), s.groupInput(1)); err != nil {
		t.Fatal(err)
	}
	old := s.inService(t, 1)
	s.parameter(t, "/golden/web", *copied.ImageId, "aws:ec2:image")
	s.desire(t, 2)

	both := s.inService(t, 2)
	if !slices.Contains(both, old[0]) {
		t.Error("the parameter alone has replaced an instance")
	}
	images := map[string]int{}
	for _, instance := range describe(t, s.ec2, both...) {
		images[*instance.ImageId]++
	}
	if images[first] != 1 || images[*copied.ImageId] != 1 {
		t.Errorf("images %v, want one of each", images)
	}

	shown, err := s.ec2.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateName: aws.String("web"), ResolveAlias: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := *shown.LaunchTemplateVersions[0].LaunchTemplateData.ImageId; got != *copied.ImageId {
		t.Errorf("resolved to %s, want %s", got, *copied.ImageId)
	}
}

func TestRunInstances_imageByParameter(t *testing.T) {
	s := startScaling(t)
	image := baseImage(t, s.ec2, "x86_64")
	s.parameter(t, "/golden/typed", image, "aws:ec2:image")
	s.parameter(t, "/golden/text", image, "text")
	for name, want := range map[string]string{
		"/golden/typed": "", "/golden/typed:1": "", "/golden/typed:2": "SsmInvalidParameter", "/golden/text": "SsmInvalidParameter",
		"/golden/none": "SsmInvalidParameter", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64": "",
	} {
		_, err := s.ec2.RunInstances(t.Context(), launchInput("resolve:ssm:"+name, 1))
		if got := code(t, err); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	_, err := s.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String("resolve:ssm:/golden/text")},
	})
	if got := code(t, err); got != "SsmInvalidParameter" {
		t.Errorf("a template of a parameter of text: %q", got)
	}
}
