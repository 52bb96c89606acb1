package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// The complete example is applied as it is, plans nothing afterwards, follows a change
// of its release, and leaves nothing behind.
func TestExamples_complete(t *testing.T) {
	server := labWithGuests(t)
	terraform := newCLI(t, copied(t, filepath.Join(examples, "complete")),
		"AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab")

	terraform.run("apply", "-no-color", "-auto-approve")
	terraform.run("plan", "-no-color", "-detailed-exitcode")
	plan := terraform.run("plan", "-no-color", "-var", "release=1.1.0")
	if !strings.Contains(plan, "step install changed") {
		t.Errorf("the plan does not say why it bakes:\n%s", plan)
	}
	terraform.run("apply", "-no-color", "-auto-approve", "-var", "release=1.1.0")
	terraform.run("destroy", "-no-color", "-auto-approve")
	for _, left := range server.Lab.Books().Leftovers {
		t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
	}
}

// labWithGuests is a lab in which steps and checks really run.
func labWithGuests(t *testing.T) *labtest.Server {
	t.Helper()
	disks, err := shortDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(disks) })
	host := guests.Auto(t.Context(), disks)
	if running, reason := host.Status(); !running {
		t.Skipf("guests are off on this machine: %s", reason)
	}
	return labtest.Start(t, lab.Options{Guests: host})
}

// shortDir has no test to name the directory after: a socket's path must be short.
func shortDir() (string, error) { return os.MkdirTemp("", "g") }

// The examples of the reference install programs from the internet and name things of
// an account, so they cannot be applied here: a real CLI holds them against the schema.
func TestExamples_reference(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(examples, "*", "stamp_*"))
	if err != nil || len(found) < 2 {
		t.Fatalf("%d examples, %v", len(found), err)
	}
	for _, from := range found {
		for _, file := range mustGlob(t, from, "resource*.tf", "data-source*.tf") {
			t.Run(filepath.Base(from)+"/"+filepath.Base(file), func(t *testing.T) {
				dir := copied(t, from)
				for _, other := range mustGlob(t, dir, "*.tf") {
					if filepath.Base(other) != filepath.Base(file) {
						if err := os.Remove(other); err != nil {
							t.Fatal(err)
						}
					}
				}
				// What an example refers to and does not have itself.
				around := `terraform {
  required_providers {
    stamp = { source = "stamp-pattern/stamp" }
  }
}
`
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if uses, has := "stamp_golden_image.web.", `"stamp_golden_image" "web"`; strings.Contains(string(content), uses) && !strings.Contains(string(content), has) {
					around += "resource \"stamp_golden_image\" \"web\" {\n  name   = \"web\"\n  source = { image_id = \"ami-0123456789abcdef0\" }\n}\n"
				}
				if err := os.WriteFile(filepath.Join(dir, "around.tf"), []byte(around), 0o600); err != nil {
					t.Fatal(err)
				}
				newCLI(t, dir).run("validate", "-no-color")
			})
		}
	}
}

func mustGlob(t *testing.T, dir string, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}
