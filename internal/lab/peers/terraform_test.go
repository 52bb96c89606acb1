package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// providerVersion is the version of hashicorp/aws that the configuration asks for.
const providerVersion = "5.100.0"

// fleet is how many plain instances the configuration has.
const fleet = 20

// wanted ends the test unless peers are to be tested.
func wanted(t *testing.T) {
	t.Helper()
	if os.Getenv("STAMP_PEERS") == "" {
		t.Skip("peers are tested by make test-lab-peers, which sets STAMP_PEERS")
	}
}

// stack is one configuration, driven by a real CLI, on a lab of its own.
type stack struct {
	server    *labtest.Server
	cli, dir  string
	environ   []string
	variables []string
}

// newStack copies the configuration and initialises it.
func newStack(t *testing.T) *stack {
	t.Helper()
	cli, mirror := programs(t)
	s := &stack{server: labtest.Start(t, lab.Options{}), cli: cli, dir: t.TempDir()}
	s.prepare(t, filepath.Join("testdata", "terraform"), mirror)
	return s
}

// programs are a CLI and a mirror with the AWS provider. Without them the test is
// skipped.
func programs(t *testing.T) (cli, mirror string) {
	t.Helper()
	wanted(t)
	mirror = os.Getenv("STAMP_AWS_PROVIDER_DIR")
	if mirror == "" {
		t.Skip("STAMP_AWS_PROVIDER_DIR does not name a file system mirror with hashicorp/aws " + providerVersion)
	}
	cli, err := exec.LookPath(os.Getenv("TF_ACC_TERRAFORM_PATH"))
	if err != nil {
		if cli, err = exec.LookPath("terraform"); err != nil {
			t.Skip("no terraform on PATH and TF_ACC_TERRAFORM_PATH is not set; make test-lab-peers brings a CLI")
		}
	}
	return cli, mirror
}

// prepare copies a configuration and initialises it with the providers of mirrors.
func (s *stack) prepare(t *testing.T, from string, mirrors ...string) {
	t.Helper()
	if err := os.CopyFS(s.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "cli.tfrc")
	content := "provider_installation {\n"
	for _, mirror := range mirrors {
		content += fmt.Sprintf("  filesystem_mirror {\n    path = %q\n  }\n", mirror)
	}
	if err := os.WriteFile(config, []byte(content+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Only what a user would set: an endpoint and keys.
	s.environ = append(withoutAWS(os.Environ()), "TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"AWS_ENDPOINT_URL="+s.server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab")
	s.must(t, "init", "-input=false")
}

// withoutAWS leaves out what else could decide where requests go, or whom they are
// signed for.
func withoutAWS(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, "AWS_") && !strings.HasPrefix(entry, "TF_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// run runs the CLI and returns its standard output and exit code.
func (s *stack) run(t *testing.T, arguments ...string) (output string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), s.cli, append(arguments, "-no-color")...)
	command.Dir, command.Env = s.dir, s.environ
	var said, complaints bytes.Buffer
	command.Stdout, command.Stderr = &said, &complaints
	err := command.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return said.String() + complaints.String(), failed.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return said.String(), 0
}

// must runs the CLI and ends the test when it fails.
func (s *stack) must(t *testing.T, arguments ...string) string {
	t.Helper()
	output, code := s.run(t, arguments...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", filepath.Base(s.cli), strings.Join(arguments, " "), code, output)
	}
	return output
}

// with are a command's arguments with the present variables.
func (s *stack) with(arguments ...string) []string {
	arguments = append(arguments, "-input=false")
	for _, variable := range s.variables {
		arguments = append(arguments, "-var", variable)
	}
	return arguments
}

// settled applies, and then expects a plan without changes.
func (s *stack) settled(t *testing.T, what string) string {
	t.Helper()
	applied := s.must(t, s.with("apply", "-auto-approve")...)
	if plan, code := s.run(t, s.with("plan", "-detailed-exitcode")...); code != 0 {
		t.Errorf("%s: after the apply another plan ends with %d, want no changes:\n%s", what, code, plan)
	}
	return applied
}

// outputs are the configuration's outputs.
type outputs struct {
	Instances, InstanceTypes, Tiers []string
	Latest                          float64
}

func (s *stack) outputs(t *testing.T) outputs {
	t.Helper()
	var raw map[string]struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(s.must(t, "output", "-json")), &raw); err != nil {
		t.Fatal(err)
	}
	var all outputs
	for name, into := range map[string]any{
		"instances": &all.Instances, "instance_types": &all.InstanceTypes, "tiers": &all.Tiers, "latest": &all.Latest,
	} {
		if err := json.Unmarshal(raw[name].Value, into); err != nil {
			t.Fatalf("output %s: %v", name, err)
		}
	}
	return all
}

// grouped compares the instances of the Auto Scaling group.
func (s *stack) grouped(t *testing.T, want int, tags map[string]string) {
	t.Helper()
	found := 0
	for _, left := range s.server.Lab.Books().Leftovers {
		if left.Type != "instance" || left.Tags["aws:autoscaling:groupName"] == "" {
			continue
		}
		found++
		for key, value := range tags {
			if left.Tags[key] != value {
				t.Errorf("instance %s of the group has the tag %s=%s, want %s", left.ID, key, left.Tags[key], value)
			}
		}
	}
	if found != want {
		t.Errorf("the group has %d instances, want %d", found, want)
	}
}

// TestAWSProvider is the life of a configuration: created, planned again, changed in
// place, planned again, destroyed, and nothing is left.
func TestAWSProvider(t *testing.T) {
	t.Parallel()
	s := newStack(t)

	s.settled(t, "created")
	s.grouped(t, 2, map[string]string{"Tier": "one", "aws:ec2launchtemplate:version": "1"})
	created := s.outputs(t)
	if len(created.Instances) != fleet {
		t.Fatalf("%d instances, want %d", len(created.Instances), fleet)
	}

	s.variables = []string{"tier=two", "instance_type=t3.small", "port=8081"}
	output := s.settled(t, "changed")
	if !regexp.MustCompile(`Resources: 1 added, \d+ changed, 1 destroyed`).MatchString(output) {
		t.Errorf("only the instance of the launch template should have been replaced:\n%s", output[max(0, len(output)-400):])
	}
	changed := s.outputs(t)
	if diff := cmp.Diff(created.Instances, changed.Instances); diff != "" {
		t.Errorf("instances were replaced (-before +after):\n%s", diff)
	}
	for at, kind := range changed.InstanceTypes {
		if kind != "t3.small" || changed.Tiers[at] != "two" {
			t.Errorf("instance %d is a %s of tier %s, want a t3.small of tier two", at, kind, changed.Tiers[at])
		}
	}
	s.grouped(t, 3, map[string]string{"Tier": "two", "aws:ec2launchtemplate:version": "2"})
	if changed.Latest != created.Latest+1 {
		t.Errorf("the launch template's latest version went from %g to %g, want one more", created.Latest, changed.Latest)
	}

	s.must(t, s.with("destroy", "-auto-approve")...)
	if left := s.server.Lab.Books().Leftovers; len(left) > 0 {
		t.Errorf("after the destroy these are left: %v", left)
	}
}
