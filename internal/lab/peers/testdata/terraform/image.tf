# The provider hashes the user data of an instance a second time when it comes from a
# launch template, and never comes to rest, on AWS as here, so this template has none:
# https://github.com/hashicorp/terraform-provider-aws/issues/30825

resource "aws_ami_from_instance" "golden" {
  name               = "golden"
  source_instance_id = aws_instance.web[0].id
  tags               = { Tier = var.tier }
}

resource "aws_launch_template" "web" {
  name                   = "web"
  image_id               = aws_ami_from_instance.golden.id
  instance_type          = var.instance_type
  update_default_version = true
  vpc_security_group_ids = [aws_security_group.web.id]
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 14
      encrypted   = true
    }
  }
  metadata_options {
    http_tokens = "required"
  }
  tag_specifications {
    resource_type = "instance"
    tags          = { Tier = var.tier }
  }
  tags = { Tier = var.tier }
}

resource "aws_instance" "from_template" {
  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }
  tags = { Name = "from-template", Tier = var.tier }
}

resource "aws_ami_copy" "elsewhere" {
  name              = "golden-copy"
  source_ami_id     = aws_ami_from_instance.golden.id
  source_ami_region = "us-east-1"
  encrypted         = true
  tags              = { Tier = var.tier }
}

resource "aws_ami_launch_permission" "partner" {
  image_id   = aws_ami_from_instance.golden.id
  account_id = "111122223333"
}
