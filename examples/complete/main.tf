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

# A message board as a golden image. What is in the image is decided by the files of this
# folder: change one, and the plan shows a new version and a fleet that moves to it.
resource "stamp_golden_image" "board" {
  name        = "board"
  description = "The message board on Amazon Linux 2023"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    steps = [
      {
        name   = "programs"
        upload = { source = "${path.module}/files/bin", destination = "/opt/board/bin", mode = "0755" }
      },
      {
        name   = "settings"
        upload = { content = "greeting='${var.greeting}'\n", destination = "/etc/board.conf", mode = "0644" }
      },
      {
        name        = "install"
        script      = file("${path.module}/files/install.sh")
        environment = { RELEASE = var.release }
        timeout     = "2m"
      },
    ]
  }

  verify = {
    checks = [
      { name = "release", script = file("${path.module}/files/check-release.sh"), environment = { RELEASE = var.release } },
      { name = "board", script = "/opt/board/bin/board", attempts = 3, interval = "2s", timeout = "10s" },
    ]
  }

  capture = {
    encrypted       = true
    retain_versions = 3
  }

  tags = {
    App = "board"
  }
}

# Three servers stamped from it. Each knows its slot; slot 0 has something of its own.
resource "stamp_fleet" "board" {
  name           = "board"
  image_id       = stamp_golden_image.board.image_id
  size           = var.size
  instance_types = ["t3.micro", "t3a.micro"]
  user_data      = file("${path.module}/files/boot.sh")

  slots = {
    hostname = "board-%02d"
    overrides = {
      "0" = { environment = { ROLE = "leader" } }
    }
  }

  tags = {
    App = "board"
  }
}
