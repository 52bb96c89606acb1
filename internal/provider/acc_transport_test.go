package provider_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// secret is what nobody may read anywhere.
const secret = "hunter2-0123456789-correct-horse"

// overSSM is a configuration with a step of every kind, by Run Command.
func overSSM(scratch, large string) string {
	return fmt.Sprintf(`
variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}
`+imageConfig(map[string]string{
		"bake": `{
    transport            = "ssm"
    iam_instance_profile = "bake"
    secrets_wo           = { TOKEN = var.token }
    secrets_wo_version   = 1
    steps = [
      { name = "large", upload = { source = "%[2]s", destination = "/opt/large", mode = "0640" } },
      { name = "uses the secret", environment = { SUM = "%[3]s" },
        script = "set -x; test $(printf %%s \"$TOKEN\" | sha256sum | cut -c 1-8) = $SUM; echo \"it is $TOKEN\"; for i in $(seq 1 4000); do echo line $i; done" },
      { name = "as the user", user = "ec2-user", script = "echo $(id -un) in $(pwd) with $${#TOKEN} > /tmp/who; cat /tmp/who; test $(id -un) = ec2-user" },
      { name = "kernel", reboot = true },
      { name = "here", local = "echo $STAMP_INSTANCE_ID $STAMP_REGION $STAMP_PRIVATE_IP > %[1]s/here; echo $TOKEN" },
      { name = "after", script = "test $(printf %%s \"$TOKEN\" | sha256sum | cut -c 1-8) = %[3]s; sha256sum < /opt/large > /opt/sum; touch /etc/after" },
    ]
  }`,
		"verify": `{ checks = [{ name = "all there", script = "test -e /etc/after && test -s /opt/sum" }] }`,
	}), scratch, large, "%[4]s")
}

// A bake by Run Command, with a step of every kind; and the secret is nowhere.
func TestAccGoldenImage_overRunCommand(t *testing.T) {
	w := newWorld(t, true)
	scratch := t.TempDir()
	large := filepath.Join(scratch, "large")
	content := make([]byte, 100<<10)
	for i := range content {
		content[i] = byte(rand.IntN(256))
	}
	if err := os.WriteFile(large, content, 0o600); err != nil {
		t.Fatal(err)
	}
	progress, logs, work := filepath.Join(scratch, "progress"), filepath.Join(scratch, "trace"), filepath.Join(scratch, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STAMP_PROGRESS", progress)
	t.Setenv("TF_VAR_token", secret)
	t.Setenv("TF_ACC_LOG", "TRACE")
	t.Setenv("TF_ACC_LOG_PATH", logs)
	t.Setenv("TF_ACC_TEMP_DIR", work)
	t.Setenv("TF_ACC_PERSIST_WORKING_DIR", "1")
	config := w.config(overSSM(scratch, large))
	config = strings.ReplaceAll(config, "%[4]s", sumOf(secret)[:8])
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					imageIs("version", knownvalue.Int64Exact(1)),
					imageIs("verified_at", knownvalue.NotNull()),
				},
				PostApplyFunc: func() {
					if total(w.requests()) == 0 || w.requests()["SendCommand"] < 8 {
						t.Errorf("want a command for each step, have %v", w.requests())
					}
					w.secretIsNowhere(logs, progress, work, w.disks)
				},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
	told, err := os.ReadFile(progress)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`step 2 of 6 "uses the secret" done`, "line 4000", "ec2-user in /home/ec2-user with 32", `step 4 of 6 "kernel" done`, `step 5 of 6 "here" done`, "***"} {
		if !bytes.Contains(told, []byte(want)) {
			t.Errorf("the progress file does not say %q:\n%s", want, told)
		}
	}
	if here, err := os.ReadFile(filepath.Join(scratch, "here")); err != nil || !regexp.MustCompile(`^i-[0-9a-f]+ us-east-1 172\.31\.`).Match(here) {
		t.Errorf("the local step found %q, %v", here, err)
	}
}

// What is too large for user data goes through a bucket, and leaves nothing there; a
// restart is gone through; the user is not root.
func TestAccGoldenImage_stagedAndRestarted(t *testing.T) {
	w := newWorld(t, true)
	w.bucket("staging")
	large := filepath.Join(t.TempDir(), "large")
	content := make([]byte, 40<<10)
	for i := range content {
		content[i] = byte(rand.IntN(256))
	}
	if err := os.WriteFile(large, content, 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(more string) string {
		return w.config(imageConfig(map[string]string{
			"bake": fmt.Sprintf(`{ %s
    steps = [
      { name = "large", upload = { source = %q, destination = "/opt/large" } },
      { name = "kernel", reboot = true },
      { name = "after", user = "ec2-user", script = "test $(id -un) = ec2-user && cd && pwd > after", retries = 1, exit_codes = [0, 3] },
    ] }`, more, large),
			"verify": fmt.Sprintf(`{ checks = [{ name = "all there", script = "test $(wc -c < /opt/large) = %d && grep /home/ec2-user /home/ec2-user/after" }] }`, len(content)),
		}))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config:      config(""),
				ExpectError: regexp.MustCompile(loose(`do not fit into user data.*bytes.* compressed.*bake\.staging_bucket.*ssm`)),
			},
			{
				Config:            config(`staging_bucket = "staging"`),
				ConfigStateChecks: []statecheck.StateCheck{imageIs("verified_at", knownvalue.NotNull())},
				PostApplyFunc: func() {
					if made := w.requests(); made["PutObject"] != 1 || made["DeleteObject"] != 1 {
						t.Errorf("want one script staged, and removed: %v", made)
					}
				},
			},
		},
		CheckDestroy: func(*terraform.State) error {
			for _, left := range w.Lab.Books().Leftovers {
				if left.Type != "bucket" {
					t.Errorf("left over: %s %s", left.Type, left.ID)
				}
			}
			return nil
		},
	})
}

// secretIsNowhere looks for the secret in files and directories, and in all that the lab
// knows.
func (w *world) secretIsNowhere(places ...string) {
	w.t.Helper()
	for _, place := range places {
		w.searchFiles(place)
	}
	known, err := json.Marshal(w.Lab.Books())
	if err != nil {
		w.t.Fatal(err)
	}
	client := ssm.New(ssm.Options{Region: "us-east-1", BaseEndpoint: &w.URL, Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", "")})
	commands, err := client.ListCommands(w.t.Context(), &ssm.ListCommandsInput{MaxResults: aws.Int32(50)})
	if err != nil || len(commands.Commands) == 0 {
		w.t.Fatalf("no command history: %v", err)
	}
	ids := map[string]bool{}
	for _, command := range commands.Commands {
		known = append(known, fmt.Sprint(command.Parameters, aws.ToString(command.Comment))...)
		for _, id := range command.InstanceIds {
			ids[id] = true
			said, err := client.GetCommandInvocation(w.t.Context(), &ssm.GetCommandInvocationInput{CommandId: command.CommandId, InstanceId: &id})
			if err != nil {
				w.t.Fatal(err)
			}
			known = append(known, aws.ToString(said.StandardOutputContent)+aws.ToString(said.StandardErrorContent)...)
		}
	}
	for id := range ids {
		console, err := w.region().ConsoleOutput(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		known = append(known, console...)
	}
	if bytes.Contains(known, []byte(secret)) {
		w.t.Error("the lab knows the secret")
	}
}

// searchFiles looks for the secret in a file, or in all files of a directory.
func (w *world) searchFiles(place string) {
	w.t.Helper()
	seen := 0
	err := filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // what has just gone holds nothing
		}
		content, err := os.ReadFile(path)
		seen += len(content)
		if err == nil && bytes.Contains(content, []byte(secret)) {
			w.t.Errorf("%s holds the secret", path)
		}
		return nil
	})
	if err != nil || seen == 0 {
		w.t.Errorf("%s: %d bytes were searched, %v", place, seen, err)
	}
}

// bucket makes a bucket.
func (w *world) bucket(name string) {
	w.t.Helper()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &w.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", "")})
	if _, err := client.CreateBucket(w.t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		w.t.Fatal(err)
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
