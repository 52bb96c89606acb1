// Package image is the golden image engine: it bakes, verifies and captures
// versions of a named line of images. It knows nothing of Terraform.
//
// Observe reads AWS by ownership tags, NewPlan decides (a pure function), Apply
// walks the plan in actions that are safe to repeat, and each phase has a file of
// its own, in lifecycle order: launch, bake, capture, prove, promote, retire.
package image
