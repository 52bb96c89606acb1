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

# A container host: the engine as a service, its settings, and the login user in its group.
resource "stamp_golden_image" "docker" {
  name        = "docker-host"
  description = "Container host on Amazon Linux 2023"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    root_volume = { size = 40, type = "gp3" }

    steps = [
      # From https://download.docker.com/linux/static/stable/x86_64/, or "dnf -y install docker".
      { name = "engine", upload = { source = "${path.module}/files/dockerd", destination = "/usr/local/bin/dockerd", mode = "0755" } },
      { name = "settings", upload = { source = "${path.module}/files/daemon.json", destination = "/etc/docker/daemon.json" } },
      { name = "unit", upload = { source = "${path.module}/files/docker.service", destination = "/etc/systemd/system/docker.service" } },
      { name = "install", script = file("${path.module}/files/install.sh") },
    ]
  }

  verify = {
    checks = [
      { name = "engine", script = file("${path.module}/files/check.sh"), attempts = 20, interval = "1s" },
    ]
  }

  tags = { Role = "containers" }
}

output "image_id" {
  value = stamp_golden_image.docker.image_id
}
