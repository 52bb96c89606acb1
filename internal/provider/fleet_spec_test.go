package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A conditional that gives nothing gives null: no override, and no volume.
func TestFleetSpec_nullsInMaps(t *testing.T) {
	schema := fleetSchema(t.Context())
	slotsType, _ := schema.Attributes["slots"].GetType().(types.ObjectType)
	overridesType, _ := slotsType.AttrTypes["overrides"].(types.MapType)
	overrideType, _ := overridesType.ElemType.(types.ObjectType)
	volumesType, _ := schema.Attributes["volumes"].GetType().(types.MapType)
	volumeType, _ := volumesType.ElemType.(types.ObjectType)
	model := fleetModel{
		Volumes: types.MapValueMust(volumeType, map[string]attr.Value{"/dev/sdf": types.ObjectNull(volumeType.AttrTypes)}),
	}
	slots := types.ObjectValueMust(slotsType.AttrTypes, map[string]attr.Value{
		"hostname": types.StringNull(), "name_tags": types.BoolNull(),
		"overrides": types.MapValueMust(overrideType, map[string]attr.Value{"0": types.ObjectNull(overrideType.AttrTypes)}),
	})
	var diags diag.Diagnostics
	if spec := slotsSpec(slots); len(spec.Overrides) > 0 {
		t.Errorf("overrides %v", spec.Overrides)
	}
	if volumes := model.volumes(t.Context(), &diags); len(volumes) > 0 || diags.HasError() {
		t.Errorf("volumes %v, %v", volumes, diags)
	}
}
