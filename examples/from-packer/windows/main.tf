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

# A web server on Windows. No WinRM, no password and no user data: Run Command does it, and
# Sysprep is part of the clean-up. The lab only plays it, since its guests are Linux's, and
# it has not been run on Windows yet.
resource "stamp_golden_image" "windows" {
  name        = "windows-web"
  description = "IIS on Windows Server 2022"

  source = {
    ssm_parameter = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"
  }

  bake = {
    instance_types       = ["m7i.large"]
    transport            = "ssm"
    iam_instance_profile = "bake" # its role has AmazonSSMManagedInstanceCore
    root_volume          = { size = 60, type = "gp3" }

    steps = [
      { name = "features", script = file("${path.module}/files/features.ps1"), timeout = "30m", exit_codes = [0, 3010] },
      { name = "restart", reboot = true }, # instead of windows-restart
      { name = "page", upload = { source = "${path.module}/files/site", destination = "C:/inetpub/wwwroot" } },
    ]
  }

  verify = {
    checks = [
      { name = "iis", script = file("${path.module}/files/check.ps1"), attempts = 10, interval = "15s" },
    ]
  }

  timeouts = { create = "120m", update = "120m" }
}
