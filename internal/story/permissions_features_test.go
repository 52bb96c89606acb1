package story

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// whereBrokenFails plays the guests, which fail in a step that is called so, and which fetch
// what is staged for them.
func whereBrokenFails(t *testing.T) rehearsal.Inside {
	return rehearsal.Inside{
		Each: time.Millisecond,
		Fails: func(_ guests.Spec, _, name string) int {
			if name == "broken" {
				return 1
			}
			return 0
		},
		Fetch: func(url string) ([]byte, error) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				return nil, err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return nil, err
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("fetching what is staged: %s", response.Status)
			}
			return io.ReadAll(response.Body)
		},
	}
}

// furnish gives the account the two images that the fleets here run, and lets it make
// images public.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
func (a *account) furnish() {
	a.t.Helper()
	for _, region := range []string{"us-east-1", "eu-central-1", "us-west-2"} {
		there := ec2.New(ec2.Options{Region: region, BaseEndpoint: &a.URL, Credentials: labKeys})
		must(there.DisableImageBlockPublicAccess(a.t.Context(), &ec2.DisableImageBlockPublicAccessInput{}))(a.t)
	}
	cloud := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &a.URL, Credentials: labKeys})
	found := must(cloud.DescribeImages(a.t.Context(), &ec2.DescribeImagesInput{
		Owners:  []string{"amazon"},
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"al2023-ami-2023*"}}, {Name: aws.String("architecture"), Values: []string{"x86_64"}}},
	}))(a.t).Images
	a.has["ami-0aaaaaaaaaaaaaaaa"], a.has["ami-0bbbbbbbbbbbbbbbb"] = *found[0].ImageId, *found[1].ImageId
}

// image is a golden image with these attributes, beside its name and source.
func image(attributes ...string) string {
	return "resource \"stamp_golden_image\" \"web\" {\n  name = \"web\"\n" +
		"  source = { ssm_parameter = \"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64\" }\n" + lines(attributes)
}

// servers is a fleet with these attributes, beside its name and instance types.
func servers(attributes ...string) string {
	return "resource \"stamp_fleet\" \"web\" {\n  name = \"web\"\n  instance_types = [\"t3.micro\"]\n" + lines(attributes)
}

func lines(attributes []string) string { return "  " + strings.Join(attributes, "\n  ") + "\n}\n" }

func bake(step string) string {
	return `bake = { instance_types = ["t3.small"], steps = [{ name = "` + step + `", script = "true # ` + step + `" }] }`
}

// The images that fleets here run.
const first, second = `image_id = "ami-0aaaaaaaaaaaaaaaa"`, `image_id = "ami-0bbbbbbbbbbbbbbbb"`

// much is text that does not become smaller.
func much(bytes int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, bytes)
	for i := range text {
		text[i] = letters[rand.IntN(len(letters))]
	}
	return string(text)
}

// features is what the guide has policies for.
func features() map[string]feature {
	const (
		target    = `target_group_arns = ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef"]`
		subnet    = `subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa"]`
		parameter = `distribute = { ssm_parameter = "/golden/web" }`
	)
	ssm := func(step string) string {
		return `bake = {
    transport = "ssm"
    iam_instance_profile = "bake"
    steps = [{ name = "` + step + `", script = "true # ` + step + `" }]
  }`
	}
	return map[string]feature{
		"golden image": {policies: []string{"golden-image"}, steps: []string{
			image(bake("one"), `tags = { Team = "web", Old = "yes" }`),
			image(bake("one"), `description = "new"`, `tags = { Team = "platform" }`, `capture = { deprecate_after = "2160h", deregistration_protection = true }`),
			image(bake("one"), `description = "new"`),
			image(bake("broken"), `on_failure = "keep"`),
			image(bake("two"), `capture = { retain_versions = 1 }`, `verify = { checks = [{ name = "ok", script = "true" }] }`),
		}},
		"run command": {policies: []string{"golden-image", "run-command"}, steps: []string{
			image(bake("one"), `tags = { Team = "web", Old = "yes" }`),
			image(ssm("two"), `description = "new"`, `tags = { Team = "platform" }`, `capture = { deprecate_after = "2160h", deregistration_protection = true }`),
			image(ssm("two")),
			image(ssm("broken"), `on_failure = "keep"`),
			image(bake("broken"), `on_failure = "keep"`),
			image(ssm("three"), `capture = { retain_versions = 1 }`),
		}},
		"staging bucket": {policies: []string{"golden-image", "staging-bucket"}, steps: append([]string{
			image(`bake = {
    staging_bucket = "acme-staging"
    steps = [{ name = "large", upload = { content = "` + much(40<<10) + `", destination = "/opt/large" } }]
  }`),
		}, ordinary()...)},
		"KMS key": {policies: []string{"golden-image", "kms-key"}, steps: append([]string{
			image(bake("one"), `capture = { encrypted = true, kms_key_id = "alias/aws/ebs" }`),
		}, ordinary()...)},
		"handed out": {policies: []string{"golden-image", "hand-out"}, steps: append([]string{
			image(bake("one"), `distribute = { regions = { "eu-central-1" = {} }, account_ids = ["444455556666"], snapshots = true }`),
			image(bake("one"), `distribute = { regions = { "eu-central-1" = {} }, organization_arns = ["arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5"] }`),
			image(bake("one"), `distribute = { regions = { "us-west-2" = {} }, public = true, snapshots = true }`),
			image(bake("one")),
		}, ordinary()...)},
		"SSM parameter": {policies: []string{"golden-image", "ssm-parameter"}, steps: append([]string{
			image(bake("one"), parameter),
			image(bake("two"), parameter),
			image(bake("two"), `distribute = { ssm_parameter = "/golden/other" }`),
		}, ordinary()...)},
		"fleet": {policies: []string{"fleet"}, steps: fleetLife()},
		"fleet with an instance profile": {policies: []string{"fleet", "instance-profile"}, steps: append([]string{
			servers(first, "size = 2", `iam_instance_profile = "web"`),
			servers(first, "size = 2", `iam_instance_profile = "other"`),
			servers(first, "size = 2"),
			servers(first, "size = 2", `iam_instance_profile = "web"`),
		}, fleetLife()...)},
		"fleet with target groups": {policies: []string{"fleet", "target-groups"}, steps: append([]string{
			servers(first, "size = 2", target, subnet),
			servers(second, "size = 2", target, subnet),
		}, fleetLife()...)},
		"fleet with new root volumes": {policies: []string{"fleet", "root-volumes"}, steps: append([]string{
			servers(first, "size = 2", `rollout = { strategy = "replace_root_volume", max_unavailable = "1" }`),
			servers(second, "size = 2", `rollout = { strategy = "replace_root_volume", max_unavailable = "1" }`),
		}, fleetLife()...)},
		"spot fleet": {policies: []string{"fleet", "spot"}, steps: append([]string{
			servers(first, "size = 2", `market = "spot"`),
		}, fleetLife()...)},
		"plan": {policies: []string{"plan-only"}, prepared: image(bake("one"),
			`distribute = { regions = { "eu-central-1" = {} }, account_ids = ["444455556666"], snapshots = true, ssm_parameter = "/golden/web" }`) +
			servers("image_id = stamp_golden_image.web.image_id", "size = 2", target, subnet, `iam_instance_profile = "web"`)},
		"data source": {policies: []string{"data-source"}, prepared: image(bake("one")), steps: []string{
			"data \"stamp_golden_image\" \"web\" {\n  name = \"web\"\n}\n",
		}},
	}
}

// ordinary is what else happens to a golden image.
func ordinary() []string {
	return []string{
		image(bake("one"), `tags = { Team = "web", Old = "yes" }`, `capture = { deprecate_after = "2160h", deregistration_protection = true }`),
		image(bake("one"), `description = "new"`, `tags = { Team = "platform" }`),
		image(bake("broken"), `on_failure = "keep"`),
		image(bake("two"), `capture = { retain_versions = 1 }`),
	}
}

// fleetLife is what happens to any fleet: it is made, changed in place, rolled, scaled and
// mended.
func fleetLife() []string {
	return []string{
		servers(first, "size = 2", `tags = { Team = "web", Old = "yes" }`),
		servers(first, "size = 2", `tags = { Team = "platform" }`, "monitoring = true", "disable_api_termination = true", "disable_api_stop = true",
			`metadata_options = { http_put_response_hop_limit = 3 }`, `vpc_security_group_ids = ["sg-0123456789abcdef0"]`),
		servers(first, "size = 3", "monitoring = false", `subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]`),
		servers(second, "size = 1", `slots = { hostname = "web-%03d" }`),
	}
}
