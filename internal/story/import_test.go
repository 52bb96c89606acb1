package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// importing is the block that imports into ADDRESS what has the id.
func importing(address, id string) string {
	return "\nimport {\n  to = " + address + "\n  id = \"" + id + "\"\n}\n"
}

// generated lets the CLI write a configuration for what is imported, which must plan nothing but
// the import, and do no more. It returns what was written.
func generated(t *testing.T, server *labtest.Server, settings, address, id string) string {
	t.Helper()
	terraform := another(t, server, "lab")
	terraform.write(required + settings + importing(address, id))
	printed := terraform.run("plan", "-no-color", "-generate-config-out=generated.tf")
	raw, err := os.ReadFile(filepath.Join(terraform.dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	written := string(raw)
	wants(t, printed, "1 to import, 0 to add, 0 to change, 0 to destroy")
	if t.Failed() {
		t.Fatalf("generated:\n%s", written)
	}
	wants(t, terraform.run("apply", "-no-color", "-auto-approve"), "1 imported, 0 added, 0 changed, 0 destroyed")
	terraform.write(required + settings)
	wants(t, terraform.run("plan", "-no-color"), "No changes")
	return written
}

// says fails the test where what was generated lacks a line, however it is aligned.
func says(t *testing.T, written string, lines ...string) {
	t.Helper()
	wants(t, written, lines...)
}

// keepsQuiet fails the test where what was generated has a line for what a default stands for.
func keepsQuiet(t *testing.T, written string, names ...string) {
	t.Helper()
	for line := range strings.Lines(written) {
		name, value, there := strings.Cut(line, "=")
		for _, quiet := range names {
			if there && strings.TrimSpace(name) == quiet && strings.TrimSpace(value) != "null" {
				t.Errorf("%q was generated", strings.TrimSpace(line))
			}
		}
	}
}

const handedOut = `
resource "stamp_golden_image" "web" {
  name        = "web"
  description = "what is served"
  source      = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
  bake        = { steps = [{ name = "one", script = "true" }] }
  verify      = { checks = [{ name = "ok", script = "true" }] }
  capture     = { deprecate_after = "100h", deregistration_protection = true }
  distribute  = {
    regions       = { "eu-west-1" = {}, "eu-central-1" = {} }
    account_ids   = ["111122223333", "444455556666"]
    snapshots     = true
    ssm_parameter = "/golden/web"
  }
  tags = { Team = "platform" }
}
`

// What an image is made of is in no image, and all else is: a configuration that is generated
// has it, holds on to the version, and plans nothing. The recipe can be added to it.
func TestImport_image(t *testing.T) {
	server := labWithGuests(t)
	theirs := another(t, server, "lab")
	theirs.write(required + handedOut)
	theirs.run("apply", "-no-color", "-auto-approve")
	written := generated(t, server, "", "stamp_golden_image.web", "web")
	says(t, written, `name = "web"`, `description = "what is served"`, `image_id = "ami-`, `pin_version = 1`,
		`deprecate_after = "100h"`, `deregistration_protection = true`,
		`account_ids = ["111122223333", "444455556666"]`, `snapshots = true`, `ssm_parameter = "/golden/web"`,
		`eu-central-1 = { kms_key_id = null }`, `Team = "platform"`)
	keepsQuiet(t, written, "imds_support", "retain_versions", "public", "organization_arns", "encrypted", "skip_destroy")

	// The whole configuration, by hand: it is known by its fingerprint.
	ours := another(t, server, "lab")
	ours.write(required + handedOut + importing("stamp_golden_image.web", "web@us-east-1"))
	server.Lab.ResetBooks()
	wants(t, ours.run("apply", "-no-color", "-auto-approve"), "1 imported", "0 destroyed")
	if made := server.Lab.Books().Requests; made["RunInstances"]+made["CreateImage"]+made["CopyImage"] > 0 {
		t.Errorf("the import has made something: %v", made)
	}
	wants(t, ours.run("plan", "-no-color"), "No changes")
	ours.run("destroy", "-no-color", "-auto-approve")
	nothingLeft(t, server)
}

// full is a fleet with whatever a fleet can have.
const full = `
resource "stamp_fleet" "web" {
  name                        = "web"
  image_id                    = "IMAGE"
  size                        = 4
  instance_types              = ["t3.micro"]
  subnet_ids                  = ["SUBNET"]
  vpc_security_group_ids      = ["GROUP"]
  target_group_arns           = ["TARGETS"]
  iam_instance_profile        = "web"
  associate_public_ip_address = true
  monitoring                  = true
  disable_api_termination     = true
  credit_specification        = { cpu_credits = "standard" }
  metadata_options            = { instance_metadata_tags = "enabled", http_put_response_hop_limit = 3 }
  root_volume                 = { size = 20, type = "gp3" }
  volumes                     = { "/dev/sdf" = { size = 5 } }
  user_data                   = "#!/bin/sh\necho 'it is' \"$STAMP_SLOT\"\n"
  tags                        = { App = "web" }
  rollout                     = { max_unavailable = "1" }
  slots = {
    hostname  = "web-%03d"
    name_tags = true
    overrides = {
      "0" = { environment = { ROLE = "leader", SAYS = "it's \"so\"" }, tags = { Role = "leader" }, instance_type = "t3.small" }
      "2" = { private_ip = "ADDRESS" }
    }
  }
}
`

// A fleet is read back from its instances, whatever it has, and what defaults stand for is not
// written down.
func TestImport_fleet(t *testing.T) {
	account := newAccount(t)
	cloud := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &account.URL, Credentials: labKeys})
	made := must(cloud.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")}))(t)
	fills := strings.NewReplacer("IMAGE", baseImage(t, account.Server), "SUBNET", account.has["subnet-0aaaaaaaaaaaaaaaa"], "GROUP", *made.GroupId,
		"TARGETS", account.has["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef"], "ADDRESS", account.has["10.0.1.10"])
	theirs := another(t, account.Server, "lab")
	theirs.write(required + fills.Replace(full))
	theirs.run("apply", "-no-color", "-auto-approve")
	written := generated(t, account.Server, "", "stamp_fleet.web", "web")
	says(t, written, `size = 4`, `instance_types = ["t3.micro"]`, fills.Replace(`subnet_ids = ["SUBNET"]`), fills.Replace(`vpc_security_group_ids = ["GROUP"]`),
		fills.Replace(`target_group_arns = ["TARGETS"]`), `iam_instance_profile = "web"`, `associate_public_ip_address = true`, `monitoring = true`,
		`disable_api_termination = true`, `cpu_credits = "standard"`, `http_put_response_hop_limit = 3`, `instance_metadata_tags = "enabled"`,
		`hostname = "web-%03d"`, `name_tags = true`, `ROLE = "leader"`, `SAYS = "it's \"so\""`, `Role = "leader"`, `instance_type = "t3.small"`,
		fills.Replace(`private_ip = "ADDRESS"`), `App = "web"`, `it is`)
	keepsQuiet(t, written, "http_tokens", "http_endpoint", "ebs_optimized", "disable_api_stop", "market", "placement", "Name", "key_name", "health", "max_surge")
	// The configuration that it was made with plans nothing either.
	theirs.run("state", "rm", "stamp_fleet.web")
	theirs.write(required + fills.Replace(full) + importing("stamp_fleet.web", "web@us-east-1"))
	wants(t, theirs.run("apply", "-no-color", "-auto-approve"), "1 imported", "0 destroyed")
	wants(t, theirs.run("plan", "-no-color"), "No changes")
}

// A plain fleet needs no more than it had.
func TestImport_plainFleet(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	theirs := another(t, server, "lab")
	for _, userData := range []string{"", `user_data = base64gzip("#!/bin/sh\n")`, `user_data = "#!/bin/sh\n"`} {
		theirs.write(required + fleetOf(baseImage(t, server), "web", "web", userData))
		theirs.run("apply", "-no-color", "-auto-approve")
		written := generated(t, server, "", "stamp_fleet.web", "web")
		says(t, written, `size = 3`, `instance_types = ["t3.micro"]`)
		keepsQuiet(t, written, "subnet_ids", "vpc_security_group_ids", "target_group_arns", "metadata_options", "slots", "tags", "market", "credit_specification",
			"associate_public_ip_address", "ebs_optimized", "monitoring", "placement", "root_volume", "volumes", "key_name", "iam_instance_profile")
	}
	theirs.run("destroy", "-no-color", "-auto-approve")
	nothingLeft(t, server)
}

// A fleet of size 0 has nothing to be found by.
func TestImport_emptyFleet(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	terraform := another(t, server, "lab")
	empty := strings.Replace(fleetOf(baseImage(t, server), "web", "web", ""), "= 3", "= 0", 1)
	terraform.write(required + empty + importing("stamp_fleet.web", "web"))
	wants(t, terraform.fails("plan", "-no-color"), "Fleet web cannot be imported", "A fleet of size 0 has none", "remove the import block and apply")
}
