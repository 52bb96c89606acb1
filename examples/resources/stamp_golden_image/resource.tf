resource "stamp_golden_image" "web" {
  name        = "web"
  description = "nginx on Amazon Linux 2023"

  # Where it starts. When AWS moves the parameter on, the next plan shows a new version.
  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  # Make it, on an instance that lives for minutes and needs no inbound rule, key or role.
  bake = {
    instance_types = ["t3.small", "t3a.small"]
    root_volume    = { size = 20, type = "gp3" }

    steps = [
      { name = "install", script = file("${path.module}/install.sh"), environment = { PORT = "8080" }, timeout = "10m" },
      { name = "site", upload = { source = "${path.module}/site", destination = "/usr/share/nginx/html" } },
    ]
  }

  # Prove it: on the instance it was made on, then on a fresh one stamped from the image.
  verify = {
    checks = [
      { name = "health", script = "curl -fsS localhost:8080/health", attempts = 5, interval = "5s", timeout = "30s" },
    ]
  }

  # Keep it.
  capture = {
    encrypted       = true
    kms_key_id      = "alias/golden"
    retain_versions = 3
  }

  tags = {
    App = "web"
  }
}

output "image_id" {
  value = stamp_golden_image.web.image_id
}
