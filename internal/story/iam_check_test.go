package story

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// TestIAM_refuses holds what the policies are tested with: what does not have the tag, or is
// somewhere else, is refused.
func TestIAM_refuses(t *testing.T) {
	all := policies(t)
	server := labtest.Start(t, lab.Options{})
	asked, endpoint := newIAM(t, server, all["fleet"], all["staging-bucket"])
	cloud := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: labKeys})
	base := must(cloud.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}}))(t).Images[0]
	launch := func(tags ...types.TagSpecification) string {
		return *must(cloud.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: base.ImageId, InstanceType: sizeFor(base.Architecture), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), TagSpecifications: tags,
		}))(t).Instances[0].InstanceId
	}
	foreign := launch()
	wants(t, strings.Join(asked.refusals(), "\n"), "ec2:RunInstances on arn:aws:ec2:us-east-1:111122223333:instance/new")

	tagged := []types.Tag{{Key: aws.String("stamp:managed-by"), Value: aws.String("terraform-provider-stamp")}}
	asked.refused = map[string]bool{}
	own := launch(
		types.TagSpecification{ResourceType: types.ResourceTypeInstance, Tags: tagged}, types.TagSpecification{ResourceType: types.ResourceTypeVolume, Tags: tagged})
	must(cloud.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{own}}))(t)
	if refused := asked.refusals(); len(refused) > 0 {
		t.Errorf("refused of what is its own: %q", refused)
	}
	must(cloud.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{foreign}, Tags: tagged}))(t)
	must(cloud.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{foreign}}))(t)

	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: labKeys, UsePathStyle: true})
	must(s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: labKeys, UsePathStyle: true}).
		CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("acme-staging")}))(t)
	must(objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-staging"), Key: aws.String("stamp/a")}))(t)
	must(objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-staging"), Key: aws.String("other")}))(t)

	refused := asked.refusals()
	wants(t, strings.Join(refused, "\n"), "ec2:CreateTags on "+arnOf("instance", foreign), "ec2:StopInstances on "+arnOf("instance", foreign),
		"s3:PutObject on arn:aws:s3:::acme-staging/other")
	if len(refused) != 3 {
		t.Errorf("%d are refused, want 3: %q", len(refused), refused)
	}
}
