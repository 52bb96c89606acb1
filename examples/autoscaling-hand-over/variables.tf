variable "region" {
  description = "Where to bake and run."
  type        = string
  default     = "us-east-1"
}

variable "release" {
  description = "The release to bake. A new one is a new version of the image."
  type        = string
  default     = "1.0.0"
}

variable "servers" {
  description = "Between how many servers the group scales."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }
}

variable "follow_parameter" {
  description = "Whether launches take what the parameter holds, in place of the image that was applied."
  type        = bool
  default     = false
}
