package provider

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// importedKey is where private state keeps that what state says of the recipe was read by an
// import: no configuration has said it.
const importedKey = "imported"

// importedReason is bake_reason after an import: why the version was baked is not known.
const importedReason = "imported"

// markImported keeps whether the recipe was read by an import.
func markImported(ctx context.Context, private privateWriter, imported bool) diag.Diagnostics {
	return keep(ctx, private, importedKey, imported)
}

// forgetImported leaves out of a state what an import has read of the recipe, unless the
// configuration says the same: another source than that of the current version is then no edit
// of the source, and decides by the fingerprint alone whether anything is baked.
func (m *goldenImageModel) forgetImported(ctx context.Context, private privateReader, plan *goldenImageModel, diags *diag.Diagnostics) {
	raw, more := private.GetKey(ctx, importedKey)
	diags.Append(more...)
	imported := false
	if json.Unmarshal(raw, &imported) == nil && imported && !m.Source.Equal(plan.Source) {
		m.Source = types.ObjectNull(m.Source.AttributeTypes(ctx))
	}
}

// readImported fills in what an import can know of how the line was configured: what its images
// and their tags tell. Steps and checks are in no image. So that a configuration that is
// generated from the state bakes nothing, the version is pinned.
func (m *goldenImageModel) readImported(ctx context.Context, line image.Line, diags *diag.Diagnostics) {
	current := line.Current()
	if !m.Source.IsNull() || current == nil {
		return
	}
	m.BakeReason = types.StringValue(importedReason)
	if !strings.HasPrefix(current.SourceImageID, "ami-") {
		return // somebody has spoilt the tag
	}
	m.Source = objectWith(ctx, m.Source, map[string]attr.Value{"image_id": types.StringValue(current.SourceImageID)})
	m.Refresh = objectWith(ctx, m.Refresh, map[string]attr.Value{"pin_version": types.Int64Value(int64(current.Number))})
	capture := map[string]attr.Value{}
	if current.IMDSSupport != imdsRequired {
		capture["imds_support"] = types.StringValue(imdsAsSource)
	}
	// What the default would remove at the next apply is kept.
	if kept := len(line.Versions); kept > image.DefaultRetainVersions {
		capture["retain_versions"] = types.Int64Value(int64(kept))
	}
	if len(capture) > 0 {
		m.Capture = objectWith(ctx, m.Capture, capture)
	}
	distribute := noDistribution()
	if distribute.SSMParameter = optional(current.Tags[cloud.TagParameter]); !distribute.SSMParameter.IsNull() {
		object, more := types.ObjectValueFrom(ctx, distributeType, distribute)
		diags.Append(more...)
		m.Distribute = object
	}
}

// readImportedSnapshots tells, once it is known who may use the images, whether the same may use
// the snapshots: the digest of what was permitted says it.
func (m *distributeModel) readImportedSnapshots(current image.Version) {
	also := *m
	also.Snapshots = types.BoolValue(true)
	if said := also.spec(); !said.Permissions.Empty() && said.SharedWith(current) {
		m.Snapshots = also.Snapshots
	}
}

// objectWith is an object with other values; those that it did not have are null.
func objectWith(ctx context.Context, object types.Object, values map[string]attr.Value) types.Object {
	all := map[string]attr.Value{}
	for name, of := range object.AttributeTypes(ctx) {
		value, there := values[name]
		if !there {
			value, there = object.Attributes()[name]
		}
		if !there {
			value = nullOf(ctx, of)
		}
		all[name] = value
	}
	return types.ObjectValueMust(object.AttributeTypes(ctx), all)
}
