terraform {
  required_providers {
    stamp = {
      source  = "stamp-pattern/stamp"
      version = "~> 0.1"
    }
  }
}

# Credentials and region come from where the AWS CLI and the AWS provider take them:
# the environment, the shared files, a role.
provider "stamp" {
  region = "eu-west-1"

  default_tags {
    tags = {
      Team = "platform"
    }
  }
}
