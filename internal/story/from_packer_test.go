package story

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// reasonsNotTo says why a configuration is validated and not applied, by its kind.
func reasonsNotTo(kind string) string {
	switch kind {
	case "windows":
		return "guests that run are Linux's; TestExamples_fromPackerWindows applies it"
	case "ansible-in-guest":
		// Guests have the programs of this machine.
		if _, err := exec.LookPath("ansible-playbook"); err != nil {
			return "no ansible-playbook on PATH"
		}
	}
	if os.Geteuid() != 0 {
		return "guests of an ordinary user have one user id, and these make users"
	}
	return ""
}

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
				if reason := reasonsNotTo(kind); reason != "" {
					t.Skip("valid, but not applied: " + reason)
				}
				if kind == "ansible-from-outside" {
					terraform.environ = append(terraform.environ, ansibleOutside(t, server.URL)...)
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

// What is for Windows is applied on guests that are played: its PowerShell is not run.
func TestExamples_fromPackerWindows(t *testing.T) {
	account := newAccount(t)
	before := account.leftovers()
	terraform := newCLI(t, copied(t, filepath.Join(examples, "from-packer", "windows")),
		"AWS_ENDPOINT_URL="+account.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab")
	terraform.run("apply", "-no-color", "-auto-approve")
	terraform.run("plan", "-no-color", "-detailed-exitcode")
	terraform.run("destroy", "-no-color", "-auto-approve")
	account.nothingBut(before)
}

// ansibleAt makes this test binary stand in for ansible-playbook, which has no way into
// the lab's guests: Systems Manager's sessions are not a part of it. The variable holds
// the lab's address.
const ansibleAt = "STORY_ANSIBLE_AT"

// ansibleOutside is the environment in which ansible-playbook is this test binary.
func ansibleOutside(t *testing.T, lab string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if err := os.Symlink(self, filepath.Join(programs, "ansible-playbook")); err != nil {
		t.Fatal(err)
	}
	return []string{
		ansibleAt + "=" + lab, "PATH=" + programs + string(os.PathListSeparator) + os.Getenv("PATH"),
		"TF_VAR_staging_bucket=ansible", "TF_VAR_iam_instance_profile=bake",
	}
}

// playOutside does what the playbook would, in the guest that it is told to, and refuses
// what Ansible would not understand.
func playOutside(lab string, args []string) error {
	said := strings.Join(args, " ")
	if len(args) < 2 || args[0] != "-i" || !strings.HasSuffix(args[1], ",") {
		return fmt.Errorf("no inventory of one host in %q", said)
	}
	for _, want := range []string{"-c community.aws.aws_ssm", "ansible_aws_ssm_region=us-east-1", "ansible_aws_ssm_bucket_name=ansible"} {
		if !strings.Contains(said, want) {
			return fmt.Errorf("no %q in %q", want, said)
		}
	}
	conf, err := os.ReadFile(filepath.Join("files", "chrony.conf"))
	_, missing := os.Stat(args[len(args)-1])
	if err := errors.Join(err, missing); err != nil {
		return err
	}
	script := "mkdir -p /etc/chrony.d && cat > /etc/chrony.d/chrony.conf <<'END' && ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime\n" + string(conf) + "END\n"
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		lab+"/_lab/instances/"+strings.TrimSuffix(args[1], ",")+"/run", strings.NewReader(script))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return answer.Body.Close()
}
