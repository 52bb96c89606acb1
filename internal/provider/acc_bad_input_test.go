package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// image is a golden image whose parts can be replaced one by one.
func imageConfig(replaced map[string]string) string {
	parts := map[string]string{
		"name":   `"web"`,
		"source": `{ ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }`,
		"bake":   `{ steps = [{ name = "one", script = "true" }] }`,
		"verify": `{ checks = [{ name = "ok", script = "true" }] }`,
	}
	for name, value := range replaced {
		parts[name] = value
	}
	var lines []string
	for _, name := range []string{"name", "description", "region", "source", "bake", "verify", "capture", "distribute", "refresh", "tags", "timeouts", "skip_destroy"} {
		if parts[name] != "" {
			lines = append(lines, fmt.Sprintf("  %s = %s", name, parts[name]))
		}
	}
	return "resource \"stamp_golden_image\" \"web\" {\n" + strings.Join(lines, "\n") + "\n}\n"
}

func fleetConfig(replaced map[string]string) string {
	parts := map[string]string{
		"name": `"web"`, "image_id": `"ami-0123456789abcdef0"`, "size": "3", "instance_types": `["t3.micro"]`,
	}
	for name, value := range replaced {
		parts[name] = value
	}
	var lines []string
	for _, name := range []string{
		"name", "region", "image_id", "size", "instance_types", "subnet_ids", "vpc_security_group_ids",
		"iam_instance_profile", "key_name", "user_data", "tags", "slots", "health", "rollout", "market", "metadata_options",
		"root_volume", "volumes", "target_group_arns", "replace_unhealthy", "timeouts",
	} {
		if parts[name] != "" {
			lines = append(lines, fmt.Sprintf("  %s = %s", name, parts[name]))
		}
	}
	return "resource \"stamp_fleet\" \"web\" {\n" + strings.Join(lines, "\n") + "\n}\n"
}

// Bad input is refused in the plan, at the attribute, before anything is asked of
// AWS that would change it.
func TestAcc_badInputIsRefusedInThePlan(t *testing.T) {
	tests := map[string]struct {
		config string
		// summary, at and detail are patterns of what the diagnostic says, in that order;
		// at is the attribute's path.
		summary, at, detail string
	}{
		"two sources": {
			imageConfig(map[string]string{"source": `{ image_id = "ami-0123456789abcdef0", ssm_parameter = "/x" }`}),
			"A source takes exactly one of", "source", `image_id and ssm_parameter are given`,
		},
		"no source": {imageConfig(map[string]string{"source": `{}`}), "A source takes exactly one of", "source", `none is given`},
		"step with two actions": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", script = "true", upload = { content = "x", destination = "/x" } }] }`}),
			"A step takes exactly one of script, upload", `bake.steps\[0\]`, `script and upload are given`,
		},
		"step with no action": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a" }] }`}), "A step takes exactly one of", `bake.steps\[0\]`, `none is given`,
		},
		"account that is none": {
			imageConfig(map[string]string{"distribute": `{ account_ids = ["1234"] }`}), "Not an account id", `distribute.account_ids: `, `twelve digits`,
		},
		"organization that is none": {
			imageConfig(map[string]string{"distribute": `{ organization_arns = ["arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-cd34ef56"] }`}),
			"Not the ARN of an organization", `distribute.organization_arns`, `organization/o-`,
		},
		"the home region as a copy": {
			imageConfig(map[string]string{"distribute": `{ regions = { "us-east-1" = {} } }`}), "The line's own region", `distribute.regions\["us-east-1"\]`, `it is made there`,
		},
		"encrypted under the account's key and shared": {
			imageConfig(map[string]string{"capture": `{ encrypted = true }`, "distribute": `{ account_ids = ["111122223333"] }`}),
			"cannot be shared", `distribute`, `Set capture.kms_key_id`,
		},
		"a copy encrypted under the account's key and shared": {
			imageConfig(map[string]string{
				"capture":    `{ encrypted = true, kms_key_id = "alias/golden" }`,
				"distribute": `{ account_ids = ["111122223333"], regions = { "eu-west-1" = { kms_key_id = "alias/aws/ebs" } } }`,
			}),
			"cannot be shared", `distribute.regions\["eu-west-1"\].kms_key_id`, `a key of your own in eu-west-1`,
		},
		"encrypted and public": {
			imageConfig(map[string]string{"capture": `{ encrypted = true, kms_key_id = "alias/golden" }`, "distribute": `{ public = true }`}),
			"An encrypted image cannot be public", `distribute.public`, `only unencrypted images`,
		},
		"snapshots for nobody": {imageConfig(map[string]string{"distribute": `{ snapshots = true }`}), "Nobody to share snapshots with", `distribute.snapshots`, `account_ids`},
		"parameter that SSM refuses": {
			imageConfig(map[string]string{"distribute": `{ ssm_parameter = "/aws/web" }`}), "Not the name of an SSM parameter", `distribute.ssm_parameter`, `golden/web`,
		},
		"a version that is not kept": {
			imageConfig(map[string]string{"refresh": `{ pin_version = 3 }`}), "The version to hold on to is not kept", `refresh.pin_version`, `there is no version yet`,
		},
		"public, deprecated too late": {
			imageConfig(map[string]string{"capture": `{ deprecate_after = "20000h" }`, "distribute": `{ public = true }`}),
			"Deprecated too late", `capture.deprecate_after`, `at most 2 years \(17520h\) after a public image`,
		},
		"a data volume without a size": {
			imageConfig(map[string]string{"bake": `{ volumes = { "/dev/sdf" = {} } }`}), "A volume without a size", `bake.volumes\["/dev/sdf"\].size`, `how large`,
		},
		"Windows over user data": {
			imageConfig(map[string]string{"source": `{ ssm_parameter = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-Base" }`}),
			"Windows needs the transport ssm", "bake.transport", `set bake.transport = "ssm"`,
		},
		"name that no AMI can have": {imageConfig(map[string]string{"name": `"web!"`}), "Not a name for an AMI", "name", `cannot begin the name of an AMI`},
		"upload of a missing file": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", upload = { source = "nowhere.txt", destination = "/x" } }] }`}),
			"The file to upload cannot be read", `bake.steps\[0\].upload.source`, `nowhere\.txt`,
		},
		"scripts over the limit": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", script = join("", [for i in range(1000) : sha256("a${i}")]) }] }`}),
			"do not fit into user data", "bake.steps", `16384`,
		},
		"step names used twice": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", script = "true" }, { name = "a", script = "false" }] }`}),
			"Name used twice", `bake.steps\[1\].name`, `step "a" at index 0`,
		},
		"check names used twice": {
			imageConfig(map[string]string{"verify": `{ checks = [{ name = "a", script = "true" }, { name = "a", script = "false" }] }`}),
			"Name used twice", `verify.checks\[1\].name`, `check "a" at index 0`,
		},
		"timeout that is no duration": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", script = "true", timeout = "ten minutes" }] }`}),
			"Not a duration", `bake.steps\[0\].timeout`, `"ten minutes" is not a duration`,
		},
		"timeouts that are no durations": {imageConfig(map[string]string{"timeouts": `{ create = "soon" }`}), "Time Duration", "", `soon`},
		"key without encryption": {
			imageConfig(map[string]string{"capture": `{ kms_key_id = "alias/x" }`}), "A key without encryption", "capture.kms_key_id", `encrypted = true`,
		},
		"parameter that is not there": {
			imageConfig(map[string]string{"source": `{ ssm_parameter = "/not/there" }`}),
			"The source image cannot be used", "source.ssm_parameter", `/not/there.*ParameterNotFound`,
		},
		"source that is not there": {
			imageConfig(map[string]string{"source": `{ image_id = "ami-0123456789abcdef0" }`}),
			"The source image cannot be used", "source.image_id", `ami-0123456789abcdef0 is not in us-east-1`,
		},
		"lookup that finds nothing": {
			imageConfig(map[string]string{"source": `{ lookup = { owners = ["amazon"], name = "no-such-*" } }`}),
			"The source image cannot be used", "source.lookup", `no available image in us-east-1.*owners amazon; name no-such-\*; state available`,
		},
		"root volume smaller than the source's": {
			imageConfig(map[string]string{"bake": `{ root_volume = { size = 1 } }`}), "The root volume is too small", "bake.root_volume.size", `1 GiB is asked for`,
		},
		"reserved tag":                {imageConfig(map[string]string{"tags": `{ "stamp:image" = "x" }`}), "Reserved tag", "tags", `own journal`},
		"negative size":               {fleetConfig(map[string]string{"size": "-1"}), "Not a number of instances", "size", `-1 is not a whole number between 0`},
		"a type that is null":         {fleetConfig(map[string]string{"instance_types": `["t3.micro", null]`}), "Element without a value", "instance_types", `null`},
		"a subnet that is null":       {fleetConfig(map[string]string{"subnet_ids": `[null]`}), "Element without a value", "subnet_ids", `null`},
		"a group that is null":        {fleetConfig(map[string]string{"vpc_security_group_ids": `[null]`}), "Element without a value", "vpc_security_group_ids", `null`},
		"a group that is empty":       {fleetConfig(map[string]string{"vpc_security_group_ids": `[""]`}), "Element without a value", "vpc_security_group_ids", `empty string`},
		"a target group that is null": {fleetConfig(map[string]string{"target_group_arns": `[null]`}), "Element without a value", "target_group_arns", `null`},
		"a device that is none":       {fleetConfig(map[string]string{"volumes": `{ sdf = { size = 1 } }`}), "Not a device name", "volumes", `"sdf" is not`},
		"more than all":               {fleetConfig(map[string]string{"rollout": `{ max_unavailable = "150%" }`}), "Not a number of instances", "rollout.max_unavailable", `100% is the most`},
		"days":                        {fleetConfig(map[string]string{"health": `{ grace_period = "30d" }`}), "Not a duration", "health.grace_period", `30 days are "720h"`},
		"no time at all":              {fleetConfig(map[string]string{"timeouts": `{ update = "0s" }`}), "No time at all", "timeouts.update", `above zero`},
		"an image that is gone":       {fleetConfig(nil), "The image cannot be used", "image_id", `InvalidAMIID.NotFound`},
		"a tag with a blank": {
			fleetConfig(map[string]string{"tags": `{ "Patch Group" = "a" }`, "metadata_options": `{ instance_metadata_tags = "enabled" }`}),
			"The fleet cannot be as configured", "tags", `"Patch Group" cannot be`,
		},
		"override for a slot that does not exist": {
			fleetConfig(map[string]string{"slots": `{ overrides = { "3" = { environment = { A = "b" } } } }`}),
			"Override for a slot that does not exist", `slots.overrides\["3"\]`, `no slot 3 in a fleet of 3`,
		},
		"hostname without a number": {fleetConfig(map[string]string{"slots": `{ hostname = "web" }`}), "The same hostname for all", "slots.hostname", `%d`},
		"hostname that is none":     {fleetConfig(map[string]string{"slots": `{ hostname = "web_%d!" }`}), "Not a hostname", "slots.hostname", `web_`},
		"amount that is none":       {fleetConfig(map[string]string{"rollout": `{ max_surge = "ten" }`}), "Not a number of instances", "rollout.max_surge", `"ten" is neither`},
		"root volumes one cannot miss": {
			fleetConfig(map[string]string{"rollout": `{ strategy = "replace_root_volume", max_unavailable = "0" }`}),
			"The fleet cannot be as configured", "rollout.max_unavailable", `allow at least 1`,
		},
		"address that is none": {
			fleetConfig(map[string]string{"slots": `{ overrides = { "0" = { private_ip = "10.0.0.256" } } }`}),
			"Not an address", `slots.overrides\["0"\].private_ip`, `no IPv4 address`,
		},
		"address without a subnet": {
			fleetConfig(map[string]string{"slots": `{ overrides = { "0" = { private_ip = "10.0.0.9" } } }`, "rollout": `{ max_unavailable = "1" }`}),
			"The fleet cannot be as configured", "slots.overrides", `slot 0 has a private_ip: say its subnet_id`,
		},
		"target group that is none": {
			fleetConfig(map[string]string{"target_group_arns": `["web"]`}), "Not the ARN of a target group", "target_group_arns: ", `"web" is not`,
		},
		// At the line of bake, not of name, which is what the step's attribute is called, too.
		"name used twice": {
			imageConfig(map[string]string{"bake": `{ steps = [{ name = "a", script = "true" }, { name = "a", script = "true" }] }`}),
			"Name used twice", `\d+: bake = .*bake.steps\[1\].name`, `has that name already`,
		},
		"soak that no update waits for": {
			fleetConfig(map[string]string{"rollout": `{ canary = 1, soak = "30m" }`, "timeouts": `{ update = "20m" }`}),
			"The soak is longer", "rollout.soak", `Raise timeouts.update`,
		},
		"key of a volume without encryption": {
			fleetConfig(map[string]string{"root_volume": `{ size = 20, kms_key_id = "alias/x" }`}),
			"The fleet cannot be as configured", "root_volume.kms_key_id", `encrypted = true`,
		},
		"slots without a metadata service": {
			fleetConfig(map[string]string{"slots": `{}`, "metadata_options": `{ http_endpoint = "disabled" }`}),
			"The fleet cannot be as configured", "metadata_options.http_endpoint", `learns its slot`,
		},
		"market that is none": {fleetConfig(map[string]string{"market": `"cheap"`}), "Invalid Attribute Value", "market", `"cheap"`},
		"image that is none":  {fleetConfig(map[string]string{"image_id": `"web"`}), "Not an AMI id", "image_id", `"web" is not an AMI id`},
		"user data over the limit": {
			fleetConfig(map[string]string{"user_data": `join("", [for i in range(1000) : sha256("a${i}")])`}),
			"The user data does not fit", "user_data", `16384`,
		},
		"variable of the provider's own": {
			fleetConfig(map[string]string{"slots": `{ overrides = { "0" = { environment = { STAMP_SLOT = "1" } } } }`}),
			"Reserved variable", `slots.overrides\["0"\].environment`, `STAMP_SLOT`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, false)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{{
					Config:      w.config(test.config),
					PlanOnly:    true,
					ExpectError: regexp.MustCompile(loose(test.summary + `.*` + test.at + `.*` + test.detail)),
				}},
			})
		})
	}
}

// loose lets a pattern match across the line breaks of Terraform's frames.
func loose(pattern string) string {
	return "(?s)" + strings.ReplaceAll(pattern, " ", `[\s│]+`)
}
