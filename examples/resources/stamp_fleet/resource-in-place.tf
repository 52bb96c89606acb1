# Stateful servers: each keeps its instance, its address and its data volume when the image changes. Only the root
# volume is replaced, one server after the other.
resource "stamp_fleet" "nodes" {
  name           = "nodes"
  image_id       = stamp_golden_image.web.image_id
  size           = 3
  instance_types = ["r7i.large"]

  volumes = { "/dev/sdf" = { size = 500, type = "gp3" } }

  slots = {
    hostname  = "node-%d"
    name_tags = true
    overrides = {
      "0" = { private_ip = "10.0.1.10", subnet_id = "subnet-0aaaaaaaaaaaaaaaa" }
      "1" = { private_ip = "10.0.2.10", subnet_id = "subnet-0bbbbbbbbbbbbbbbb" }
      "2" = { private_ip = "10.0.3.10", subnet_id = "subnet-0cccccccccccccccc", instance_type = "r7i.xlarge" }
    }
  }

  rollout = {
    strategy        = "replace_root_volume"
    max_unavailable = "1"
  }
}
