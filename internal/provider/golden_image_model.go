package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// goldenImageModel is the resource as HCL says it.
type goldenImageModel struct {
	Name        types.String   `tfsdk:"name"`
	Description types.String   `tfsdk:"description"`
	Region      types.String   `tfsdk:"region"`
	Source      types.Object   `tfsdk:"source"`
	Bake        types.Object   `tfsdk:"bake"`
	Verify      types.Object   `tfsdk:"verify"`
	Capture     types.Object   `tfsdk:"capture"`
	Distribute  types.Object   `tfsdk:"distribute"`
	Refresh     types.Object   `tfsdk:"refresh"`
	Tags        types.Map      `tfsdk:"tags"`
	TagsAll     types.Map      `tfsdk:"tags_all"`
	OnFailure   types.String   `tfsdk:"on_failure"`
	SkipDestroy types.Bool     `tfsdk:"skip_destroy"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`

	held

	ImageID        types.String `tfsdk:"image_id"`
	ImageIDs       types.Map    `tfsdk:"image_ids"`
	ImageName      types.String `tfsdk:"image_name"`
	Version        types.Int64  `tfsdk:"version"`
	Fingerprint    types.String `tfsdk:"fingerprint"`
	SourceImageID  types.String `tfsdk:"source_image_id"`
	BakedAt        types.String `tfsdk:"baked_at"`
	VerifiedAt     types.String `tfsdk:"verified_at"`
	Architecture   types.String `tfsdk:"architecture"`
	RootDeviceName types.String `tfsdk:"root_device_name"`
	BakeReason     types.String `tfsdk:"bake_reason"`
	Versions       types.List   `tfsdk:"versions"`
}

// recipeKnown reports whether everything that decides a bake is known. Where the image
// is handed out does not decide it.
func (m *goldenImageModel) recipeKnown(ctx context.Context) bool {
	return known(ctx, m.Name, m.Region, m.Source, m.Bake, m.Verify, m.Capture, m.Refresh)
}

var versionType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"version": types.Int64Type, "image_id": types.StringType, "fingerprint": types.StringType,
	"baked_at": types.StringType, "source_image_id": types.StringType,
}}

// setOutputs fills in the outputs from the line. Without a current version they are
// null.
func (m *goldenImageModel) setOutputs(line image.Line) {
	current := line.Current()
	if current == nil {
		m.forgetOutputs()
		return
	}
	m.setCurrent(*current)
	m.VerifiedAt = timeValue(current.VerifiedAt)
	m.Versions = versionsValue(line.Versions)
}

// setCurrent fills in what is known of a version that exists.
func (m *goldenImageModel) setCurrent(version image.Version) {
	m.ImageID = types.StringValue(version.ImageID)
	m.ImageIDs = stringMap(version.ImageIDs(m.Region.ValueString(), m.copyRegions()))
	m.ImageName = types.StringValue(version.ImageName)
	m.Version = types.Int64Value(int64(version.Number))
	m.Fingerprint = types.StringValue(version.Fingerprint)
	m.SourceImageID = types.StringValue(version.SourceImageID)
	m.BakedAt = timeValue(version.BakedAt)
	m.Architecture = types.StringValue(version.Architecture)
	m.RootDeviceName = types.StringValue(version.RootDevice)
}

func (m *goldenImageModel) forgetOutputs() {
	m.ImageID, m.ImageIDs, m.ImageName = types.StringNull(), types.MapNull(types.StringType), types.StringNull()
	m.Version, m.Fingerprint, m.SourceImageID = types.Int64Null(), types.StringNull(), types.StringNull()
	m.BakedAt, m.VerifiedAt, m.BakeReason = types.StringNull(), types.StringNull(), types.StringNull()
	m.Architecture, m.RootDeviceName = types.StringNull(), types.StringNull()
	m.Versions = types.ListNull(versionType)
}

// unknownOutputs marks all outputs as known after apply.
func (m *goldenImageModel) unknownOutputs() {
	m.ImageID, m.ImageIDs, m.ImageName = types.StringUnknown(), types.MapUnknown(types.StringType), types.StringUnknown()
	m.Version, m.Fingerprint, m.SourceImageID = types.Int64Unknown(), types.StringUnknown(), types.StringUnknown()
	m.BakedAt, m.VerifiedAt, m.BakeReason = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.Architecture, m.RootDeviceName = types.StringUnknown(), types.StringUnknown()
	m.Versions = types.ListUnknown(versionType)
}

func versionsValue(versions []image.Version) types.List {
	byNumber := slices.SortedFunc(slices.Values(versions), func(a, b image.Version) int { return b.Number - a.Number })
	values := make([]attr.Value, 0, len(versions))
	for _, version := range byNumber {
		values = append(values, types.ObjectValueMust(versionType.AttrTypes, map[string]attr.Value{
			"version":         types.Int64Value(int64(version.Number)),
			"image_id":        types.StringValue(version.ImageID),
			"fingerprint":     optional(version.Fingerprint),
			"baked_at":        timeValue(version.BakedAt),
			"source_image_id": optional(version.SourceImageID),
		}))
	}
	return types.ListValueMust(versionType, values)
}

func timeValue(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}
