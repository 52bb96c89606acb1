resource "aws_lb_target_group" "web" {
  name                 = "web"
  port                 = 8080
  protocol             = "HTTP"
  vpc_id               = data.aws_vpc.default.id
  deregistration_delay = 20
  health_check {
    path    = "/up"
    matcher = "200-299"
  }
  tags = { Tier = var.tier }
}

resource "aws_lb_target_group_attachment" "web" {
  count            = 20
  target_group_arn = aws_lb_target_group.web.arn
  target_id        = aws_instance.web[count.index].id
}

resource "aws_lb" "web" {
  name            = "web"
  internal        = true
  security_groups = [aws_security_group.web.id]
  subnets         = slice(data.aws_subnets.default.ids, 0, 2)
  tags            = { Tier = var.tier }
}

resource "aws_lb_listener" "web" {
  load_balancer_arn = aws_lb.web.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}
