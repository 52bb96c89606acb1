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
  description = "Database server on Debian 12"

  # Debian's own account.
  source = {
    lookup = { owners = ["136693071363"], name = "debian-12-amd64-*" }
  }

  bake = {
    instance_types = ["m6i.large", "m5.large"]
    volumes        = { "/dev/sdf" = { size = 200, type = "gp3", iops = 6000, throughput = 250 } }

    steps = [
      # With a network: { name = "server", script = "apt-get update && apt-get -y install postgresql" }
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
