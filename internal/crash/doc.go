// Package crash kills a real Terraform or OpenTofu, the provider, or both, by SIGKILL at
// any of their requests, and looks at what the next apply makes of it. All of it is tests.
package crash
