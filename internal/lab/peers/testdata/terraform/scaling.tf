# A group in its first form is behind the load balancer; in its second it is larger, alone,
# and its instances have been refreshed.
resource "aws_autoscaling_group" "web" {
  name                  = "web"
  min_size              = 1
  max_size              = 4
  desired_capacity      = var.tier == "one" ? 2 : 3
  vpc_zone_identifier   = slice(data.aws_subnets.default.ids, 0, 2)
  health_check_type     = "ELB"
  target_group_arns     = var.tier == "one" ? [aws_lb_target_group.web.arn] : []
  wait_for_elb_capacity = var.tier == "one" ? 2 : null
  termination_policies  = ["OldestInstance"]
  protect_from_scale_in = true
  suspended_processes   = var.tier == "one" ? ["AZRebalance"] : ["AlarmNotification"]

  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }

  instance_maintenance_policy {
    min_healthy_percentage = 90
    max_healthy_percentage = var.tier == "one" ? 120 : 130
  }

  instance_refresh {
    strategy = "Rolling"
    triggers = ["tag"]
    preferences {
      min_healthy_percentage       = 50
      auto_rollback                = true
      scale_in_protected_instances = "Refresh"
    }
  }

  tag {
    key                 = "Tier"
    value               = var.tier
    propagate_at_launch = true
  }

  depends_on = [aws_lb_listener.web]
}

resource "aws_autoscaling_policy" "requests" {
  name                   = "requests"
  autoscaling_group_name = aws_autoscaling_group.web.name
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value = var.tier == "one" ? 100 : 200
    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${aws_lb.web.arn_suffix}/${aws_lb_target_group.web.arn_suffix}"
    }
  }
}
