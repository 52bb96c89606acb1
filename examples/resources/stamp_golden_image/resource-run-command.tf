# By Run Command: each step's output as it ends, a secret, a restart, and Ansible from outside.
variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "stamp_golden_image" "runner" {
  name = "ci-runner"

  source = {
    ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  }

  bake = {
    transport            = "ssm"
    iam_instance_profile = "bake" # its role has AmazonSSMManagedInstanceCore
    staging_bucket       = "acme-staging"

    secrets_wo         = { REGISTRY_TOKEN = var.token }
    secrets_wo_version = 3

    steps = [
      { name = "kernel", script = "dnf -y upgrade kernel" },
      { name = "new kernel", reboot = true },
      { name = "runner", script = "curl -fsSH \"Authorization: Bearer $REGISTRY_TOKEN\" https://registry.example.com/runner | tar -xz -C /opt", retries = 2 },
      { name = "tools", user = "ec2-user", script = "curl -fsS https://tools.example.com/install.sh | sh", timeout = "5m" },
      {
        name        = "playbook"
        local       = "ansible-playbook -i \"$STAMP_INSTANCE_ID,\" -c community.aws.aws_ssm -e ansible_aws_ssm_region=$STAMP_REGION site.yml"
        environment = { ANSIBLE_AWS_SSM_BUCKET_NAME = "acme-staging" }
      },
    ]
  }

  verify = {
    checks         = [{ name = "runner", script = "/opt/runner/run.sh --version", attempts = 3, interval = "10s" }]
    instance_types = ["c7i.large", "m7i.large"]
  }

  # A builder that fails stays; the error says how to open a session.
  on_failure = "keep"
}
