// Package fleet is the fleet engine: it maintains a count of identical instances
// of one image. It knows nothing of Terraform.
//
// Observe reads AWS by ownership tags, NewPlan decides (a pure function), Apply
// walks the plan. A slot's number is never written to an instance one by one: a
// batch's slots are in its tag, and an instance's is the entry at its AMI launch
// index.
package fleet
