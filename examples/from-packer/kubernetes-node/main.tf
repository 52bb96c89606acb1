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

variable "kubernetes_version" {
  description = "Another one is a new version of the image."
  type        = string
  default     = "1.33.2"
}

# A Kubernetes node: kernel settings, container runtime and kubelet, ready to join. What
# belongs to one cluster (its address, its token) comes at boot and is not in the image.
resource "stamp_golden_image" "node" {
  name        = "kubernetes-node"
  description = "Kubernetes node, ready to join"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    instance_types = ["m6i.large", "m5.large"]
    root_volume    = { size = 80, type = "gp3", throughput = 250 }

    steps = [
      { name = "kernel", upload = { source = "${path.module}/files/kernel", destination = "/etc" } },
      # From https://dl.k8s.io/v1.33.2/bin/linux/amd64/kubelet.
      { name = "kubelet", upload = { source = "${path.module}/files/kubelet", destination = "/usr/local/bin/kubelet", mode = "0755" } },
      { name = "settings", upload = { source = "${path.module}/files/etc", destination = "/etc" } },
      { name = "install", script = file("${path.module}/files/install.sh"), environment = { KUBERNETES_VERSION = var.kubernetes_version } },
      # The modules and limits of a fresh boot.
      { name = "restart", reboot = true },
    ]
  }

  verify = {
    checks = [
      { name = "version", script = "test \"$(cat /etc/kubernetes/version)\" = \"$WANTED\"", environment = { WANTED = var.kubernetes_version } },
      { name = "files", script = file("${path.module}/files/check.sh") },
      { name = "kubelet", script = "curl -fsS --max-time 5 http://127.0.0.1:10248/healthz | grep -x ok", attempts = 20, interval = "1s" },
    ]
  }

  capture = {
    retain_versions = 4
  }

  tags = {
    Role       = "kubernetes-node"
    Kubernetes = var.kubernetes_version
  }
}

output "image_id" {
  value = stamp_golden_image.node.image_id
}
