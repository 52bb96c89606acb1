output "instances" {
  value = aws_instance.web[*].id
}

output "instance_types" {
  value = aws_instance.web[*].instance_type
}

output "tiers" {
  value = aws_instance.web[*].tags_all.Tier
}

output "latest" {
  value = aws_launch_template.web.latest_version
}
