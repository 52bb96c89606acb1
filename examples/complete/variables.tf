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

variable "greeting" {
  description = "What the board says first. It is in the image, too."
  type        = string
  default     = "hello"
}

variable "size" {
  description = "Number of servers."
  type        = number
  default     = 3
}
