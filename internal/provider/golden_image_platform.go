package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// checkWindows refuses, at their attributes, what has no meaning for a source of Windows.
func checkWindows(spec image.Spec, err error, diags *diag.Diagnostics) {
	if spec.Platform != image.PlatformWindows {
		return
	}
	if refused, ok := errors.AsType[*image.TransportError](err); ok {
		attributeError(diags, path.Root("bake").AtName("transport"), "Windows needs the transport ssm", fmt.Sprintf("%v.", refused))
	}
	const shell = "On Windows a script is PowerShell, which has no #! line; a program of another kind is run from PowerShell."
	for i, step := range spec.Bake.Steps {
		at := path.Root("bake").AtName("steps").AtListIndex(i)
		if step.User != "" {
			attributeError(diags, at.AtName("user"), "Without effect on Windows", "There every script runs as SYSTEM. Remove user.")
		}
		if strings.HasPrefix(step.Script, "#!") {
			attributeError(diags, at.AtName("script"), "Not a script for Windows", shell)
		}
		if step.Upload == nil {
			continue
		}
		at = at.AtName("upload")
		for name, given := range map[string]string{"mode": step.Upload.Mode, "owner": step.Upload.Owner} {
			if given != "" {
				attributeError(diags, at.AtName(name), "Without effect on Windows",
					fmt.Sprintf("There files inherit the permissions of their directory. Remove %s; icacls in a script sets others.", name))
			}
		}
		if strings.HasPrefix(step.Upload.Destination, "/") {
			attributeError(diags, at.AtName("destination"), "Not a destination on Windows",
				fmt.Sprintf("%q has no drive: write C:\\\\app\\\\app.zip or C:/app/app.zip.", step.Upload.Destination))
		}
	}
	for i, check := range spec.Verify.Checks {
		if strings.HasPrefix(check.Script, "#!") {
			attributeError(diags, path.Root("verify").AtName("checks").AtListIndex(i).AtName("script"), "Not a script for Windows", shell)
		}
	}
}
