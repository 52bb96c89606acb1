package lab_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// templateOf makes a template of that name whose instances are tagged tier=NAME.
func templateOf(t *testing.T, client *ec2.Client, name string) string {
	t.Helper()
	out, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, ClientToken: aws.String(name), VersionDescription: aws.String("first"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String(baseImage(t, client, "x86_64")), InstanceType: types.InstanceTypeT3Micro,
			UserData:        aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))),
			MetadataOptions: &types.LaunchTemplateInstanceMetadataOptionsRequest{HttpTokens: types.LaunchTemplateHttpTokensStateRequired},
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
				DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(20)},
			}},
			NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{
				DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(false), Groups: []string{defaultGroup(t, client)},
			}},
			TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{{
				ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("tier"), Value: &name}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.LaunchTemplate.LaunchTemplateId
}

func defaultGroup(t *testing.T, client *ec2.Client) string {
	t.Helper()
	out, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SecurityGroups[0].GroupId
}

// addVersion makes a version over another one that only changes the type.
func addVersion(t *testing.T, client *ec2.Client, id, source string, kind types.InstanceType) {
	t.Helper()
	in := &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &id, LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: kind},
	}
	if source != "" {
		in.SourceVersion = &source
	}
	if _, err := client.CreateLaunchTemplateVersion(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func TestLaunchTemplate_answersItsData(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")

	out, err := client.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id})
	if err != nil {
		t.Fatal(err)
	}

	version := out.LaunchTemplateVersions[0]
	want := &types.ResponseLaunchTemplateData{
		ImageId: aws.String(baseImage(t, client, "x86_64")), InstanceType: types.InstanceTypeT3Micro,
		UserData:        aws.String("IyEvYmluL3NoCg=="),
		MetadataOptions: &types.LaunchTemplateInstanceMetadataOptions{HttpTokens: types.LaunchTemplateHttpTokensStateRequired},
		BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{{
			DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDevice{VolumeSize: aws.Int32(20)},
		}},
		NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(false), Groups: []string{defaultGroup(t, client)},
		}},
		TagSpecifications: []types.LaunchTemplateTagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("tier"), Value: aws.String("web")}},
		}},
	}
	if diff := cmp.Diff(want, version.LaunchTemplateData, ignoreDocuments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if *version.VersionNumber != 1 || !*version.DefaultVersion || *version.VersionDescription != "first" {
		t.Errorf("version %d, default %t, description %q", *version.VersionNumber, *version.DefaultVersion, *version.VersionDescription)
	}
}

func TestLaunchTemplate_versions(t *testing.T) {
	server, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")
	templateOf(t, client, "api")
	addVersion(t, client, id, "1", types.InstanceTypeT3Small)
	addVersion(t, client, id, "", types.InstanceTypeT3Large)
	if _, err := client.ModifyLaunchTemplate(t.Context(), &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: &id, DefaultVersion: aws.String("2")}); err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		in   ec2.DescribeLaunchTemplateVersionsInput
		want string
	}{
		"all of one":      {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id}, "web 3 t3.large, web 2 t3.small, web 1 t3.micro"},
		"by name":         {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("web"), Versions: []string{"1"}}, "web 1 t3.micro"},
		"moving ones":     {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, Versions: []string{"$Default", "$Latest", "2"}}, "web 3 t3.large, web 2 t3.small"},
		"latest of all":   {ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Latest"}}, "web 3 t3.large, api 1 t3.micro"},
		"a range":         {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, MinVersion: aws.String("2"), MaxVersion: aws.String("2")}, "web 2 t3.small"},
		"by its type":     {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, Filters: []types.Filter{filter("instance-type", "t3.l*")}}, "web 3 t3.large"},
		"the default one": {ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, Filters: []types.Filter{filter("is-default-version", "true")}}, "web 2 t3.small"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.DescribeLaunchTemplateVersions(t.Context(), &test.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range out.LaunchTemplateVersions {
				got = append(got, fmt.Sprintf("%s %d %s", *v.LaunchTemplateName, *v.VersionNumber, v.LaunchTemplateData.InstanceType))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
	if got := countLeftovers(server.Lab, "launch-template"); got != 2 {
		t.Errorf("%d launch templates are left over, want 2", got)
	}
}

func TestLaunchTemplate_deletesVersions(t *testing.T) {
	server, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")
	addVersion(t, client, id, "1", types.InstanceTypeT3Small)
	addVersion(t, client, id, "1", types.InstanceTypeT3Large)

	out, err := client.DeleteLaunchTemplateVersions(t.Context(), &ec2.DeleteLaunchTemplateVersionsInput{
		LaunchTemplateId: &id, Versions: []string{"1", "3", "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.SuccessfullyDeletedLaunchTemplateVersions) != 1 || *out.SuccessfullyDeletedLaunchTemplateVersions[0].VersionNumber != 3 {
		t.Errorf("deleted %v, want version 3", out.SuccessfullyDeletedLaunchTemplateVersions)
	}
	var reasons []types.LaunchTemplateErrorCode
	for _, kept := range out.UnsuccessfullyDeletedLaunchTemplateVersions {
		reasons = append(reasons, kept.ResponseError.Code)
	}
	want := []types.LaunchTemplateErrorCode{types.LaunchTemplateErrorCodeUnexpectedError, types.LaunchTemplateErrorCodeLaunchTemplateVersionDoesNotExist}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := client.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	if got := countLeftovers(server.Lab, "launch-template"); got != 0 {
		t.Errorf("%d launch templates are left over", got)
	}
}

func TestLaunchTemplate_tokens(t *testing.T) {
	_, client := start(t, lab.Options{})
	first := templateOf(t, client, "web")

	if again := templateOf(t, client, "web"); again != first {
		t.Errorf("the repeated call answers %s, want %s", again, first)
	}
	_, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), ClientToken: aws.String("web"), LaunchTemplateData: &types.RequestLaunchTemplateData{KeyName: aws.String("k")},
	})
	if got := code(t, err); got != "IdempotentParameterMismatch" {
		t.Errorf("other parameters: %q", got)
	}
}

func TestLaunchTemplate_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")
	some := &types.RequestLaunchTemplateData{InstanceType: types.InstanceTypeT3Micro}
	create := func(name string) error {
		_, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: some})
		return err
	}
	launchFrom := func(spec types.LaunchTemplateSpecification) error {
		_, err := client.RunInstances(t.Context(), &ec2.RunInstancesInput{LaunchTemplate: &spec, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
		return err
	}
	modify := func(version string) error {
		_, err := client.ModifyLaunchTemplate(t.Context(), &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: &id, DefaultVersion: &version})
		return err
	}
	remove := func(in ec2.DeleteLaunchTemplateInput) error {
		_, err := client.DeleteLaunchTemplate(t.Context(), &in)
		return err
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"name taken":        {create("web"), "InvalidLaunchTemplateName.AlreadyExistsException"},
		"name too short":    {create("ab"), "InvalidLaunchTemplateName.MalformedException"},
		"name with a space": {create("a b c"), "InvalidLaunchTemplateName.MalformedException"},
		"no such id":        {remove(ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String("lt-0123456789abcdef0")}), "InvalidLaunchTemplateId.NotFound"},
		"no id at all":      {remove(ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String("web")}), "InvalidLaunchTemplateId.Malformed"},
		"no such name":      {remove(ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("wob")}), "InvalidLaunchTemplateName.NotFoundException"},
		"id and name":       {remove(ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &id, LaunchTemplateName: aws.String("web")}), "InvalidParameterCombination"},
		"neither":           {remove(ec2.DeleteLaunchTemplateInput{}), "MissingParameter"},
		"no such version":   {modify("2"), "InvalidLaunchTemplateId.VersionNotFound"},
		"no number":         {modify("two"), "InvalidParameterValue"},
		"launch, no such version": {
			launchFrom(types.LaunchTemplateSpecification{LaunchTemplateId: &id, Version: aws.String("9")}), "InvalidLaunchTemplateId.VersionNotFound",
		},
		"launch, no such name": {
			launchFrom(types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("wob")}), "InvalidLaunchTemplateName.NotFoundException",
		},
	} {
		if got := code(t, test.err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestRunInstances_fromTemplate(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")
	addVersion(t, client, id, "1", types.InstanceTypeT3Small)
	fromVersion := func(version string, change ...launching) types.Instance {
		t.Helper()
		in := &ec2.RunInstancesInput{
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: &id}, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		}
		if version != "" {
			in.LaunchTemplate.Version = &version
		}
		for _, apply := range change {
			apply(in)
		}
		out, err := client.RunInstances(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Instances[0]
	}

	byDefault := fromVersion("")
	latest := fromVersion("$Latest")
	changed := fromVersion("1", func(in *ec2.RunInstancesInput) { in.InstanceType = types.InstanceTypeT3Large })

	for name, test := range map[string]struct{ got, want any }{
		"default version":      {byDefault.InstanceType, types.InstanceTypeT3Micro},
		"latest version":       {latest.InstanceType, types.InstanceTypeT3Small},
		"the call has the say": {changed.InstanceType, types.InstanceTypeT3Large},
		"no public address":    {byDefault.PublicIpAddress, (*string)(nil)},
		"metadata":             {byDefault.MetadataOptions.HttpTokens, types.HttpTokensStateRequired},
		"tags": {tagsOf(latest.Tags), map[string]string{
			"tier": "web", "aws:ec2launchtemplate:id": id, "aws:ec2launchtemplate:version": "2",
		}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := client.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{*latest.InstanceId}}); err != nil {
		t.Fatal(err)
	}
	if got := tagsOf(describe(t, client, *latest.InstanceId)[0].Tags); len(got) != 2 {
		t.Errorf("without its own tags the instance has %v, want AWS's two", got)
	}
}

// TestRunInstances_tokenOfATemplateLaunch: what the template says meanwhile does not
// count, the call is the same.
func TestRunInstances_tokenOfATemplateLaunch(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := templateOf(t, client, "web")
	run := func() string {
		t.Helper()
		out, err := client.RunInstances(t.Context(), &ec2.RunInstancesInput{
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: &id, Version: aws.String("$Latest")},
			MinCount:       aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String("once"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Instances[0].InstanceId
	}

	first := run()
	addVersion(t, client, id, "1", types.InstanceTypeT3Small)

	if again := run(); again != first {
		t.Errorf("the repeated call launched %s beside %s", again, first)
	}
}

func tagsOf(tags []types.Tag) map[string]string {
	all := map[string]string{}
	for _, tag := range tags {
		all[*tag.Key] = *tag.Value
	}
	return all
}
