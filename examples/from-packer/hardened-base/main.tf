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

variable "account_ids" {
  description = "Accounts that build on it."
  type        = set(string)
  default     = ["111122223333", "444455556666"]
}

variable "kms_key_id" {
  description = "The KMS key of the image. One that is to be shared needs a key of its own: the account's key for EBS cannot be shared."
  type        = string
  default     = null
}

# A hardened base that other images start from: each rule is a file, and the audit that
# proves the rules is the check.
resource "stamp_golden_image" "base" {
  name        = "hardened-base"
  description = "Hardened Amazon Linux 2023"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    steps = [
      # With a network this comes first: { name = "updates", script = "dnf -y upgrade" }
      { name = "rules", upload = { source = "${path.module}/files/etc", destination = "/etc", mode = "0644" } },
      { name = "apply", script = file("${path.module}/files/apply.sh") },
      { name = "restart", reboot = true },
    ]
  }

  verify = {
    checks = [
      { name = "audit", script = file("${path.module}/files/audit.sh") },
    ]
  }

  capture = {
    encrypted                 = var.kms_key_id != null
    kms_key_id                = var.kms_key_id
    retain_versions           = 6
    deprecate_after           = "2160h"
    deregistration_protection = true
  }

  distribute = {
    account_ids   = var.account_ids
    ssm_parameter = "/golden/base"
  }

  # Security updates come with time, whatever the recipe says.
  refresh = {
    max_age = "720h"
  }

  tags = { Role = "base" }
}

output "image_id" {
  value = stamp_golden_image.base.image_id
}
