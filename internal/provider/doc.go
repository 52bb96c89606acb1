// Package provider is Terraform's face of the engines: schema, model, plan
// modifiers, diagnostics. It makes no AWS calls of its own and holds no AWS types.
//
// Each resource has a schema, a model (what HCL says, and how it becomes a spec of
// the engine), a plan (what ModifyPlan shows) and a resource file (Create, Read,
// Update, Delete, ImportState).
package provider
