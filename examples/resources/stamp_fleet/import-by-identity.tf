import {
  to = stamp_fleet.web
  identity = {
    name   = "web"
    region = "eu-west-1"
  }
}
