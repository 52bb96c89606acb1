package lab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

const (
	home    = "123456789012"
	foreign = "222233334444"
)

// inAccount is what clients in an account need.
func inAccount(shared aws.Config, id string) aws.Config {
	shared.Credentials = credentials.NewStaticCredentialsProvider(id, "lab", "")
	return shared
}

// abroad is an EC2 client in the foreign account.
func abroad(server *labtest.Server) *ec2.Client {
	return ec2.NewFromConfig(inAccount(config(server.URL, "us-east-1", nil), foreign))
}

func TestAccounts_whoGetsWhere(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	shared := config(server.URL, "us-east-1", nil)
	role, err := sts.NewFromConfig(shared).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + foreign + ":role/deploy/x"), RoleSessionName: aws.String("ci"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		client       aws.Config
		account, arn string
	}{
		"any key":           {inAccount(shared, "AKIAIOSFODNN7EXAMPLE"), home, "arn:aws:iam::" + home + ":user/lab"},
		"an account's":      {inAccount(shared, foreign), foreign, "arn:aws:iam::" + foreign + ":user/lab"},
		"the lab's account": {inAccount(shared, home), home, "arn:aws:iam::" + home + ":user/lab"},
		"a role's":          {as(shared, role.Credentials), foreign, "arn:aws:sts::" + foreign + ":assumed-role/x/ci"},
	} {
		who, err := whoAmI(t, test.client)
		if err != nil || *who.Account != test.account || *who.Arn != test.arn {
			t.Errorf("%s key: %+v, %v", name, who, err)
		}
		given, err := test.client.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		of, err := sts.NewFromConfig(shared).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &given.AccessKeyID})
		if err != nil || *of.Account != test.account {
			t.Errorf("%s key is of %+v, %v", name, of, err)
		}
	}
	if _, err := whoAmI(t, inAccount(shared, "137112412989")); code(t, err) != "AuthFailure" {
		t.Errorf("in Amazon's account: %v", err)
	}
}

// inventory is what a fresh account sees in a region.
func inventory(t *testing.T, client *ec2.Client) (own, public []string) {
	t.Helper()
	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subnets.Subnets {
		own = append(own, *s.SubnetId, *s.VpcId)
	}
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		own = append(own, *g.GroupId)
	}
	images, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images.Images {
		public = append(public, *i.ImageId)
	}
	return own, public
}

// Each account starts like a fresh one; what is public is the same for all. Which of
// them is used first makes no difference.
func TestAccounts_startFresh(t *testing.T) {
	first, here := start(t, lab.Options{Seed: 7})
	there := abroad(first)
	own, public := inventory(t, here)
	theirs, seen := inventory(t, there)
	if len(theirs) != len(own) || len(theirs) != 7 {
		t.Errorf("the accounts have %v and %v", own, theirs)
	}
	for _, id := range theirs {
		if strings.Contains(strings.Join(own, " "), id) {
			t.Errorf("both have %s", id)
		}
	}
	if diff := cmp.Diff(public, seen); diff != "" {
		t.Errorf("public images (-here +there):\n%s", diff)
	}
	second, again := start(t, lab.Options{Seed: 7})
	otherwise, _ := inventory(t, abroad(second))
	before, _ := inventory(t, again)
	if diff := cmp.Diff([][]string{own, theirs}, [][]string{before, otherwise}); diff != "" {
		t.Errorf("the other way round (-first +second):\n%s", diff)
	}
	if left := first.Lab.Books().Leftovers; len(left) > 0 {
		t.Errorf("left over of nothing: %v", left)
	}
}

// What one account has, no other sees, and no ids of one change with another's doings.
func TestAccounts_areApart(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	_, alone := start(t, lab.Options{})
	if _, err := there.RunInstances(t.Context(), launchInput(baseImage(t, there, "x86_64"), 3)); err != nil {
		t.Fatal(err)
	}
	id := capture(t, here, "web-v1")
	if other := capture(t, alone, "web-v1"); other != id {
		t.Errorf("the image is %s beside others, %s alone", id, other)
	}
	mine := launch(t, here, 1)[0]
	if seen := describe(t, there); len(seen) != 3 {
		t.Errorf("the other account sees %v", idsOf(seen))
	}
	_, err := there.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*mine.InstanceId}})
	if got := code(t, err); got != "InvalidInstanceID.NotFound" {
		t.Errorf("terminating another's instance: %q", got)
	}
	_, err = there.RunInstances(t.Context(), launchInput(baseImage(t, there, "x86_64"), 1, func(in *ec2.RunInstancesInput) { in.SubnetId = mine.SubnetId }))
	if got := code(t, err); got != "InvalidSubnetID.NotFound" {
		t.Errorf("launching into another's subnet: %q", got)
	}
	tags, err := there.DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
	if err != nil || len(tags.Tags) != 0 {
		t.Errorf("the other account sees the tags %+v, %v", tags, err)
	}
	if name := capture(t, there, "web-v1"); name == id {
		t.Error("one name in two accounts is one image")
	}
	byAccount := map[string]int{}
	for _, left := range server.Lab.Books().Leftovers {
		if left.Type == "instance" {
			byAccount[left.Account]++
		}
	}
	if diff := cmp.Diff(map[string]int{"": 2, foreign: 4}, byAccount); diff != "" {
		t.Errorf("instances in the books (-want +got):\n%s", diff)
	}
}

// Buckets of tokens are an account's own.
func TestAccounts_throttledApart(t *testing.T) {
	labtest.Bubble(t, lab.Options{Weather: "aws"}, func(t *testing.T, _ *lab.Lab, client *http.Client) {
		shared := config(labtest.Endpoint, "us-east-1", client)
		describe := func(account string) string {
			_, err := ec2.NewFromConfig(inAccount(shared, account)).StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{"i-00000000000000000"}})
			return code(t, err)
		}
		got := ""
		for range 6 {
			got = describe(home)
		}
		if other := describe(foreign); got != "RequestLimitExceeded" || other != "InvalidInstanceID.NotFound" {
			t.Errorf("the sixth call in a row: %q, and the first one in another account: %q", got, other)
		}
	})
}

func TestAccounts_parametersAndBuckets(t *testing.T) {
	server, here := store(t)
	shared := config(server.URL, "us-east-1", nil)
	there := ssm.NewFromConfig(inAccount(shared, foreign))
	mustPut(t, here, "/golden/web", "ami-1")
	if _, err := there.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/golden/web")}); code(t, err) != "ParameterNotFound" {
		t.Errorf("another's parameter: %v", err)
	}
	const public = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	if a, b := get(t, here, public), get(t, there, public); *a.Value != *b.Value {
		t.Errorf("the public parameter is %s here, %s there", *a.Value, *b.Value)
	}

	path := func(o *s3.Options) { o.UsePathStyle = true }
	mine, theirs := s3.NewFromConfig(shared, path), s3.NewFromConfig(inAccount(shared, foreign), path)
	create := &s3.CreateBucketInput{Bucket: aws.String("stage")}
	if _, err := mine.CreateBucket(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.CreateBucket(t.Context(), create); code(t, err) != "BucketAlreadyExists" {
		t.Errorf("a name that another account has: %v", err)
	}
	if _, err := theirs.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: create.Bucket}); code(t, err) != "AccessDenied" {
		t.Errorf("what is in another's bucket: %v", err)
	}
	if listed, err := theirs.ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil || len(listed.Buckets) != 0 {
		t.Errorf("the other account has %+v, %v", listed, err)
	}
	_, err := mine.GetObject(t.Context(), &s3.GetObjectInput{Bucket: create.Bucket, Key: aws.String("x"), ExpectedBucketOwner: aws.String(foreign)})
	if got := code(t, err); got != "AccessDenied" {
		t.Errorf("a bucket that is said to be another's: %q", got)
	}
}

// The page shows whose things are, where they are not the lab's own account's.
func TestAccounts_onThePage(t *testing.T) {
	server, here := start(t, lab.Options{})
	id := capture(t, here, "web-v1")
	if got := share(t, here, id, types.LaunchPermission{UserId: aws.String(foreign)}); got != "" {
		t.Fatal(got)
	}
	if _, err := abroad(server).RunInstances(t.Context(), launchInput(id, 2)); err != nil {
		t.Fatal(err)
	}
	state := server.Lab.State()
	accounts := map[string]int{}
	for _, i := range state.Instances {
		accounts[i.Account]++
	}
	if diff := cmp.Diff(map[string]int{"": 1, foreign: 2}, accounts); diff != "" || state.Account != home {
		t.Errorf("instances by account (-want +got):\n%s", diff)
	}
	if len(state.Images) != 2 {
		t.Errorf("the page has %d images, want the shared one and its source, once each", len(state.Images))
	}
}
