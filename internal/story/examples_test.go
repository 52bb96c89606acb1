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
