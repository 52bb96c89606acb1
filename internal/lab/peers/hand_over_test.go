package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// repository is the module's root, seen from this package.
const repository = "../../.."

// newHandOver is the example in which our provider bakes and the AWS provider has the
// servers, on a lab whose guests are real.
func newHandOver(t *testing.T) *stack {
	t.Helper()
	cli, mirror := programs(t)
	disks, err := shortDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(disks) })
	host := guests.Auto(t.Context(), disks)
	if running, reason := host.Status(); !running {
		t.Skipf("guests are off on this machine: %s", reason)
	}
	s := &stack{server: labtest.Start(t, lab.Options{Guests: host}), cli: cli, dir: t.TempDir()}
	s.prepare(t, filepath.Join(repository, "examples", "autoscaling-hand-over"), mirror, ownMirror(t, mirror))
	return s
}

// shortDir has no test to name the directory after: a socket's path must be short.
func shortDir() (string, error) { return os.MkdirTemp("", "g") }

// ownMirror is a mirror with our provider, for Terraform and for OpenTofu, which each
// look below a name of their own. For OpenTofu the AWS provider is there too.
func ownMirror(t *testing.T, other string) string {
	t.Helper()
	mirror, err := filepath.Abs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	platform := runtime.GOOS + "_" + runtime.GOARCH
	built := filepath.Join(mirror, "registry.terraform.io", "stamp-pattern", "stamp", "0.0.1", platform)
	program := filepath.Join(built, "terraform-provider-stamp_v0.0.1")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, repository).CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, output)
	}
	aws, err := filepath.Abs(filepath.Join(other, "registry.terraform.io", "hashicorp", "aws", providerVersion, platform))
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		filepath.Join("stamp-pattern", "stamp", "0.0.1"):   built,
		filepath.Join("hashicorp", "aws", providerVersion): aws,
	} {
		below := filepath.Join(mirror, "registry.opentofu.org", name)
		if err := os.MkdirAll(below, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(below, platform)); err != nil {
			t.Fatal(err)
		}
	}
	return mirror
}

// servers are the group's instances, with the release that each of them really has.
func (s *stack) servers(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, left := range s.server.Lab.Books().Leftovers {
		if left.Type != "instance" || left.Tags["aws:autoscaling:groupName"] != "web" {
			continue
		}
		output, exitCode, err := s.server.Lab.Run(t.Context(), left.ID, "cat /srv/www/release.txt")
		if err != nil || exitCode != 0 {
			t.Fatalf("instance %s: exit code %d, %v\n%s", left.ID, exitCode, err, output)
		}
		found[left.ID] = strings.TrimSpace(output)
	}
	return found
}

// expect compares the releases of the group's instances, and returns the instances.
func (s *stack) expect(t *testing.T, when string, want ...string) []string {
	t.Helper()
	var ids, releases []string
	for id, release := range s.servers(t) {
		ids, releases = append(ids, id), append(releases, release)
	}
	slices.Sort(releases)
	if !slices.Equal(releases, want) {
		t.Fatalf("%s the servers have the releases %v, want %v", when, releases, want)
	}
	return ids
}

func kept(before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(before), func(id string) bool { return !slices.Contains(after, id) })
}

// TestHandOver is the life of a golden image that an Auto Scaling group launches: by
// the image's id, with which a new version replaces the servers, and by its parameter,
// with which it reaches new servers only.
func TestHandOver(t *testing.T) {
	t.Parallel()
	s := newHandOver(t)
	set := func(release string, follow bool, least int) {
		s.variables = []string{
			"release=" + release, fmt.Sprintf("follow_parameter=%t", follow), fmt.Sprintf("servers={min=%d,max=6}", least),
		}
	}

	set("1.0.0", false, 2)
	s.settled(t, "created")
	first := s.expect(t, "created,", "1.0.0", "1.0.0")

	set("1.1.0", false, 2)
	applied := s.settled(t, "a new release")
	for _, address := range []string{"stamp_golden_image.web", "aws_launch_template.web", "aws_autoscaling_group.web"} {
		if !strings.Contains(applied, address+" will be updated in-place") {
			t.Errorf("the plan of a new release does not say that %s changes:\n%s", address, applied)
		}
	}
	second := s.expect(t, "after a new release", "1.1.0", "1.1.0")
	if same := kept(first, second); len(same) > 0 {
		t.Errorf("a new release has not replaced %v", same)
	}

	set("1.2.0", true, 2)
	s.settled(t, "the parameter in the image's place")
	third := s.expect(t, "with the parameter in the image's place", "1.2.0", "1.2.0")

	set("1.3.0", true, 3)
	applied = s.settled(t, "a new release and one more server")
	if strings.Contains(applied, "aws_launch_template.web will be") {
		t.Errorf("with the parameter, a new release changes the template:\n%s", applied)
	}
	fourth := s.expect(t, "after a new release and one more server", "1.2.0", "1.2.0", "1.3.0")
	if same := kept(third, fourth); len(same) != 2 {
		t.Errorf("of %v only %v were kept", third, same)
	}

	s.must(t, s.with("destroy", "-auto-approve")...)
	if left := s.server.Lab.Books().Leftovers; len(left) > 0 {
		t.Errorf("after the destroy these are left: %v", left)
	}
}
