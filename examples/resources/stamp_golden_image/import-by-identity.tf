import {
  to = stamp_golden_image.web
  identity = {
    name   = "web"
    region = "eu-west-1"
  }
}
