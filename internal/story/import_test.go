package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
