package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"

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
