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
	diags.AddError(failure.Summary, failure.Detail())
}

func appendWarnings(diags *diag.Diagnostics, warnings []report.Warning) {
	for _, warning := range warnings {
		diags.AddWarning(warning.Summary, warning.Detail)
	}
}

// attributeError points at an attribute and names it too: for attributes inside of
// nested ones Terraform shows nothing but the line of the resource.
func attributeError(diags *diag.Diagnostics, at path.Path, summary, detail string) {
	diags.AddAttributeError(at, summary, at.String()+": "+detail)
}
