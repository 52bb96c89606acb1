// Package clitest gives tests a real Terraform or OpenTofu that has the provider as a
// program of its own.
package clitest
