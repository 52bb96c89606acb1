// Package story applies what users are shown: the examples, by a real Terraform or
// OpenTofu with the provider as a program of its own, on the lab with real guests.
package story
