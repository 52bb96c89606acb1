package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// noNulls refuses null among the elements of a list, set or map, and says where. A module that
// passes one on has meant something by it, and an element that is skipped in silence is not it:
// a missing security group, for example, would be the default one.
type noNulls struct{}

// Description says what is demanded.
func (noNulls) Description(context.Context) string { return "no null elements" }

// MarkdownDescription says what is demanded.
func (v noNulls) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateList looks at the elements of a list.
func (noNulls) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, element := range req.ConfigValue.Elements() {
		refuseNull(element, req.Path.AtListIndex(i), &resp.Diagnostics)
	}
}

// ValidateSet looks at the elements of a set.
func (noNulls) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	for _, element := range req.ConfigValue.Elements() {
		refuseNull(element, req.Path, &resp.Diagnostics)
	}
}

// ValidateMap looks at the elements of a map.
func (noNulls) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	for key, element := range req.ConfigValue.Elements() {
		refuseNull(element, req.Path.AtMapKey(key), &resp.Diagnostics)
	}
}

func refuseNull(element attr.Value, at path.Path, diags *diag.Diagnostics) {
	if element.IsNull() {
		attributeError(diags, at, "Null element",
			"An element is null. Leave it out: compact([…]) drops null from a list, and { for k, v in m : k => v if v != null } from a map.")
	}
}
