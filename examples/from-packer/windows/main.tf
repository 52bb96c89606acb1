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

# A Windows host, as it would be written. Terraform validates it, and a plan refuses it:
# images of Windows cannot be baked yet. Keep Packer for them, and take its image into a
# fleet by image_id.
resource "stamp_golden_image" "windows" {
  name        = "windows-web"
  description = "IIS on Windows Server 2022"

  source = {
    lookup = { owners = ["amazon"], name = "Windows_Server-2022-English-Full-Base-*" }
  }

  # No WinRM: what Packer's user_data_file switches on for it is not needed here.
  bake = {
    instance_types       = ["m7i.large"]
    transport            = "ssm"
    iam_instance_profile = "bake" # its role has AmazonSSMManagedInstanceCore
    root_volume          = { size = 60, type = "gp3" }

    steps = [
      { name = "features", script = file("${path.module}/files/features.ps1"), timeout = "30m", exit_codes = [0, 3010] },
      { name = "restart", reboot = true },
      { name = "sysprep", script = file("${path.module}/files/sysprep.ps1") },
    ]
  }

  verify = {
    checks = [
      { name = "iis", script = file("${path.module}/files/check.ps1"), attempts = 10, interval = "15s" },
    ]
  }
}
