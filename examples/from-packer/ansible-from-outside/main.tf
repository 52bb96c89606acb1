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

variable "staging_bucket" {
  description = "Where Ansible's connection by Systems Manager puts what it transfers."
  type        = string
}

variable "iam_instance_profile" {
  description = "A profile whose role has AmazonSSMManagedInstanceCore."
  type        = string
}

# Ansible from outside, as Packer's ansible: it runs where Terraform runs, and reaches the
# builder by Systems Manager, so no SSH, key or inbound rule. It needs there
# "ansible-galaxy collection install community.aws amazon.aws" and the Session Manager
# plugin.
resource "stamp_golden_image" "time" {
  name        = "ansible-from-outside"
  description = "Set up by a playbook that ran outside"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    transport            = "ssm"
    iam_instance_profile = var.iam_instance_profile

    steps = [
      {
        name  = "playbook"
        local = "cd '${path.module}/files' && ansible-playbook -i \"$STAMP_INSTANCE_ID,\" -c community.aws.aws_ssm -e \"ansible_aws_ssm_region=$STAMP_REGION\" -e \"ansible_aws_ssm_bucket_name=$BUCKET\" site.yml"

        environment = { BUCKET = var.staging_bucket }
        timeout     = "30m"
      },
    ]
  }

  verify = {
    checks = [
      { name = "time source", script = "grep -F 169.254.169.123 /etc/chrony.d/chrony.conf" },
      { name = "zone", script = "test \"$(readlink /etc/localtime)\" = /usr/share/zoneinfo/Etc/UTC" },
    ]
  }

  # The command alone is part of the recipe; this makes the playbook one, too.
  refresh = {
    triggers = { for name in fileset("${path.module}/files", "**") : name => filesha256("${path.module}/files/${name}") }
  }
}
