// Package story applies what users are shown: the examples, by a real Terraform or
// OpenTofu with the provider as a program of its own, on the lab with real guests; and the
// policies of the guide on permissions, to what the provider asks of AWS.
package story
