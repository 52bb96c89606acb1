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

# A web server: its pages and its service come from this folder, and the same check that
# a load balancer makes proves it, on the builder and after a fresh boot.
resource "stamp_golden_image" "web" {
  name        = "web-server"
  description = "Web server on Amazon Linux 2023"

  source = {
    lookup = { owners = ["amazon"], name = "al2023-ami-2023.*", architecture = "x86_64" }
  }

  bake = {
    instance_types = ["t3.small", "t3a.small"]

    steps = [
      { name = "site", upload = { source = "${path.module}/files/site", destination = "/srv/www" } },
      { name = "unit", upload = { source = "${path.module}/files/web.service", destination = "/etc/systemd/system/web.service" } },
      { name = "install", script = file("${path.module}/files/install.sh"), environment = { PORT = "8080" } },
    ]
  }

  verify = {
    checks = [
      { name = "health", script = "curl -fsS --max-time 5 http://127.0.0.1:8080/health.txt | grep -x ok", attempts = 20, interval = "1s" },
    ]
  }

  tags = { Role = "web" }
}

output "image_id" {
  value = stamp_golden_image.web.image_id
}
