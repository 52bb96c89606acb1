package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

type distributeModel struct {
	Regions                types.Map    `tfsdk:"regions"`
	AccountIDs             types.Set    `tfsdk:"account_ids"`
	OrganizationARNs       types.Set    `tfsdk:"organization_arns"`
	OrganizationalUnitARNs types.Set    `tfsdk:"organizational_unit_arns"`
	Public                 types.Bool   `tfsdk:"public"`
	Snapshots              types.Bool   `tfsdk:"snapshots"`
	SSMParameter           types.String `tfsdk:"ssm_parameter"`
}

func (m captureModel) spec() image.Capture {
	return image.Capture{
		Encrypted:      m.Encrypted.ValueBool(),
		KMSKeyID:       m.KMSKeyID.ValueString(),
		RetainVersions: intOr(m.RetainVersions, image.DefaultRetainVersions),
		DeprecateAfter: durationOr(m.DeprecateAfter, 0),
		Protect:        m.Protection.ValueBool(),
		IMDSAsSource:   m.IMDSSupport.ValueString() == imdsAsSource,
	}
}

// captured is what the model says about how versions are kept.
func (m *goldenImageModel) captured(ctx context.Context, diags *diag.Diagnostics) captureModel {
	var said captureModel
	if !m.Capture.IsNull() && !m.Capture.IsUnknown() {
		diags.Append(m.Capture.As(ctx, &said, basetypes.ObjectAsOptions{})...)
	}
	return said
}

type refreshModel struct {
	OnSourceChange types.Bool   `tfsdk:"on_source_change"`
	MaxAge         types.String `tfsdk:"max_age"`
	Triggers       types.Map    `tfsdk:"triggers"`
	PinVersion     types.Int64  `tfsdk:"pin_version"`
}

func (m refreshModel) spec() image.Refresh {
	return image.Refresh{
		HoldSource: !orTrue(m.OnSourceChange),
		MaxAge:     durationOr(m.MaxAge, 0),
		Triggers:   stringsOf(m.Triggers),
		PinVersion: intOr(m.PinVersion, 0),
	}
}

// regionType is one entry of distribute.regions.
var regionType = types.ObjectType{AttrTypes: map[string]attr.Type{"kms_key_id": types.StringType}}

// distributeType is the object distribute.
var distributeType = map[string]attr.Type{
	"regions":                  types.MapType{ElemType: regionType},
	"account_ids":              types.SetType{ElemType: types.StringType},
	"organization_arns":        types.SetType{ElemType: types.StringType},
	"organizational_unit_arns": types.SetType{ElemType: types.StringType},
	"public":                   types.BoolType,
	"snapshots":                types.BoolType,
	"ssm_parameter":            types.StringType,
}

// noDistribution is what a configuration without distribute says.
func noDistribution() distributeModel {
	return distributeModel{
		Regions: types.MapNull(regionType), AccountIDs: types.SetNull(types.StringType),
		OrganizationARNs: types.SetNull(types.StringType), OrganizationalUnitARNs: types.SetNull(types.StringType),
	}
}

// distribution is what the model says about it; unknown parts are as if not said.
func (m *goldenImageModel) distribution(ctx context.Context, diags *diag.Diagnostics) distributeModel {
	said := noDistribution()
	if !m.Distribute.IsNull() && !m.Distribute.IsUnknown() {
		diags.Append(m.Distribute.As(ctx, &said, basetypes.ObjectAsOptions{})...)
	}
	return said
}

func (m distributeModel) spec() image.Distribute {
	return image.Distribute{
		Regions: keysOf(m.Regions),
		Permissions: cloud.Permissions{
			AccountIDs:             elements(m.AccountIDs),
			OrganizationARNs:       elements(m.OrganizationARNs),
			OrganizationalUnitARNs: elements(m.OrganizationalUnitARNs),
			Public:                 m.Public.ValueBool(),
		},
		Snapshots: m.Snapshots.ValueBool(),
		Parameter: m.SSMParameter.ValueString(),
	}
}

// keysOf are the KMS keys by region; a region without one has an empty key.
func keysOf(regions types.Map) map[string]string {
	keys := map[string]string{}
	for region, element := range regions.Elements() {
		keys[region] = ""
		if object, ok := element.(types.Object); ok {
			if key, ok := object.Attributes()["kms_key_id"].(types.String); ok {
				keys[region] = key.ValueString()
			}
		}
	}
	return keys
}

// copyRegions are the regions that the model wants copies in.
func (m *goldenImageModel) copyRegions() []string {
	regions, ok := m.Distribute.Attributes()["regions"].(types.Map)
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(regions.Elements()))
}

// keptVolumes are the devices of those that are not to be deleted with an instance.
func keptVolumes(volumes types.Map) []string {
	var kept []string
	for _, device := range slices.Sorted(maps.Keys(volumes.Elements())) {
		object, _ := volumes.Elements()[device].(types.Object)
		if deleted, ok := object.Attributes()["delete_on_termination"].(types.Bool); ok && !orTrue(deleted) {
			kept = append(kept, device)
		}
	}
	return kept
}

func volumesOf(volumes types.Map) []cloud.Volume {
	var all []cloud.Volume
	for _, device := range slices.Sorted(maps.Keys(volumes.Elements())) {
		object, ok := volumes.Elements()[device].(types.Object)
		if !ok {
			continue
		}
		number := func(name string) int {
			value, _ := object.Attributes()[name].(types.Int64)
			return intOr(value, 0)
		}
		kind, _ := object.Attributes()["type"].(types.String)
		all = append(all, cloud.Volume{
			DeviceName: device, Size: number("size"), Type: kind.ValueString(), IOPS: number("iops"), Throughput: number("throughput"),
		})
	}
	return all
}
