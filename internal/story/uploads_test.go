package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// site is a directory to upload, beside the configuration of an image that takes it.
func site(t *testing.T) (c *cli, put func(name, content string, mode os.FileMode), remove func(name string)) {
	t.Helper()
	c = another(t, labWithGuests(t), "lab")
	put = func(name, content string, mode os.FileMode) {
		t.Helper()
		to := filepath.Join(c.dir, "site", name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, mode); err != nil {
			t.Fatal(err)
		}
	}
	remove = func(name string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(c.dir, "site", name)); err != nil {
			t.Fatal(err)
		}
	}
	put("conf/app.conf", "a", 0o644)
	put("run.sh", "#!/bin/sh\n", 0o755)
	put("f1", "1", 0o644)
	put("f2", "2", 0o644)
	if err := os.Mkdir(filepath.Join(c.dir, "site", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.describe("first")
	return c, put, remove
}

// describe writes the configuration with a description.
func (c *cli) describe(text string) {
	c.t.Helper()
	c.write(required + image(
		`description = "`+text+`"`,
		`bake = { steps = [{ name = "files", upload = { source = "site", destination = "/opt/site", owner = "ec2-user", exclude = ["*.tmp"] } }] }`,
		`verify = { checks = [{ name = "arrived", script = "cd /opt/site && [ -d empty ] && [ ! -e x.tmp ] && [ $(stat -c %U . empty conf f1 | sort -u) = ec2-user ]" }] }`))
}

// lacks fails the test where a text has a part.
func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("do not want %q in\n%s", part, text)
		}
	}
}

// Files change while a plan waits for its apply. What is baked is what is there then, or the
// provider says in its own words why not.
func TestUploads_changeAfterThePlan(t *testing.T) {
	c, put, remove := site(t)
	plan := func(args ...string) string {
		return c.run(append([]string{"plan", "-no-color", "-out", "saved"}, args...)...)
	}
	apply := func() string { return c.run("apply", "-no-color", "saved") }

	wants(t, plan(), "fingerprint = (known after apply)", "image_name = (known after apply)", "version = 1")
	put("f1", "changed before the create", 0o644)
	apply()
	wants(t, plan(), "No changes")

	put(".DS_Store", "x", 0o644)
	put("x.tmp", "x", 0o644)
	put("run.sh", "#!/bin/sh\n", 0o644)
	put("f1", "again", 0o644)
	remove("f2")
	wants(t, plan(), `"step files changed (+ .DS_Store; f1; - f2; and 1 more)"`)
	put("conf/app.conf", "b", 0o644)
	apply()
	wants(t, plan(), "No changes")
	put("run.sh", "#!/bin/sh\n", 0o755)
	wants(t, plan(), `"step files changed (mode of run.sh)"`)

	put("run.sh", "#!/bin/sh\n", 0o644) // as it is in the image
	wants(t, c.fails("apply", "-no-color", "saved"), "a file to upload has changed since the plan was made", "terraform apply again")

	c.describe("second")
	lacks(t, plan(), "bake_reason")
	put("f1", "after the plan of a description", 0o644)
	wants(t, apply(), "have changed meanwhile", "left for the next plan")
	wants(t, plan("-refresh=false"), `"step files changed (f1)"`)
	apply()
	wants(t, plan("-refresh=false"), "No changes")
	c.run("destroy", "-auto-approve", "-no-color")
}

// Files that are gone are missed where something is to be baked, and nowhere else.
func TestUploads_gone(t *testing.T) {
	c, _, remove := site(t)
	c.run("apply", "-auto-approve", "-no-color")
	remove(".")
	wants(t, c.run("plan", "-no-color"), "No changes", "The file to upload cannot be read", "Nothing is baked")
	c.describe("second")
	c.run("apply", "-auto-approve", "-no-color")
	wants(t, c.run("plan", "-no-color"), "No changes")
	c.write(required + image(`bake = { steps = [{ name = "files", upload = { source = "site", destination = "/srv" } }] }`))
	wants(t, c.fails("plan", "-no-color"), "bake.steps[0].upload.source", "terraform destroy -refresh=false")
	c.describe("second")
	c.run("destroy", "-auto-approve", "-no-color")
}

// What a resource of the same apply makes is read in the apply.
func TestUploads_madeInTheSameApply(t *testing.T) {
	c := another(t, labWithGuests(t), "lab")
	c.write(required + `
resource "terraform_data" "build" {
  input = "built"
  provisioner "local-exec" {
    command = "echo built >built; echo rewritten >known"
  }
}
` + image(`bake = { steps = [
    { name = "built", upload = { source = terraform_data.build.output, destination = "/opt/built" } },
    { name = "known", upload = { source = "known", destination = "/opt/known" } },
  ] }`, `verify = { checks = [{ name = "arrived", script = "grep built /opt/built && grep rewritten /opt/known" }] }`))
	if err := os.WriteFile(filepath.Join(c.dir, "known"), []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run("apply", "-auto-approve", "-no-color")
	wants(t, c.run("plan", "-no-color"), "No changes")
	c.run("destroy", "-auto-approve", "-no-color")
}
