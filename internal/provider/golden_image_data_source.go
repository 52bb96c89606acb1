package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

var _ datasource.DataSourceWithConfigure = (*goldenImageSource)(nil)

// goldenImageSource is the data source stamp_golden_image.
type goldenImageSource struct{ session *session }

func newGoldenImageSource() datasource.DataSource { return &goldenImageSource{} }

type goldenImageSourceModel struct {
	Name           types.String `tfsdk:"name"`
	Owner          types.String `tfsdk:"owner"`
	Version        types.Int64  `tfsdk:"version"`
	Region         types.String `tfsdk:"region"`
	ImageID        types.String `tfsdk:"image_id"`
	ImageIDs       types.Map    `tfsdk:"image_ids"`
	ImageName      types.String `tfsdk:"image_name"`
	Fingerprint    types.String `tfsdk:"fingerprint"`
	SourceImageID  types.String `tfsdk:"source_image_id"`
	BakedAt        types.String `tfsdk:"baked_at"`
	VerifiedAt     types.String `tfsdk:"verified_at"`
	Architecture   types.String `tfsdk:"architecture"`
	RootDeviceName types.String `tfsdk:"root_device_name"`
	Versions       types.List   `tfsdk:"versions"`
}

// Metadata names the data source.
func (d *goldenImageSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "stamp_golden_image"
}

// Configure takes the provider's session.
func (d *goldenImageSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.session, _ = req.ProviderData.(*session)
}

// Schema is what HCL may say.
func (d *goldenImageSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	const ownOnly = " Null for another account's image, whose tags cannot be read."
	resp.Schema = schema.Schema{
		MarkdownDescription: "A golden image as those see it who use it: its current version, or a kept one, from the owner's account or from one that it is shared with.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "The name of the golden image.",
			},
			"owner": schema.StringAttribute{
				Optional: true, Validators: []validator.String{accountID()},
				MarkdownDescription: "The account that the image lives in. Default: the caller's own. Another account's tags cannot be read: its images are found by their names, " +
					"and the highest version that is shared and not deprecated counts as the current one. Give `version` when the owner may go back to an older one.",
			},
			"version": schema.Int64Attribute{
				Optional: true, Computed: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "The number of a kept version, deprecated or not. Default: the current one.",
			},
			"region": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "The region to look in: the image's own, or one that it is copied to. Default: the provider's.",
			},
			"image_id": text("The AMI, in that region."),
			"image_ids": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The AMI by region. Only in the owner's account and the image's own region this includes the copies.",
			},
			"image_name":       text("The AMI's name."),
			"fingerprint":      text("SHA-256 over everything that decides what is inside." + ownOnly),
			"source_image_id":  text("The AMI that it was baked from." + ownOnly),
			"baked_at":         text("When it was captured, or copied to that region (RFC 3339)."),
			"verified_at":      text("When it last passed its checks (RFC 3339)." + ownOnly),
			"architecture":     text("Its architecture."),
			"root_device_name": text("The device name of its root volume."),
			"versions": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "All versions that can be used there, the highest number first.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"version":         schema.Int64Attribute{Computed: true, MarkdownDescription: "The version's number."},
					"image_id":        text("Its AMI."),
					"fingerprint":     text("Its fingerprint." + ownOnly),
					"baked_at":        text("When it was captured, or copied (RFC 3339)."),
					"source_image_id": text("The AMI that it was baked from." + ownOnly),
				}},
			},
		},
	}
}

// Read finds the image: one request, and one for each region that an own image is
// copied to.
func (d *goldenImageSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model goldenImageSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	region := d.session.region(model.Region.ValueString(), &resp.Diagnostics)
	if region == nil {
		return
	}
	name := model.Name.ValueString()
	versions, err := image.Find(ctx, region, image.Query{Name: name, Owner: model.Owner.ValueString(), Version: intOr(model.Version, 0)})
	if missing, ok := errors.AsType[*image.NotPublishedError](err); ok {
		at := path.Root("name")
		if len(missing.Seen) > 0 {
			at = path.Root("version")
		}
		missing.Caller = d.session.caller(ctx)
		attributeError(&resp.Diagnostics, at, fmt.Sprintf("There is no golden image %s to use", name), missing.Error()+".")
		return
	}
	if err != nil {
		appendFailure(&resp.Diagnostics, err, fmt.Sprintf("Golden image %s could not be read", name))
		return
	}
	found := versions[0]
	if found.IsHome() {
		owner := d.session.newOwner(ctx, ownership.Image, name, region.Name(), &resp.Diagnostics).As(found.Tags[cloud.TagOwner])
		if resp.Diagnostics.HasError() {
			return
		}
		line, err := image.ObserveCopies(ctx, region, d.session.regions, owner, image.Line{Versions: []image.Version{found}}, nil)
		if err != nil {
			appendFailure(&resp.Diagnostics, err, fmt.Sprintf("The copies of golden image %s could not be read", name))
			return
		}
		found = line.Versions[0]
	}
	model.set(region.Name(), found, versions)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (m *goldenImageSourceModel) set(region string, found image.Version, versions []image.Version) {
	m.Region = types.StringValue(region)
	m.Version = types.Int64Value(int64(found.Number))
	m.ImageID = types.StringValue(found.ImageID)
	m.ImageIDs = stringMap(found.ImageIDs(region, found.Regions()))
	m.ImageName = types.StringValue(found.ImageName)
	m.Fingerprint, m.SourceImageID = optional(found.Fingerprint), optional(found.SourceImageID)
	m.BakedAt, m.VerifiedAt = timeValue(found.BakedAt), timeValue(found.VerifiedAt)
	m.Architecture, m.RootDeviceName = types.StringValue(found.Architecture), types.StringValue(found.RootDevice)
	m.Versions = versionsValue(versions)
}
