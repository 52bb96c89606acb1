terraform {
  required_providers {
    stamp = {
      source = "stamp-pattern/stamp"
    }
  }
}

provider "stamp" {
  region = "us-east-1"
}

resource "stamp_golden_image" "web" {
  name        = "web"
  description = "A greeting on a bare server"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    steps = [
      { name = "app", upload = { source = "${path.module}/app", destination = "/opt/app" } },
      { name = "install", script = file("${path.module}/install.sh"), environment = { GREETING = "Hello" } },
    ]
  }

  verify = {
    checks = [
      { name = "greets", script = "/opt/app/greet World | grep -q '^Hello, World' || { /opt/app/greet World; exit 3; }", timeout = "10s" },
    ]
  }

  tags = { Team = "platform" }
}

resource "stamp_fleet" "web" {
  name           = "web"
  image_id       = stamp_golden_image.web.image_id
  size           = 3
  instance_types = ["t3.micro"]
  rollout        = { max_surge = "25%" }

  user_data = <<-EOT
    #!/bin/sh
    mkdir -p /var/lib/app
    echo "slot $STAMP_SLOT of $STAMP_FLEET, $ROLE" > /var/lib/app/identity
  EOT

  slots = {
    hostname = "web-%03d"
    overrides = {
      "0" = { environment = { ROLE = "leader" } }
      "1" = { environment = { ROLE = "follower" } }
      "2" = { environment = { ROLE = "follower" } }
    }
  }
}

output "image" {
  value = {
    id      = stamp_golden_image.web.image_id
    version = stamp_golden_image.web.version
    reason  = stamp_golden_image.web.bake_reason
  }
}

output "instances" {
  value = { for slot, instance in stamp_fleet.web.instances : slot => instance.instance_id }
}
