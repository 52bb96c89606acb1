resource "aws_ssm_parameter" "golden" {
  name  = "/peers/golden"
  type  = "String"
  value = aws_ami_from_instance.golden.id
  tags  = { Tier = var.tier }
}

resource "aws_ssm_parameter" "secret" {
  name  = "/peers/secret"
  type  = "SecureString"
  value = "tier ${var.tier}"
}
