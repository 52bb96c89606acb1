package provider_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
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

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// drawn is a value that occurs nowhere by chance.
func drawn(t *testing.T, length int) string {
	t.Helper()
	random := make([]byte, length)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(random)
}

// traced are steps that use secrets in every way that might show them: in what is printed,
// cut by control characters, in the arguments of a program, while another user looks.
func traced(padding, ends string) string {
	return `
variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}
variable "pem" {
  type      = string
  sensitive = true
  ephemeral = true
}
` + imageConfig(map[string]string{
		"bake": `{
    transport            = "ssm"
    iam_instance_profile = "bake"
    staging_bucket       = "staging"
    secrets_wo           = { TOKEN = var.token, PEM = var.pem }
    secrets_wo_version   = 1
    steps = [
      { name = "looks around", user = "ec2-user", script = <<-EOT
        (while [ ! -e /tmp/stop ]; do
          for p in /proc/[0-9]*; do cat $p/cmdline; [ -O $p ] || cat $p/environ; done
          [ -O /run/stamp-bake ] || cat /run/stamp-bake/* /run/stamp-bake/*/* /run/stamp-command/* /var/lib/stamp-bake/*
          sleep 0.05
        done) >>/tmp/seen 2>/dev/null </dev/null &
        EOT
      },
      { name = "prints", script = <<-EOT
        # ` + padding + `
        echo "it is $TOKEN"; printf '%s\n' "$PEM"; printf '%s' "$TOKEN" | sed 's/../&\x01/g'; set -x; : "$TOKEN"
        sleep 1
        EOT
      },
      { name = "here", local = "echo $TOKEN; echo \"$PEM\"" },
      { name = "has been seen", script = <<-EOT
        touch /tmp/stop
        [ -s /tmp/seen ] || exit 8
        for name in "$TOKEN" "$PEM"; do printf '%s\n' "$name" | tr -d '\r' | grep . | grep -a -q -F -f /dev/stdin /tmp/seen && exit 9; done
        rm /tmp/seen; ` + ends + `
        EOT
      },
    ]
  }`,
		"verify": `{ checks = [{ name = "ok", script = "true" }] }`,
	})
}

// A secret leaves no trace: whatever is kept, of a bake that ends well and of one that
// fails, is searched for every line of it.
func TestAccGoldenImage_secretsLeaveNoTrace(t *testing.T) {
	w := newWorld(t, true)
	w.bucket("staging")
	token, first, second := drawn(t, 16), drawn(t, 16), drawn(t, 16)
	needles, padding := []string{token, first, second}, drawn(t, 40<<10)
	scratch := t.TempDir()
	progress, logs, work := filepath.Join(scratch, "progress"), filepath.Join(scratch, "trace"), filepath.Join(scratch, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"STAMP_PROGRESS": progress, "TF_VAR_token": token, "TF_VAR_pem": first + "\r\n" + second + "\r\n",
		"TF_ACC_LOG": "TRACE", "TF_ACC_LOG_PATH": logs, "TF_ACC_TEMP_DIR": work, "TF_ACC_PERSIST_WORKING_DIR": "1",
	} {
		t.Setenv(name, value)
	}
	// What is staged stays, so that it can be looked at.
	if _, err := w.Lab.Order(lab.FailCall{Action: "DeleteObject", Code: "AccessDenied", Times: -1}); err != nil {
		t.Fatal(err)
	}
	search := func() {
		holdNothing(t, needles, "what the account keeps", w.kept())
		for _, place := range []string{progress, logs, work, w.disks} {
			w.searchFor(needles, place)
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(traced(padding, "true")), PostApplyFunc: search},
			{
				// The whole message is in Terraform's log, which is searched afterwards.
				Config:      w.config(traced(padding, `echo "no $TOKEN"; printf '%s' "$PEM"; exit 7`)),
				ExpectError: regexp.MustCompile(`(?s)exit code 7.*no \*\*\*`),
			},
			{Config: w.config(traced(padding, "true")), PostApplyFunc: func() {
				search()
				w.Lab.LiftAll()
			}},
		},
	})
}

// Names that would change how the machine works are refused in the plan, at the attribute.
func TestAccGoldenImage_reservedNames(t *testing.T) {
	w := newWorld(t, false)
	for name, test := range map[string]struct{ bake, says string }{
		"a secret for the shell": {
			`{ transport = "ssm", secrets_wo = { PATH = "x" }, secrets_wo_version = 1, steps = [{ name = "a", script = "true" }] }`, `bake\.secrets_wo.*PATH decides`,
		},
		"a variable of ours": {`{ steps = [{ name = "a", script = "true", environment = { stamp_dir = "/" } }] }`, `bake\.steps\[0\]\.environment.*stamp_dir is a variable`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{{
					Config: w.config(imageConfig(map[string]string{"bake": test.bake})), PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)Reserved variable.*` + loose(test.says)),
				}},
			})
		})
	}
}

func holdNothing(t testing.TB, needles []string, what string, content []byte) {
	t.Helper()
	for _, needle := range needles {
		for form, text := range map[string]string{"as it is": needle, "in base64": base64.StdEncoding.EncodeToString([]byte(needle))[:24]} {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%s holds a secret, %s", what, form)
			}
		}
	}
}

// searchFor looks for secrets in a file, or in all files of a directory.
func (w *world) searchFor(needles []string, place string) {
	w.t.Helper()
	seen := 0
	_ = filepath.WalkDir(place, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // what has just gone holds nothing
		}
		if content, err := os.ReadFile(path); err == nil {
			seen += len(content)
			holdNothing(w.t, needles, path, content)
		}
		return nil
	})
	if seen == 0 {
		w.t.Errorf("nothing was there to search in %s", place)
	}
}

// kept is all that the account keeps: instances with their tags, commands and what they
// printed, consoles, and staged objects; what is packed is unpacked too.
func (w *world) kept() []byte {
	w.t.Helper()
	var kept bytes.Buffer
	for _, known := range []any{w.Lab.Books(), w.Lab.State()} {
		text, err := json.Marshal(known)
		if err != nil {
			w.t.Fatal(err)
		}
		kept.Write(text)
	}
	login := credentials.NewStaticCredentialsProvider("lab", "lab", "")
	client := ssm.New(ssm.Options{Region: "us-east-1", BaseEndpoint: &w.URL, Credentials: login})
	history, err := client.ListCommands(w.t.Context(), &ssm.ListCommandsInput{MaxResults: aws.Int32(50)})
	if err != nil || len(history.Commands) == 0 {
		w.t.Fatalf("no command history: %v", err)
	}
	for _, command := range history.Commands {
		text := fmt.Sprint(command.Parameters, aws.ToString(command.Comment))
		kept.WriteString(text)
		for _, word := range regexp.MustCompile(`[A-Za-z0-9+/]{100,}=*`).FindAllString(text, -1) {
			if packed, err := base64.StdEncoding.DecodeString(word); err == nil {
				kept.Write(unpacked(packed))
			}
		}
		for _, id := range command.InstanceIds {
			said, err := client.GetCommandInvocation(w.t.Context(), &ssm.GetCommandInvocationInput{CommandId: command.CommandId, InstanceId: &id})
			if err != nil {
				w.t.Fatal(err)
			}
			console, err := w.region().ConsoleOutput(w.t.Context(), id)
			if err != nil {
				w.t.Fatal(err)
			}
			kept.WriteString(aws.ToString(said.StandardOutputContent) + aws.ToString(said.StandardErrorContent) + console)
		}
	}
	kept.Write(w.staged())
	return kept.Bytes()
}

// staged is what the staging bucket holds.
func (w *world) staged() []byte {
	w.t.Helper()
	var kept bytes.Buffer
	login := credentials.NewStaticCredentialsProvider("lab", "lab", "")
	store := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &w.URL, UsePathStyle: true, Credentials: login})
	objects, err := store.ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("staging")})
	if err != nil || len(objects.Contents) == 0 {
		w.t.Fatalf("nothing is staged: %v", err)
	}
	for _, object := range objects.Contents {
		found, err := store.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: aws.String("staging"), Key: object.Key})
		if err != nil {
			w.t.Fatal(err)
		}
		content, err := io.ReadAll(found.Body)
		if err != nil || !strings.Contains(string(unpacked(content)), "stamp_secret TOKEN") {
			w.t.Errorf("%s holds no sealed secret: %v", aws.ToString(object.Key), err)
		}
		kept.Write(unpacked(content))
	}
	return kept.Bytes()
}

// unpacked is what was compressed, or nothing.
func unpacked(packed []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	content, _ := io.ReadAll(reader)
	return content
}
