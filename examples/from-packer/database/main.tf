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

# A database server. The image has a second volume for the data, so every instance gets
# an empty one of that size; cloud-init makes its file system at the first boot.
resource "stamp_golden_image" "database" {
  name        = "database"
  description = "Database server on Amazon Linux 2023"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    instance_types = ["m6i.large", "m5.large"]
    volumes        = { "/dev/sdf" = { size = 200, type = "gp3", iops = 6000, throughput = 250 } }

    steps = [
      # With a network: { name = "server", script = "dnf -y install postgresql16-server" }
      { name = "server", upload = { source = "${path.module}/files/databased", destination = "/usr/local/bin/databased", mode = "0755" } },
      { name = "unit", upload = { source = "${path.module}/files/database.service", destination = "/etc/systemd/system/database.service" } },
      { name = "volume", upload = { source = "${path.module}/files/volume.cfg", destination = "/etc/cloud/cloud.cfg.d/90-data.cfg" } },
      { name = "install", script = file("${path.module}/files/install.sh") },
    ]
  }

  verify = {
    checks = [
      { name = "answers", script = file("${path.module}/files/check.sh"), attempts = 20, interval = "1s" },
    ]
    instance_types = ["m6i.large", "m5.large"]
  }

  capture = {
    encrypted = true
  }

  tags = { Role = "database" }
}

output "image_id" {
  value = stamp_golden_image.database.image_id
}
