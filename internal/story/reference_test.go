package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// The examples of the reference install programs from the internet, so their guests are
// played: every step and check is gone through, none is run. All else is as it is: each
// example is applied, plans nothing afterwards, and leaves nothing.
func TestExamples_reference(t *testing.T) {
	found := mustGlob(t, filepath.Join(examples, "resources"), "stamp_*/resource*.tf")
	if len(found) < 5 {
		t.Fatalf("%d examples", len(found))
	}
	for _, file := range found {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			account := newAccount(t)
			dir := copied(t, filepath.Dir(file))
			account.settle(dir, filepath.Base(file))
			terraform := newCLI(t, dir, "AWS_ENDPOINT_URL="+account.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1",
				"TF_VAR_token=not-a-secret", "PATH="+withAnsible(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
			before := account.leftovers()
			terraform.run("apply", "-no-color", "-auto-approve")
			terraform.run("plan", "-no-color", "-detailed-exitcode")
			terraform.run("destroy", "-no-color", "-auto-approve")
			account.nothingBut(before)
		})
	}
}

// The example of the data source finds an image of this account, and one that another has
// shared with it.
func TestExamples_dataSource(t *testing.T) {
	account := newAccount(t)
	account.shareVersion("111122223333", "eu-central-1", "web-v7-0123abcd")
	environ := []string{"AWS_ENDPOINT_URL=" + account.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1"}

	own := t.TempDir()
	account.do(os.WriteFile(filepath.Join(own, "main.tf"), []byte(required+goldenWeb), 0o600))
	owner := newCLI(t, own, environ...)
	owner.run("apply", "-no-color", "-auto-approve")

	dir := copied(t, filepath.Join(examples, "data-sources", "stamp_golden_image"))
	account.settle(dir, "data-source.tf")
	account.do(os.WriteFile(filepath.Join(dir, "shared.tf"), []byte("output \"shared\" {\n  value = data.stamp_golden_image.shared.image_name\n}\n"), 0o600))
	reader := newCLI(t, dir, environ...)
	reader.run("apply", "-no-color", "-auto-approve")
	wants(t, reader.run("output", "-no-color"), `image_id = "ami-`, `shared = "web-v7-0123abcd"`)
	owner.run("destroy", "-no-color", "-auto-approve")
}

// shareVersion makes an image in another account, and shares it with this one.
func (a *account) shareVersion(owner, region, name string) {
	a.t.Helper()
	ctx := a.t.Context()
	abroad := ec2.New(ec2.Options{Region: region, BaseEndpoint: &a.URL, Credentials: credentials.NewStaticCredentialsProvider(owner, "lab", "")})
	base := must(abroad.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"amazon"}}))(a.t).Images[0]
	launched := must(abroad.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: base.ImageId, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: sizeFor(base.Architecture),
	}))(a.t)
	made := must(abroad.CreateImage(ctx, &ec2.CreateImageInput{InstanceId: launched.Instances[0].InstanceId, Name: &name}))(a.t)
	mine := must(sts.New(sts.Options{Region: region, BaseEndpoint: &a.URL, Credentials: labKeys}).
		GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(a.t)
	must(abroad.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: made.ImageId, LaunchPermission: &ec2types.LaunchPermissionModifications{Add: []ec2types.LaunchPermission{{UserId: mine.Account}}},
	}))(a.t)
}

func sizeFor(architecture ec2types.ArchitectureValues) ec2types.InstanceType {
	if architecture == ec2types.ArchitectureValuesArm64 {
		return ec2types.InstanceTypeT4gMicro
	}
	return ec2types.InstanceTypeT3Micro
}

// account is one that has what the examples name.
type account struct {
	*labtest.Server
	t *testing.T
	// has are the words of the examples, and what the account has in their place.
	has map[string]string
}

// newAccount makes an account with three subnets, a group, a target group with a
// listener, a staging bucket, and a key in each of the examples' regions.
func newAccount(t *testing.T) *account {
	t.Helper()
	return newAccountWhere(t, rehearsal.Inside{Each: time.Millisecond})
}

// newAccountWhere says what happens inside its instances.
func newAccountWhere(t *testing.T, inside rehearsal.Inside) *account {
	t.Helper()
	played := inside.Host()
	// Whoever asks a server for its health is answered.
	played.Command = func(context.Context, guests.Spec, *guests.Machine, string) (string, int, error) { return "200", 0, nil }
	a := &account{Server: labtest.Start(t, lab.Options{Guests: played}), t: t, has: map[string]string{}}
	cloud := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: labKeys})
	subnets := must(cloud.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{}))(t).Subnets
	var ids []string
	for i, name := range []string{"subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "subnet-0cccccccccccccccc"} {
		ids = append(ids, *subnets[i].SubnetId)
		a.has[name] = *subnets[i].SubnetId
		network, _, _ := strings.Cut(*subnets[i].CidrBlock, "/")
		a.has[fmt.Sprintf("10.0.%d.10", i+1)] = strings.TrimSuffix(network, "0") + "10"
	}
	groups := must(cloud.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{}))(t).SecurityGroups
	a.has["sg-0123456789abcdef0"] = *groups[0].GroupId

	balancing := elb.New(elb.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: labKeys})
	target := must(balancing.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{
		Name: aws.String("api"), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: subnets[0].VpcId, TargetType: types.TargetTypeEnumInstance,
	}))(t).TargetGroups[0].TargetGroupArn
	balancer := must(balancing.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("api"), Type: types.LoadBalancerTypeEnumApplication, Subnets: ids,
	}))(t).LoadBalancers[0].LoadBalancerArn
	must(balancing.CreateListener(t.Context(), &elb.CreateListenerInput{
		LoadBalancerArn: balancer, Port: aws.Int32(80), Protocol: types.ProtocolEnumHttp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: target}},
	}))(t)
	a.has["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef"] = *target

	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: labKeys, UsePathStyle: true})
	must(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("acme-staging")}))(t)
	for _, region := range []string{"us-east-1", "eu-central-1", "us-west-2"} {
		a.makeKey(region, "alias/golden")
	}
	return a
}

// must returns an answer, or ends the test that it is given.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// makeKey makes a key of the key service, with an alias.
func (a *account) makeKey(region, alias string) {
	a.t.Helper()
	made := a.kms(region, "CreateKey", map[string]any{"Description": "for images"})
	a.kms(region, "CreateAlias", map[string]any{"AliasName": alias, "TargetKeyId": made.KeyMetadata.KeyID})
}

type kmsAnswer struct {
	KeyMetadata struct {
		KeyID string `json:"KeyId"`
	}
}

func (a *account) kms(region, action string, asked map[string]any) (answer kmsAnswer) {
	a.t.Helper()
	body, err := json.Marshal(asked)
	if err != nil {
		a.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, a.URL, strings.NewReader(string(body)))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/"+region+"/kms/aws4_request")
	request.Header.Set("X-Amz-Target", "TrentService."+action)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s", action, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
		a.t.Fatal(err)
	}
	return answer
}

const required = `
terraform {
  required_providers {
    stamp = { source = "stamp-pattern/stamp" }
  }
}
`

const goldenWeb = `
resource "stamp_golden_image" "web" {
  name   = "web"
  source = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
}
`

// settle makes an example one that this account can apply by itself: in place of what it
// names stands what the account has, and what it refers to is beside it.
func (a *account) settle(dir, example string) {
	a.t.Helper()
	for _, other := range mustGlob(a.t, dir, "*.tf") {
		if filepath.Base(other) != example {
			a.do(os.Remove(other))
		}
	}
	file := filepath.Join(dir, example)
	content, err := os.ReadFile(file)
	a.do(err)
	text := string(content)
	for said, have := range a.has {
		text = strings.ReplaceAll(text, said, have)
	}
	a.do(os.WriteFile(file, []byte(text), 0o600))
	around := required
	if strings.Contains(text, "stamp_golden_image.web.") && !strings.Contains(text, `"stamp_golden_image" "web"`) {
		around += goldenWeb
	}
	a.do(os.WriteFile(filepath.Join(dir, "around.tf"), []byte(around), 0o600))
}

func (a *account) do(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// leftovers are what the account has, in words.
func (a *account) leftovers() map[string]bool {
	all := map[string]bool{}
	for _, left := range a.Lab.Books().Leftovers {
		all[fmt.Sprintf("%s %s %v", left.Type, left.ID, left.Tags)] = true
	}
	return all
}

// nothingBut fails the test when the account has more than before.
func (a *account) nothingBut(before map[string]bool) {
	a.t.Helper()
	for thing := range a.leftovers() {
		if !before[thing] {
			a.t.Errorf("left over: %s", thing)
		}
	}
}

// withAnsible is a directory with an ansible-playbook that is content with everything:
// guests that are played have nothing to set up.
func withAnsible(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	nothing, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(nothing, filepath.Join(dir, "ansible-playbook")); err != nil {
		t.Fatal(err)
	}
	return dir
}
