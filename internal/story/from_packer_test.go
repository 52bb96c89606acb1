package story

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What the lab has none of: guests of Windows, and Ansible.
var validatedOnly = []string{"ansible-from-outside", "ansible-in-guest", "windows"}

// Each configuration that was written anew after a kind of Packer template is valid, and
// those for Linux are applied as they are, plan nothing afterwards, and leave nothing.
func TestExamples_fromPacker(t *testing.T) {
	folders := mustGlob(t, filepath.Join(examples, "from-packer"), "*")
	if len(folders) < 10 {
		t.Fatalf("%d folders", len(folders))
	}
	server := labWithGuests(t)
	// The group ends when all of its parallel tests have.
	t.Run("folders", func(t *testing.T) {
		for _, folder := range folders {
			kind := filepath.Base(folder)
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				terraform := newCLI(t, copied(t, folder),
					"AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab")
				terraform.run("validate", "-no-color")
				if slices.Contains(validatedOnly, kind) {
					return
				}
				if os.Geteuid() != 0 {
					t.Skip("valid, but not applied: guests of an ordinary user have one user id, and these make users")
				}
				terraform.run("apply", "-no-color", "-auto-approve")
				terraform.run("plan", "-no-color", "-detailed-exitcode")
				terraform.run("destroy", "-no-color", "-auto-approve")
			})
		}
	})
	for _, left := range server.Lab.Books().Leftovers {
		t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
	}
}
