package lab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func TestImageReferences(t *testing.T) {
	_, client := start(t, lab.Options{})
	base := baseImage(t, client, "x86_64")
	launched := launch(t, client, 3)
	unused := capture(t, client, "unused") // of a fourth
	describe(t, client)
	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: idsOf(launched[:1])}); err != nil {
		t.Fatal(err)
	}
	describe(t, client)
	ask := func(in ec2.DescribeImageReferencesInput) ([]types.ImageReference, string) {
		out, err := client.DescribeImageReferences(t.Context(), &in)
		if err != nil {
			return nil, code(t, err)
		}
		return out.ImageReferences, ""
	}
	instances := func(options ...types.ResourceTypeOption) []types.ResourceTypeRequest {
		return []types.ResourceTypeRequest{{ResourceType: types.ImageReferenceResourceTypeEc2Instance, ResourceTypeOptions: options}}
	}
	stopped := types.ResourceTypeOption{OptionName: types.ImageReferenceOptionNameStateName, OptionValues: []string{"stopped"}}
	joyful := types.ResourceTypeOption{OptionName: types.ImageReferenceOptionNameStateName, OptionValues: []string{"joyful"}}
	for name, test := range map[string]struct {
		in   ec2.DescribeImageReferencesInput
		want int
		code string
	}{
		"all":           {ec2.DescribeImageReferencesInput{ImageIds: []string{base, unused}, IncludeAllResourceTypes: aws.Bool(true)}, 4, ""},
		"none":          {ec2.DescribeImageReferencesInput{ImageIds: []string{unused}, IncludeAllResourceTypes: aws.Bool(true)}, 0, ""},
		"stopped":       {ec2.DescribeImageReferencesInput{ImageIds: []string{base}, ResourceTypes: instances(stopped)}, 1, ""},
		"no types":      {ec2.DescribeImageReferencesInput{ImageIds: []string{base}}, 0, "MissingParameter"},
		"no such state": {ec2.DescribeImageReferencesInput{ImageIds: []string{base}, ResourceTypes: instances(joyful)}, 0, "InvalidParameterValue"},
		"malformed":     {ec2.DescribeImageReferencesInput{ImageIds: []string{"web"}, ResourceTypes: instances()}, 0, "InvalidAMIID.Malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			found, code := ask(test.in)
			if len(found) != test.want || code != test.code {
				t.Errorf("%d references, %q; want %d, %q", len(found), code, test.want, test.code)
			}
		})
	}
	found, _ := ask(ec2.DescribeImageReferencesInput{ImageIds: []string{base}, ResourceTypes: instances(stopped)})
	if arn := *found[0].Arn; !strings.HasSuffix(arn, ":instance/"+*launched[0].InstanceId) {
		t.Errorf("the reference is %s", arn)
	}
}

func TestImageReferences_ofLaunchTemplates(t *testing.T) {
	_, client := start(t, lab.Options{})
	first, second := baseImage(t, client, "x86_64"), capture(t, client, "web-v2")
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: &image}
	}
	made, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"), LaunchTemplateData: data(first)})
	if err != nil {
		t.Fatal(err)
	}
	id := made.LaunchTemplate.LaunchTemplateId
	_, err = client.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: id, LaunchTemplateData: data(second)})
	if err != nil {
		t.Fatal(err)
	}
	for depth, want := range map[string]int{"1": 1, "2": 2} {
		out, err := client.DescribeImageReferences(t.Context(), &ec2.DescribeImageReferencesInput{
			ImageIds: []string{first, second},
			ResourceTypes: []types.ResourceTypeRequest{{
				ResourceType:        types.ImageReferenceResourceTypeEc2LaunchTemplate,
				ResourceTypeOptions: []types.ResourceTypeOption{{OptionName: types.ImageReferenceOptionNameVersionDepth, OptionValues: []string{depth}}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(out.ImageReferences); got != want {
			t.Errorf("%d references at depth %s, want %d", got, depth, want)
		}
	}
}

func TestImageAncestry(t *testing.T) {
	_, client := start(t, lab.Options{})
	base := baseImage(t, client, "x86_64")
	baked := capture(t, client, "web-v1")
	copied, err := client.CopyImage(t.Context(), copyInput(baked, "web-v1"), in("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}

	out, err := client.GetImageAncestry(t.Context(), &ec2.GetImageAncestryInput{ImageId: copied.ImageId}, in("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}

	var line []string
	for _, entry := range out.ImageAncestryEntries {
		line = append(line, *entry.ImageId)
	}
	if got, want := strings.Join(line, " "), strings.Join([]string{*copied.ImageId, baked, base}, " "); got != want {
		t.Errorf("the line is %s, want %s", got, want)
	}
	if last := out.ImageAncestryEntries[2]; aws.ToString(last.ImageOwnerAlias) != "amazon" || last.SourceImageId != nil {
		t.Errorf("it begins with %+v", last)
	}
}

// TestInstanceImageMetadata: an image is known by its instances after its end.
func TestInstanceImageMetadata(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := capture(t, client, "web-v1")
	out, err := client.RunInstances(t.Context(), launchInput(image, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := deregister(t, client, image); got != "" {
		t.Fatalf("answer %q", got)
	}
	found, err := client.DescribeInstanceImageMetadata(t.Context(), &ec2.DescribeInstanceImageMetadataInput{
		InstanceIds: []string{*out.Instances[0].InstanceId},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := found.InstanceImageMetadata[0].ImageMetadata; *got.ImageId != image || *got.Name != "web-v1" {
		t.Errorf("the image is %s, %s", *got.ImageId, *got.Name)
	}
}

func TestLastLaunched_isReportedADayLater(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		image := capture(t, client, "web-v1")
		read := func() string {
			out, err := client.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{
				ImageId: &image, Attribute: types.ImageAttributeNameLastLaunchedTime,
			})
			if err != nil {
				t.Fatal(err)
			}
			return aws.ToString(out.LastLaunchedTime.Value)
		}
		if _, err := client.RunInstances(t.Context(), launchInput(image, 1)); err != nil {
			t.Fatal(err)
		}
		want := time.Now().UTC().Format("2006-01-02T15:04")
		if got := read(); got != "" {
			t.Errorf("at once: %s", got)
		}
		<-time.After(25 * time.Hour)
		if got := read(); !strings.HasPrefix(got, want) {
			t.Errorf("a day later: %q, want %s", got, want)
		}
		if got := ownImages(t, client)[0].LastLaunchedTime; !strings.HasPrefix(aws.ToString(got), want) {
			t.Errorf("DescribeImages says %v", got)
		}
	})
}
