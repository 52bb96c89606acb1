terraform {
  required_providers {
    stamp = {
      source = "stamp-pattern/stamp"
    }
  }
}

provider "stamp" {
  region = var.region
}

variable "region" {
  description = "Where to bake."
  type        = string
  default     = "us-east-1"
}

# The archive and its sum, as a release page gives them.
locals {
  archive = "${path.module}/files/runner.tar.gz" # from the releases of https://github.com/actions/runner
  sum     = "59053ba7d634f9004e099d484d251dd59f838aad02900ed7b44dbd19e3fda1f6"
}

# A CI runner: a program from an archive with a sum, its own user, and a service that
# waits for the token which each runner gets at boot.
resource "stamp_golden_image" "runner" {
  name        = "ci-runner"
  description = "CI runner, not registered"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    root_volume = { size = 60, type = "gp3" }

    steps = [
      { name = "archive", upload = { source = local.archive, destination = "/var/cache/runner.tar.gz" } },
      { name = "unit", upload = { source = "${path.module}/files/runner.service", destination = "/etc/systemd/system/runner.service" } },
      { name = "install", script = file("${path.module}/files/install.sh"), environment = { SUM = local.sum } },
      { name = "settings", script = file("${path.module}/files/settings.sh"), user = "runner" },
    ]
  }

  verify = {
    checks = [
      { name = "runner", script = file("${path.module}/files/check.sh") },
    ]
  }

  # Tools of builds age fast.
  refresh = {
    max_age = "168h"
  }

  tags = { Role = "ci" }
}

output "image_id" {
  value = stamp_golden_image.runner.image_id
}
