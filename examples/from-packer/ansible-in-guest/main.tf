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

# Ansible in the guest, as Packer's ansible-local: the builder installs it unless it is in
# the base image, runs the playbook of this folder on itself, and removes what it installed.
resource "stamp_golden_image" "time" {
  name        = "ansible-in-guest"
  description = "Set up by a playbook that ran inside"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    steps = [
      { name = "ansible", script = "command -v ansible-playbook || { dnf -y install ansible-core && touch /var/tmp/ansible-is-mine; }", retries = 2 },
      { name = "playbook", upload = { source = "${path.module}/files", destination = "/var/tmp/playbook" } },
      { name = "run", script = "cd /var/tmp/playbook && ansible-playbook --connection=local --inventory=localhost, site.yml", timeout = "30m" },
      { name = "remove", script = "rm -r /var/tmp/playbook; test ! -e /var/tmp/ansible-is-mine || { dnf -y remove ansible-core && rm /var/tmp/ansible-is-mine; }" },
    ]
  }

  verify = {
    checks = [
      { name = "time source", script = "grep -F 169.254.169.123 /etc/chrony.d/chrony.conf" },
      { name = "zone", script = "test \"$(readlink /etc/localtime)\" = /usr/share/zoneinfo/Etc/UTC" },
    ]
  }
}
