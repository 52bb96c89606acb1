# The current version, in the account that it lives in.
data "stamp_golden_image" "web" {
  name = "web"
}

# From another account that it is shared with. Its tags cannot be read there, so it goes by the image's name: hold on to
# a version, or take the highest that is shared.
data "stamp_golden_image" "shared" {
  name    = "web"
  owner   = "111122223333"
  region  = "eu-central-1"
  version = 7
}

output "image_id" {
  value = data.stamp_golden_image.web.image_id
}
