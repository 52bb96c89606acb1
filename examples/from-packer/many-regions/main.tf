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

variable "copies" {
  description = "Regions that get a copy, with their KMS key, or null for the account's key there."
  type        = map(string)
  default = {
    "ap-southeast-2" = null
    "ca-central-1"   = null
    "eu-central-1"   = null
    "eu-west-1"      = null
    "us-west-2"      = null
  }
}

# One image in many regions. It is current when it is everywhere, and a region that is
# added or taken off later changes only that region: nothing is baked.
resource "stamp_golden_image" "edge" {
  name        = "edge"
  description = "Edge node on Debian 12"

  source = {
    ssm_parameter = "/aws/service/debian/release/12/latest/arm64"
  }

  bake = {
    steps = [
      { name = "settings", upload = { content = jsonencode({ cache = "8g", tier = "edge" }), destination = "/etc/edge.json" } },
      { name = "install", script = file("${path.module}/files/install.sh") },
    ]
  }

  verify = {
    checks = [
      { name = "settings", script = "python3 -c 'import json; assert json.load(open(\"/etc/edge.json\"))[\"tier\"] == \"edge\"'" },
      { name = "cache", script = "test \"$(stat -c '%U %a' /var/cache/edge)\" = 'edge 750'" },
    ]
  }

  capture = {
    encrypted = true
  }

  distribute = {
    regions       = { for region, key in var.copies : region => { kms_key_id = key } }
    ssm_parameter = "/golden/edge"
  }
}

# By region; the keys are known in the plan, so for_each works over them.
output "image_ids" {
  value = stamp_golden_image.edge.image_ids
}
