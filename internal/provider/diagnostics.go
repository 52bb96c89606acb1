package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// appendFailure is the one place where an engine's error becomes a diagnostic.
func appendFailure(diags *diag.Diagnostics, err error, summary string) {
	if err == nil {
		return
	}
	failure := report.As(err, summary)
	diags.AddError(failure.Title(), failure.Detail())
}

func appendWarnings(diags *diag.Diagnostics, warnings []report.Warning) {
	for _, warning := range warnings {
		diags.AddWarning(warning.Title(), warning.Text())
	}
}

// attributeError names an attribute and points at the outermost one that it is in. What
// it says may quote AWS or a guest, so it is cleaned.
// Terraform finds no line for what is further inside: it shows that of the resource, or,
// worse, that of an outer attribute which happens to have the same name.
func attributeError(diags *diag.Diagnostics, at path.Path, summary, detail string) {
	outer := at
	if steps := at.Steps(); len(steps) > 1 {
		if root, ok := steps[0].(path.PathStepAttributeName); ok {
			outer = path.Root(string(root))
		}
	}
	diags.AddAttributeError(outer, report.Clean(summary), report.Clean(nameOf(at)+": "+detail))
}

// nameOf is a path as people write it. An element of a set has no name of its own, and
// the message has its value anyway.
func nameOf(at path.Path) string {
	for {
		steps := at.Steps()
		if len(steps) == 0 {
			return at.String()
		}
		if _, element := steps[len(steps)-1].(path.PathStepElementKeyValue); !element {
			return at.String()
		}
		at = at.ParentPath()
	}
}
