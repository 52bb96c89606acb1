# Behind a load balancer, rolled with care: one server first, watched for two minutes, then a tenth at a time, each
# drained before it ends. When the new image does not serve, the old one is put back and the apply fails.
resource "stamp_fleet" "api" {
  name           = "api"
  image_id       = stamp_golden_image.web.image_id
  size           = 40
  instance_types = ["m7i.large", "m6i.large"]
  subnet_ids     = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]

  target_group_arns = ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef"]

  health = {
    grace_period = "5m"
  }

  rollout = {
    max_surge  = "10%"
    canary     = 1
    soak       = "2m"
    on_failure = "rollback"
  }

  root_volume = { size = 40, type = "gp3", encrypted = true }
  volumes     = { "/dev/sdf" = { size = 100, type = "gp3", throughput = 250 } }

  metadata_options        = { http_put_response_hop_limit = 2 }
  disable_api_termination = true
}
