package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// ValidateConfig refuses what needs more than one attribute to be seen.
func (r *goldenImage) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config goldenImageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Capture.IsNull() || !known(ctx, config.Capture) {
		return
	}
	var capture captureModel
	resp.Diagnostics.Append(config.Capture.As(ctx, &capture, basetypes.ObjectAsOptions{})...)
	if !capture.KMSKeyID.IsNull() && !capture.Encrypted.ValueBool() {
		attributeError(&resp.Diagnostics, path.Root("capture").AtName("kms_key_id"), "A key without encryption",
			"kms_key_id has no effect while the image is not encrypted. Set encrypted = true, or leave kms_key_id out.")
	}
}

// ModifyPlan shows what an apply will do: it resolves the source, hashes the files,
// reads the line and asks the engine's planner.
func (r *goldenImage) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan, config goldenImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	var state *goldenImageModel
	if !req.State.Raw.IsNull() {
		state = &goldenImageModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Region = r.session.planRegion(config.Region, &resp.Diagnostics)
	plan.TagsAll = r.session.mergedTags(ctx, config.Tags)
	if state != nil && !plan.Region.IsUnknown() && !plan.Region.Equal(state.Region) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("region"))
	}
	if state != nil && (!plan.Region.Equal(state.Region) || !plan.Name.Equal(state.Name)) {
		state = nil // another line
	}
	var earlier *image.Recipe
	if state != nil { // private state outlives a resource that is gone
		found, diags := earlierRecipe(ctx, req.Private)
		resp.Diagnostics.Append(diags...)
		earlier = found
	}
	switch {
	case resp.Diagnostics.HasError():
		return
	case !r.session.ready() || !plan.recipeKnown(ctx):
		plan.unknownOutputs()
	default:
		planner := goldenImagePlanner{session: r.session, plan: &plan, state: state, earlier: earlier, diags: &resp.Diagnostics}
		planner.run(ctx)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
}

// goldenImagePlanner fills in the outputs of one plan.
type goldenImagePlanner struct {
	session *session
	plan    *goldenImageModel
	state   *goldenImageModel
	earlier *image.Recipe
	diags   *diag.Diagnostics
}

func (p *goldenImagePlanner) run(ctx context.Context) {
	region := p.session.region(p.plan.Region.ValueString(), p.diags)
	spec := p.plan.spec(ctx, p.diags)
	if p.diags.HasError() {
		return
	}
	source, err := image.ResolveSource(ctx, region, spec.Source)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return
	}
	recipe := spec.Recipe(source)
	p.checkUserData(spec, recipe)
	var line image.Line
	if p.state != nil {
		if line, err = image.ObserveVersions(ctx, region, spec.Name); err != nil {
			appendFailure(p.diags, err, "Golden image "+spec.Name+" could not be read")
			return
		}
	}
	if current := line.Current(); current == nil || current.SourceImageID != source {
		p.checkSource(ctx, region, spec, source)
	}
	if p.diags.HasError() {
		return
	}
	p.show(spec, recipe, line)
}

// show writes the engine's plan into the outputs: known where it is known.
func (p *goldenImagePlanner) show(spec image.Spec, recipe image.Recipe, line image.Line) {
	engine := image.NewPlan(spec, recipe, p.earlier, line)
	if engine.Action == image.Keep {
		p.keep(line)
		return
	}
	p.plan.unknownOutputs()
	p.plan.BakeReason = types.StringValue(engine.Reason)
	p.plan.Version = types.Int64Value(int64(engine.Version))
	p.plan.Fingerprint = types.StringValue(engine.Fingerprint)
	p.plan.SourceImageID = types.StringValue(recipe.Source)
	if engine.Action == image.BakeNew {
		p.plan.ImageName = types.StringValue(image.AMIName(spec.Name, engine.Version, engine.Fingerprint))
		return
	}
	version := line.Find(engine.Fingerprint)
	p.plan.setCurrent(*version)
	if !engine.Prove {
		p.plan.VerifiedAt = timeValue(version.VerifiedAt)
	}
	if engine.Action == image.Prove {
		p.plan.Versions = p.state.Versions
	}
}

// keep leaves the outputs as they are. Only a lower retain_versions changes the
// list of versions; one that is kept because it is in use is no change.
func (p *goldenImagePlanner) keep(line image.Line) {
	versions := p.state.Versions
	p.plan.copyOutputs(*p.state)
	if current := line.Current(); !p.state.ImageID.Equal(types.StringValue(current.ImageID)) {
		p.plan.setOutputs(line)
		versions = p.plan.Versions
	}
	p.plan.Versions = versions
	if !p.plan.Capture.Equal(p.state.Capture) {
		p.plan.Versions = types.ListUnknown(versionType)
	}
}

func (p *goldenImagePlanner) checkSource(ctx context.Context, region *cloud.Region, spec image.Spec, source string) {
	found, err := image.DescribeSource(ctx, region, spec.Source, source)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return
	}
	for _, volume := range found.Volumes {
		wanted := spec.Bake.RootVolume.Size
		if volume.DeviceName == found.RootDeviceName && wanted > 0 && wanted < volume.Size {
			attributeError(p.diags, path.Root("bake").AtName("root_volume").AtName("size"), "The root volume is too small",
				fmt.Sprintf("The source image %s has a root volume of %d GiB, and a volume cannot be smaller than its snapshot; %d GiB is asked for.",
					source, volume.Size, wanted))
		}
	}
}

// checkUserData refuses scripts that do not fit before anything is launched.
func (p *goldenImagePlanner) checkUserData(spec image.Spec, recipe image.Recipe) {
	if _, err := spec.BuilderUserData(recipe); err != nil {
		stepsDiagnostic(p.diags, path.Root("bake").AtName("steps"), err)
		return
	}
	if _, err := spec.ProofUserData(recipe.Fingerprint()); err != nil {
		stepsDiagnostic(p.diags, path.Root("verify").AtName("checks"), err)
	}
}

func stepsDiagnostic(diags *diag.Diagnostics, at path.Path, err error) {
	if large, ok := errors.AsType[*guest.TooLargeError](err); ok {
		attributeError(diags, at, "The scripts and files do not fit into user data",
			fmt.Sprintf("All steps, uploads and checks together become one script that the instance is started with. %v.\n\n"+
				"Upload less, or let a step download what is large, from where the builder can reach it.", large))
		return
	}
	attributeError(diags, at, "The scripts cannot be put together", err.Error())
}

func sourceDiagnostic(diags *diag.Diagnostics, err error) {
	at := path.Root("source")
	if found, ok := errors.AsType[*image.SourceError](err); ok {
		at = at.AtName(found.Field)
	}
	attributeError(diags, at, "The source image cannot be used", err.Error())
}
