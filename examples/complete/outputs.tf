output "image" {
  description = "What the fleet was stamped from."
  value = {
    id          = stamp_golden_image.board.image_id
    version     = stamp_golden_image.board.version
    fingerprint = stamp_golden_image.board.fingerprint
    verified_at = stamp_golden_image.board.verified_at
  }
}

output "servers" {
  description = "Every slot: host name, instance, zone and private address."
  value = {
    for slot, server in stamp_fleet.board.instances : slot => {
      hostname = server.hostname
      instance = server.instance_id
      zone     = server.availability_zone
      address  = server.private_ip
    }
  }
}
