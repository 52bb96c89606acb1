package provider_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// world is one lab of a test's own.
type world struct {
	*labtest.Server
	t testing.TB
	// disks is where guests keep theirs; empty without guests.
	disks string
}

// newWorld starts a lab. With guests on, instances really run what they are told;
// where the kernel does not allow that, the test says so and is skipped.
func newWorld(t testing.TB, withGuests bool) *world {
	t.Helper()
	needCLI(t)
	options := lab.Options{}
	disks := ""
	if withGuests {
		disks = shortDir(t)
		host := guests.Auto(t.Context(), disks)
		if running, reason := host.Status(); !running {
			t.Skipf("guests are off on this machine: %s", reason)
		}
		options.Guests = host
	}
	return &world{Server: labtest.Start(t, options), t: t, disks: disks}
}

// needCLI skips tests that drive a real CLI, which take minutes, unless one is named:
// make testacc and make test always do, so that go test ./internal/... stays quick.
func needCLI(t testing.TB) {
	t.Helper()
	if os.Getenv("TF_ACC_TERRAFORM_PATH") == "" {
		t.Skip("an acceptance test: make testacc runs it, or TF_ACC_TERRAFORM_PATH=$(which terraform)")
	}
}

// newShortDir has no test to name the directory after, as t.TempDir has: that alone
// may be too long for a socket's path.
func newShortDir() (string, error) { return os.MkdirTemp("", "g") }

// shortDir is a directory with a short path: unix sockets live in it.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := newShortDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// config is a configuration that talks to the world.
func (w *world) config(body string) string {
	return fmt.Sprintf(`
provider "stamp" {
  region     = "us-east-1"
  access_key = "lab"
  secret_key = "lab"
  endpoints {
    ec2   = %[1]q
    elbv2 = %[1]q
    s3    = %[1]q
    ssm   = %[1]q
    sts   = %[1]q
  }
}
`, w.URL) + body
}

func factories(options ...provider.Option) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"stamp": func() (tfprotov6.ProviderServer, error) { return provider.NewServer("test", options...)(), nil },
	}
}

// requests returns how many requests of each action have been made since the last
// reset.
func (w *world) requests() map[string]int { return w.Lab.Books().Requests }

func total(requests map[string]int) int {
	sum := 0
	for _, count := range requests {
		sum += count
	}
	return sum
}

// noLeftovers fails the test when anything of the account is left.
func (w *world) noLeftovers() {
	w.t.Helper()
	for _, left := range w.Lab.Books().Leftovers {
		w.t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
	}
}
