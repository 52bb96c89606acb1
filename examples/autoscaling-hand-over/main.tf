terraform {
  required_providers {
    stamp = {
      source = "stamp-pattern/stamp"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

provider "stamp" {
  region = var.region
}

provider "aws" {
  region = var.region
}

# The image is baked and proved here. Its parameter always holds the id of the current
# version, for whoever wants to follow it without asking this configuration.
resource "stamp_golden_image" "web" {
  name        = "web"
  description = "Web server on Amazon Linux 2023"

  source = {
    lookup = { owners = ["amazon"], name = "al2023-ami-2023.*", architecture = "x86_64" }
  }

  bake = {
    steps = [
      { name = "unit", upload = { source = "${path.module}/files/web.service", destination = "/etc/systemd/system/web.service" } },
      { name = "install", script = file("${path.module}/files/install.sh"), environment = { RELEASE = var.release } },
    ]
  }

  verify = {
    checks = [
      { name = "release", script = "curl -fsS --max-time 5 http://127.0.0.1:8080/release.txt | grep -xF '${var.release}'", attempts = 20, interval = "1s" },
    ]
  }

  distribute = {
    ssm_parameter = "/golden/web"
  }

  tags = { Role = "web" }
}

# From here on it is Auto Scaling's: it launches, replaces and scales by itself, between
# applies too.

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

# With the image's id in it, a new version of the image is a new version of the template,
# which the plan shows and which starts an instance refresh. With the parameter in it,
# the template stays the same, and each launch takes what the parameter holds then.
resource "aws_launch_template" "web" {
  name          = "web"
  instance_type = "t3.small"

  image_id = (
    var.follow_parameter
    ? "resolve:ssm:${stamp_golden_image.web.distribute.ssm_parameter}"
    : stamp_golden_image.web.image_id
  )

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_autoscaling_group" "web" {
  name                      = "web"
  min_size                  = var.servers.min
  max_size                  = var.servers.max
  vpc_zone_identifier       = data.aws_subnets.default.ids
  health_check_grace_period = 60
  default_instance_warmup   = 60

  # There is no desired_capacity: it is the policy's, and an apply must not take it back.

  # The number, not "$Latest": that never changes, so it never starts a refresh.
  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }

  # New servers first, then the old ones go. The apply starts this and does not wait for it.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150
    }
  }

  tag {
    key                 = "Role"
    value               = "web"
    propagate_at_launch = true
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.web.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 50

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
