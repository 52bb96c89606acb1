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

variable "people" {
  description = "Who may pass, with their public keys."
  type        = map(string)
  default = {
    ada   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIgr0l/hSFoMJtx2zg8NGFT6zHvbRpmQPZX8xFmjhNce"
    grace = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG63UCj79OMT5c1bOL0Q94EOdqj/VJPEPNZJPHM208An"
  }
}

# A bastion: people pass through it with their own keys and do nothing on it. Whoever
# joins or leaves is a change of the recipe, and so a new version.
resource "stamp_golden_image" "bastion" {
  name        = "bastion"
  description = "SSH bastion"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
  }

  bake = {
    instance_types              = ["t4g.nano", "t4g.micro"]
    associate_public_ip_address = true

    steps = concat(
      [
        { name = "sshd", upload = { source = "${path.module}/files/bastion.conf", destination = "/etc/ssh/sshd_config.d/20-bastion.conf", mode = "0600" } },
        { name = "group", script = "getent group passers >/dev/null || groupadd passers" },
      ],
      [
        for name, key in var.people : {
          name        = "person ${name}"
          script      = file("${path.module}/files/person.sh")
          environment = { NAME = name, KEY = key }
        }
      ],
    )
  }

  verify = {
    checks = [
      { name = "people", script = file("${path.module}/files/check.sh"), environment = { PEOPLE = join(" ", keys(var.people)) } },
    ]
  }

  tags = { Role = "bastion" }
}

output "image_id" {
  value = stamp_golden_image.bastion.image_id
}
