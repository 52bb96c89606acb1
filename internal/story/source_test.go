package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

var labKeys = credentials.NewStaticCredentialsProvider("lab", "lab", "")

// inShop is a CLI in a directory with that configuration, on that lab.
func inShop(t *testing.T, server *labtest.Server, config string) *cli {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(required+config), 0o600); err != nil {
		t.Fatal(err)
	}
	return newCLI(t, dir, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1")
}

// A newer source that is held back is no change, but every plan says so, until it is
// taken.
func TestHeldBack_isSaid(t *testing.T) {
	t.Parallel()
	server := newAccount(t).Server
	parameters := ssm.New(ssm.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: labKeys})
	images := must(ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: labKeys}).
		DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}}))(t).Images
	move := func(to string) {
		must(parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/base"), Value: &to, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
		}))(t)
	}
	var bases []string
	for _, image := range images {
		if strings.HasPrefix(*image.Name, "al2023-ami-2023") && image.Architecture == "x86_64" {
			bases = append(bases, *image.ImageId)
		}
	}
	move(bases[0])
	terraform := inShop(t, server, `
variable "take" {
  type    = bool
  default = false
}

resource "stamp_golden_image" "web" {
  name    = "web"
  source  = { ssm_parameter = "/base" }
  refresh = { on_source_change = var.take }
}
`)
	terraform.run("apply", "-no-color", "-auto-approve")
	move(bases[1])
	held := terraform.run("plan", "-no-color", "-detailed-exitcode")
	wants(t, held, "No changes.", "Golden image web is held at version 1", "baked 0 minutes ago from "+bases[0], "The source is now "+bases[1],
		"Set refresh.on_source_change = true")
	wants(t, terraform.run("plan", "-no-color", "-var", "take=true"), "source "+bases[0]+" → "+bases[1])
	terraform.run("destroy", "-no-color", "-auto-approve")
}

const bakeKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJha2VrZXliYWtla2V5YmFrZWtleWJha2VrZXk= bake"

// A key pair opens the builder, and nothing that is stamped from its image; keys that a
// step has put there stay.
func TestKeyPair_isNotCaptured(t *testing.T) {
	t.Parallel()
	server := labWithGuests(t)
	must(ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: labKeys}).
		ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("bake"), PublicKeyMaterial: []byte(bakeKey)}))(t)
	terraform := inShop(t, server, `
resource "stamp_golden_image" "web" {
  name   = "web"
  source = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
  bake = {
    key_name = "bake"
    steps = [{
      name = "keys" # cloud-init has put the pair's there
      script = <<-END
        set -eu
        for file in /root/.ssh/authorized_keys /home/ec2-user/.ssh/authorized_keys; do
          grep -q ' bake$' $file
          echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOOperator operator' >>$file
        done
      END
    }]
  }
}

resource "stamp_fleet" "web" {
  name           = "web"
  image_id       = stamp_golden_image.web.image_id
  size           = 1
  instance_types = ["t3.micro"]
}

output "id" {
  value = stamp_fleet.web.instances["0"].instance_id
}
`)
	terraform.run("apply", "-no-color", "-auto-approve")
	id := strings.TrimSpace(terraform.run("output", "-raw", "-no-color", "id"))
	keys, code, err := server.Lab.Run(t.Context(), id, "cat /root/.ssh/authorized_keys /home/ec2-user/.ssh/authorized_keys")
	if err != nil || code != 0 || strings.Count(keys, " operator\n") != 2 || strings.Contains(keys, " bake") {
		t.Errorf("exit code %d, %v, the keys:\n%s", code, err, keys)
	}
	terraform.run("destroy", "-no-color", "-auto-approve")
}
