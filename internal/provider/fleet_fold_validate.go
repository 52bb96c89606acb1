package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// validateOverrides asks the schema's validators, as the framework asks those that it
// sees.
func (m *fleetModel) validateOverrides(ctx context.Context, diags *diag.Diagnostics) {
	overrides, ok := m.Slots.Attributes()["overrides"].(types.Map)
	if !ok || overrides.IsNull() || overrides.IsUnknown() {
		return
	}
	attribute, at := overridesAttribute(), path.Root("slots").AtName("overrides")
	validateMap(ctx, attribute.Validators, overrides, at, diags)
	for slot, value := range overrides.Elements() {
		override, ok := value.(types.Object)
		if !ok || override.IsNull() || override.IsUnknown() {
			continue
		}
		for name, inner := range override.Attributes() {
			validateOne(ctx, attribute.NestedObject.Attributes[name], inner, at.AtMapKey(slot).AtName(name), diags)
		}
	}
}

func validateOne(ctx context.Context, attribute schema.Attribute, value attr.Value, at path.Path, diags *diag.Diagnostics) {
	switch value := value.(type) {
	case types.String:
		if attribute, ok := attribute.(schema.StringAttribute); ok {
			for _, each := range attribute.Validators {
				resp := validator.StringResponse{}
				each.ValidateString(ctx, validator.StringRequest{Path: at, PathExpression: at.Expression(), ConfigValue: value}, &resp)
				diags.Append(resp.Diagnostics...)
			}
		}
	case types.Map:
		if attribute, ok := attribute.(schema.MapAttribute); ok {
			validateMap(ctx, attribute.Validators, value, at, diags)
		}
	}
}

func validateMap(ctx context.Context, validators []validator.Map, value types.Map, at path.Path, diags *diag.Diagnostics) {
	for _, each := range validators {
		resp := validator.MapResponse{}
		each.ValidateMap(ctx, validator.MapRequest{Path: at, PathExpression: at.Expression(), ConfigValue: value}, &resp)
		diags.Append(resp.Diagnostics...)
	}
}
