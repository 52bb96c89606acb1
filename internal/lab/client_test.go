package lab_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// config is what SDK clients of a lab need. Nothing is retried, so that the books
// show what a test did.
func config(endpoint, region string, client *http.Client) aws.Config {
	shared := aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("lab", "lab", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
	if client == nil {
		client = &http.Client{Transport: labtest.Steady(http.DefaultTransport)}
	}
	shared.HTTPClient = client
	return shared
}

// start starts a lab on a port, with an EC2 client for us-east-1.
func start(t *testing.T, options lab.Options) (*labtest.Server, *ec2.Client) {
	t.Helper()
	server := labtest.Start(t, options)
	return server, ec2.NewFromConfig(config(server.URL, "us-east-1", nil))
}

// baseImage is the newest public image of an architecture.
func baseImage(t *testing.T, client *ec2.Client, architecture string) string {
	t.Helper()
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{
		Owners: []string{"amazon"},
		Filters: []types.Filter{
			filter("name", "al2023-ami-2023.6.20250107.*"),
			filter("architecture", architecture),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != 1 {
		t.Fatalf("found %d images, want 1", len(out.Images))
	}
	return *out.Images[0].ImageId
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// launch asks for some instances of the newest x86_64 image.
func launch(t *testing.T, client *ec2.Client, count int32, change ...func(*ec2.RunInstancesInput)) []types.Instance {
	t.Helper()
	out, err := client.RunInstances(t.Context(), launchInput(baseImage(t, client, "x86_64"), count, change...))
	if err != nil {
		t.Fatal(err)
	}
	return out.Instances
}

func launchInput(image string, count int32, change ...func(*ec2.RunInstancesInput)) *ec2.RunInstancesInput {
	in := &ec2.RunInstancesInput{
		ImageId: &image, InstanceType: types.InstanceTypeT3Small,
		MinCount: aws.Int32(count), MaxCount: aws.Int32(count),
	}
	for _, apply := range change {
		apply(in)
	}
	return in
}

// describe reads all instances, or the named ones.
func describe(t *testing.T, client *ec2.Client, ids ...string) []types.Instance {
	t.Helper()
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
	if err != nil {
		t.Fatal(err)
	}
	var all []types.Instance
	for _, reservation := range out.Reservations {
		all = append(all, reservation.Instances...)
	}
	return all
}

func idsOf(instances []types.Instance) []string {
	ids := make([]string, len(instances))
	for i, instance := range instances {
		ids[i] = *instance.InstanceId
	}
	return ids
}

// code is the error code that AWS answered; empty without an error.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("not an answer of AWS: %v", err)
	}
	return refused.ErrorCode()
}

// ignoreDocuments leaves out the SDK's markers, which are not exported.
var ignoreDocuments = cmp.FilterPath(func(path cmp.Path) bool {
	return path.Last().String() == ".noSmithyDocumentSerde"
}, cmp.Ignore())

func countLeftovers(of *lab.Lab, kind string) int {
	count := 0
	for _, left := range of.Books().Leftovers {
		if left.Type == kind {
			count++
		}
	}
	return count
}
