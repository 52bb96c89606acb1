//go:build linux

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shop is what a configuration says of an image and a fleet of it.
type shop struct {
	release, size int
	// shared is whether another account may launch the image.
	shared bool
	// replaceFirst is create_before_destroy, on both.
	replaceFirst bool
}

// How the fleet rolls: never fewer than its size, and so many more at most.
const surge = 1

// parameter is where the image's id is kept.
const parameter = "/golden/web"

func (s shop) String() string {
	accounts, lifecycle := "", ""
	if s.shared {
		accounts = `account_ids = ["210987654321"]`
	}
	if s.replaceFirst {
		lifecycle = "lifecycle { create_before_destroy = true }"
	}
	return fmt.Sprintf(`
terraform {
  required_providers {
    stamp = { source = "stamp-pattern/stamp" }
  }
}

resource "stamp_golden_image" "web" {
  name   = "web"
  source = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
  bake   = { steps = [{ name = "install", script = "echo %[1]d > /etc/release-of-web" }] }
  verify = { checks = [{ name = "installed", script = "test -s /etc/release-of-web" }] }
  distribute = {
    ssm_parameter = %[2]q
    %[3]s
  }
  %[4]s
}

resource "stamp_fleet" "web" {
  name     = "web"
  image_id = stamp_golden_image.web.image_id
  size     = %[5]d

  instance_types = ["t3.micro"]
  slots          = { hostname = "web-%%03d" }
  rollout        = { max_surge = "%[6]d" }
  %[4]s
}
`, s.release, parameter, accounts, lifecycle, s.size, surge)
}

// write makes it the configuration of a directory.
func (s shop) write(dir string) error {
	return os.WriteFile(filepath.Join(dir, "main.tf"), []byte(strings.TrimLeft(s.String(), "\n")), 0o600)
}
