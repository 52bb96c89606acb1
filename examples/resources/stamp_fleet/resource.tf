resource "stamp_fleet" "web" {
  name     = "web"
  image_id = stamp_golden_image.web.image_id
  size     = 200

  # In order: the next one when a type or a subnet has no capacity left.
  instance_types         = ["c7i.large", "c6i.large"]
  subnet_ids             = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]
  vpc_security_group_ids = ["sg-0123456789abcdef0"]
  iam_instance_profile   = "web"

  # The same for all; a slot's own environment is there when it runs.
  user_data = file("${path.module}/boot.sh")

  # What differs, by slot. A slot keeps its number when its instance is replaced.
  slots = {
    hostname = "web-%03d"
    overrides = {
      "0" = { environment = { ROLE = "leader" } }
    }
  }

  tags = {
    App = "web"
  }
}

# The keys are known when planning, so other resources can be made for each slot.
output "addresses" {
  value = { for slot, instance in stamp_fleet.web.instances : slot => instance.private_ip }
}
