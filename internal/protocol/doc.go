// Package protocol tests the provider as Terraform's core drives it: over the plugin
// protocol, in process, on a lab in virtual time. It holds the provider to the rules that
// core enforces, among them those that end in "this is a bug in the provider", for
// configurations that are drawn from the schema. So an attribute that is new is covered
// without a line of test.
//
// The rules are written from Terraform's own documents:
// https://github.com/hashicorp/terraform/blob/main/docs/resource-instance-change-lifecycle.md
// https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
package protocol
