# Handed out: to two more regions, two accounts and an organization, and under the name of an SSM parameter.
resource "stamp_golden_image" "base" {
  name = "base"

  source = {
    lookup = { owners = ["amazon"], name = "al2023-ami-2023.*", architecture = "arm64" }
  }

  bake = {
    volumes = { "/dev/sdf" = { size = 50, type = "gp3" } }
    steps   = [{ name = "update", script = "dnf -y update" }]
  }

  capture = {
    encrypted                 = true
    kms_key_id                = "alias/golden"
    deprecate_after           = "2160h"
    deregistration_protection = true
  }

  distribute = {
    regions = {
      "eu-central-1" = { kms_key_id = "alias/golden" }
      "us-west-2"    = { kms_key_id = "alias/golden" }
    }
    account_ids       = ["111122223333", "444455556666"]
    organization_arns = ["arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5"]
    ssm_parameter     = "/golden/base"
  }

  # Not with every new source, but at least every 30 days, and when somebody says so.
  refresh = {
    on_source_change = false
    max_age          = "720h"
    triggers         = { release = "2026-11" }
  }
}

# Keys are known in the plan, so for_each works over them.
output "images" {
  value = stamp_golden_image.base.image_ids
}
