package cloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launchTemplateCalls are EC2's operations on launch templates.
type launchTemplateCalls struct {
	createTemplate        operation[ec2.CreateLaunchTemplateInput, ec2.CreateLaunchTemplateOutput, ec2.Options]
	createTemplateVersion operation[ec2.CreateLaunchTemplateVersionInput, ec2.CreateLaunchTemplateVersionOutput, ec2.Options]
	describeTemplates     operation[ec2.DescribeLaunchTemplatesInput, ec2.DescribeLaunchTemplatesOutput, ec2.Options]
	describeVersions      operation[ec2.DescribeLaunchTemplateVersionsInput, ec2.DescribeLaunchTemplateVersionsOutput, ec2.Options]
	deleteTemplate        operation[ec2.DeleteLaunchTemplateInput, ec2.DeleteLaunchTemplateOutput, ec2.Options]
}

func newLaunchTemplateCalls(client *ec2.Client) launchTemplateCalls {
	return launchTemplateCalls{
		createTemplate:        client.CreateLaunchTemplate,
		createTemplateVersion: client.CreateLaunchTemplateVersion,
		describeTemplates:     client.DescribeLaunchTemplates,
		describeVersions:      client.DescribeLaunchTemplateVersions,
		deleteTemplate:        client.DeleteLaunchTemplate,
	}
}

// LaunchTemplate is a launch template with its latest version.
type LaunchTemplate struct {
	ID, Name string
	Tags     Tags
	// Version is the number of the latest version; the first is 1.
	Version int
	// Description and VersionAt are that version's text and time; empty where only the
	// template was read.
	Description string
	VersionAt   time.Time
	// Age is how old the version was when it was read, by AWS's clock: this machine's may be
	// wrong by hours, since the SDK signs by AWS's when they differ.
	Age time.Duration
}

// CreateLaunchTemplate makes a launch template that launches nothing: it names no image.
// Its name is taken by one at a time in an account and region (CodeTemplateNameTaken); the
// description, of at most 255 characters, is that of its first version.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
func (r *Region) CreateLaunchTemplate(ctx context.Context, name, description, clientToken string, tags Tags) (LaunchTemplate, error) {
	out, err := call(ctx, r.name, "CreateLaunchTemplate", r.ec2.createTemplate, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name,
		VersionDescription: given(description),
		ClientToken:        given(clientToken),
		LaunchTemplateData: emptyTemplate(),
		TagSpecifications:  tagSpecifications(tags, types.ResourceTypeLaunchTemplate),
	})
	if err != nil {
		return LaunchTemplate{}, err
	}
	made := templateOf(out.LaunchTemplate)
	made.Description = description
	return made, nil
}

// emptyTemplate is the least that a launch template may hold.
func emptyTemplate() *types.RequestLaunchTemplateData {
	return &types.RequestLaunchTemplateData{InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate}
}

// CreateLaunchTemplateVersion adds a version and returns its number. Numbers are given
// once, one after the other.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
func (r *Region) CreateLaunchTemplateVersion(ctx context.Context, id, description, clientToken string) (number int, err error) {
	out, err := call(ctx, r.name, "CreateLaunchTemplateVersion", r.ec2.createTemplateVersion, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &id, VersionDescription: given(description), ClientToken: given(clientToken), LaunchTemplateData: emptyTemplate(),
	})
	if err != nil {
		return 0, err
	}
	return int(aws.ToInt64(out.LaunchTemplateVersion.VersionNumber)), nil
}

// LaunchTemplates returns the launch templates that carry all of the tags, without the
// texts of their versions.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
func (r *Region) LaunchTemplates(ctx context.Context, tags Tags) ([]LaunchTemplate, error) {
	// More than a page of this size is more than there can be.
	const most = 200
	in := &ec2.DescribeLaunchTemplatesInput{Filters: tagFilters(tags), MaxResults: aws.Int32(most)}
	var found []LaunchTemplate
	err := pages(
		func(token *string) (*ec2.DescribeLaunchTemplatesOutput, error) {
			in.NextToken = token
			return call(ctx, r.name, "DescribeLaunchTemplates", r.ec2.describeTemplates, in)
		},
		func(out *ec2.DescribeLaunchTemplatesOutput) *string { return out.NextToken },
		func(out *ec2.DescribeLaunchTemplatesOutput) bool {
			for i := range out.LaunchTemplates {
				found = append(found, templateOf(&out.LaunchTemplates[i]))
			}
			return true
		})
	return found, err
}

// LatestVersion returns the latest version of the launch template of that name; there is
// false when there is none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
func (r *Region) LatestVersion(ctx context.Context, name string) (latest LaunchTemplate, there bool, err error) {
	out, err := call(ctx, r.name, "DescribeLaunchTemplateVersions", r.ec2.describeVersions, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateName: &name, Versions: []string{"$Latest"},
	})
	if err != nil && ClassOf(err) == NotFound {
		return LaunchTemplate{}, false, nil
	}
	if err != nil || len(out.LaunchTemplateVersions) == 0 {
		return LaunchTemplate{}, false, err
	}
	version := out.LaunchTemplateVersions[0]
	now, told := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !told {
		now = time.Now()
	}
	at := aws.ToTime(version.CreateTime)
	return LaunchTemplate{
		ID: aws.ToString(version.LaunchTemplateId), Name: name, Version: int(aws.ToInt64(version.VersionNumber)),
		Description: aws.ToString(version.VersionDescription), VersionAt: at, Age: now.Sub(at),
	}, true, nil
}

// DeleteLaunchTemplate deletes a launch template with all its versions; one that is gone is
// no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html
func (r *Region) DeleteLaunchTemplate(ctx context.Context, id string) error {
	_, err := call(ctx, r.name, "DeleteLaunchTemplate", r.ec2.deleteTemplate, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &id})
	if err != nil && ClassOf(err) == NotFound {
		return nil
	}
	return err
}

func templateOf(from *types.LaunchTemplate) LaunchTemplate {
	return LaunchTemplate{
		ID: aws.ToString(from.LaunchTemplateId), Name: aws.ToString(from.LaunchTemplateName),
		Version: int(aws.ToInt64(from.LatestVersionNumber)), Tags: tagsOf(from.Tags),
	}
}
