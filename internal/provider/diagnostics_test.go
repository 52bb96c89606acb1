package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Terraform shows a line for outermost attributes only, and takes the last name of a path
// for one of them: "bake.steps[1].name" would be shown at the line of "name".
func TestAttributeError_pointsAtALineAndNamesTheAttribute(t *testing.T) {
	accounts := path.Root("distribute").AtName("account_ids")
	for name, test := range map[string]struct {
		at             path.Path
		points, detail string
	}{
		"outermost":        {path.Root("size"), "size", "size: wrong"},
		"nested":           {path.Root("bake").AtName("steps").AtListIndex(1).AtName("name"), "bake", "bake.steps[1].name: wrong"},
		"of a map":         {path.Root("tags").AtMapKey("stamp:x"), "tags", `tags["stamp:x"]: wrong`},
		"element of a set": {accounts.AtSetValue(types.StringValue("1234")), "distribute", "distribute.account_ids: wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			attributeError(&diags, test.at, "Wrong", "wrong")
			got, ok := diags[0].(diag.DiagnosticWithPath)
			if !ok || got.Path().String() != test.points || got.Detail() != test.detail {
				t.Errorf("got %v, want %q at %s", diags[0], test.detail, test.points)
			}
		})
	}
}
