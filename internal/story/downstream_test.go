package story

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

const downstream = required + `
variable "size" {
  type = number
}

resource "stamp_fleet" "web" {
  name           = "web"
  image_id       = "IMAGE"
  size           = var.size
  instance_types = ["t3.micro"]
}

resource "terraform_data" "address" {
  for_each = stamp_fleet.web.instances
  input    = each.value.private_ip
}
`

// Something hangs on each slot: all are known in the first plan, and one slot more plans
// one more thing and leaves the others alone. A CLI takes minutes for the 1,000 of make
// bench, since each of them looks at the whole fleet.
func TestFleet_downstream(t *testing.T) {
	size := 100
	if os.Getenv("STAMP_BENCH") != "" {
		size = 1000
	}
	server := labtest.Start(t, lab.Options{})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(strings.ReplaceAll(downstream, "IMAGE", baseImage(t, server))), 0o600); err != nil {
		t.Fatal(err)
	}
	terraform := newCLI(t, dir, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1")
	sized := func(size int) string { return fmt.Sprintf("-var=size=%d", size) }

	wants(t, terraform.run("plan", "-no-color", sized(size)), fmt.Sprintf("Plan: %d to add, 0 to change, 0 to destroy.", size+1))
	terraform.run("apply", "-no-color", "-auto-approve", sized(size))
	wants(t, terraform.run("plan", "-no-color", sized(size+1)), "Plan: 1 to add, 1 to change, 0 to destroy.",
		fmt.Sprintf(`terraform_data.address["%d"] will be created`, size), fmt.Sprintf("(%d unchanged elements hidden)", size-1), fmt.Sprintf("~ size = %d -> %d", size, size+1))
	terraform.run("plan", "-no-color", "-detailed-exitcode", sized(size))
}

// baseImage is a public image that every lab has.
func baseImage(t *testing.T, server *labtest.Server) string {
	t.Helper()
	account, _, err := cloud.New(t.Context(), cloud.Config{
		Region: "us-east-1", AccessKey: "lab", SecretKey: "lab", Endpoints: map[string]string{"ec2": server.URL, "ssm": server.URL, "sts": server.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.Region("")
	if err != nil {
		t.Fatal(err)
	}
	image, err := region.Parameter(t.Context(), "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	return image
}
