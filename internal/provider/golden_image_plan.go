package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// ModifyPlan shows what an apply will do: it resolves the source, hashes the files,
// reads the line and asks the engine's planner.
func (r *goldenImage) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)
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
	checkTags(plan.TagsAll, &resp.Diagnostics)
	if state != nil && !plan.Region.IsUnknown() && !plan.Region.Equal(state.Region) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("region"))
	}
	if state != nil && (!plan.Region.Equal(state.Region) || !plan.Name.Equal(state.Name)) {
		state = nil // another line
	}
	surplus := r.planOutputs(ctx, req.Private, &plan, state, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if surplus && !resp.Plan.Raw.Equal(req.State.Raw) {
		// Alone it is no reason to change anything: what is in use stays.
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("versions"), types.ListUnknown(versionType))...)
	}
}

// planOutputs fills in the outputs as far as they can be known. surplus is set when an
// apply, should there be one, may remove versions.
func (r *goldenImage) planOutputs(ctx context.Context, private privateReader, plan, state *goldenImageModel, diags *diag.Diagnostics) (surplus bool) {
	var earlier *image.Recipe
	if state != nil { // private state outlives a resource that is gone
		found, more := earlierRecipe(ctx, private)
		diags.Append(more...)
		earlier = found
	}
	if diags.HasError() {
		return false
	}
	if !r.session.ready() {
		plan.unknownOutputs()
		return false
	}
	planner := goldenImagePlanner{session: r.session, plan: plan, state: state, earlier: earlier, diags: diags, private: private}
	if planner.checkName(ctx); diags.HasError() {
		return false
	}
	if !plan.recipeKnown(ctx) {
		plan.unknownOutputs()
		return false
	}
	planner.run(ctx)
	return planner.surplus
}

// planDestroy refuses credentials of another account before anything is destroyed.
func (r *goldenImage) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state goldenImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if r.session.ready() && !resp.Diagnostics.HasError() {
		r.session.owner(ctx, req.Private, ownership.Image, state.Name.ValueString(), state.Region.ValueString(), state.held, &resp.Diagnostics)
	}
}

// checkName says whose plan this is, and refuses a name that is somebody else's. It needs
// no more than the name, so that it is done also where the rest is not known yet.
func (p *goldenImagePlanner) checkName(ctx context.Context) {
	if p.plan.Name.IsUnknown() || p.plan.Region.IsUnknown() {
		return
	}
	name, region := p.plan.Name.ValueString(), p.session.region(p.plan.Region.ValueString(), p.diags)
	if region == nil {
		return
	}
	if p.state != nil {
		if p.owner = p.session.owner(ctx, p.private, ownership.Image, name, region.Name(), p.state.held, p.diags); !p.diags.HasError() {
			p.session.names.plan(p.owner, p.diags)
		}
		return
	}
	if p.owner = p.session.newOwner(ctx, ownership.Image, name, region.Name(), p.diags); p.diags.HasError() {
		return
	}
	holders, err := image.Holders(ctx, region, p.owner)
	if err != nil {
		appendFailure(p.diags, err, "Golden image "+name+" could not be looked for")
		return
	}
	p.predecessors = p.session.checkName(ctx, p.private, p.owner, holders, p.diags)
	p.shared = len(holders) > 0
}

// goldenImagePlanner fills in the outputs of one plan.
type goldenImagePlanner struct {
	session *session
	// owner is the line that there is, or, without an id, the one that is to be.
	owner ownership.Owner
	// shared is set when a predecessor, or what a dead create has left, has versions of the
	// name: which number comes next is known once it is clear what becomes of them.
	shared bool
	// predecessors are the owners that a new line follows under its name.
	predecessors []string
	plan         *goldenImageModel
	state        *goldenImageModel
	earlier      *image.Recipe
	diags        *diag.Diagnostics
	surplus      bool
	private      privateReader
}

func (p *goldenImagePlanner) run(ctx context.Context) {
	region := p.session.region(p.plan.Region.ValueString(), p.diags)
	spec := p.plan.spec(ctx, p.diags)
	files := uploadReader{plan: p.plan, state: p.state, earlier: p.earlier, seen: &p.session.files, diags: p.diags}
	files.remembered = readRemembered(ctx, p.private, p.earlier, p.diags)
	if files.fill(ctx, &spec, false); p.diags.HasError() {
		return
	}
	source, err := p.resolve(ctx, region, spec.Source)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return
	}
	line, err := p.line(ctx, region)
	if err != nil {
		appendFailure(p.diags, err, "Golden image "+spec.Name+" could not be read")
		return
	}
	line.Leases.Known = p.session.knows(p.owner)
	p.session.claim(p.owner, line.Leases)
	recipe, engine, err := p.decide(&spec, source, line, &files)
	if err != nil {
		attributeError(p.diags, path.Root("refresh").AtName("pin_version"), "The version to hold on to is not kept", err.Error()+". Only kept versions can be held on to.")
		return
	}
	p.checkDistribution(ctx, region, spec, line)
	if kept := line.ByImage(engine.ImageID); kept != nil {
		spec.Platform = kept.Platform // its source may be gone
	} else {
		spec.Platform = p.checkSource(ctx, region, spec, recipe.Source)
	}
	p.checkMissing(&files, engine)
	p.checkWork(spec, recipe)
	if p.diags.HasError() {
		return
	}
	p.show(spec, recipe, source, line, engine)
	if engine.Action == image.BakeNew && files.any {
		// What is baked are the files as they are in the apply.
		p.plan.Fingerprint, p.plan.ImageName = types.StringUnknown(), types.StringUnknown()
	}
}

// line is what there is of the image: as the refresh has just read it, or read now.
func (p *goldenImagePlanner) line(ctx context.Context, region *cloud.Region) (image.Line, error) {
	if line, seen := p.session.lines.take(p.owner); seen {
		return line, nil
	}
	line, err := image.Observe(ctx, region, p.owner, p.state.vouched())
	if err != nil {
		return line, err
	}
	return image.ObserveCopies(ctx, region, p.session.regions, p.owner, line, p.plan.copyRegions())
}

// sourceEdited reports whether the configuration names another source than before.
func (m *goldenImageModel) sourceEdited(state *goldenImageModel) bool {
	return state != nil && !state.Source.IsNull() && !m.Source.Equal(state.Source)
}

// show writes the engine's plan into the outputs: known where it is known.
func (p *goldenImagePlanner) show(spec image.Spec, recipe image.Recipe, newest string, line image.Line, engine image.Plan) {
	p.surplus = len(engine.Retire) > 0
	appendWarnings(p.diags, image.HeldBack(spec, newest, engine, line, p.session.now()))
	if engine.Action == image.Keep {
		// After a refresh they are as they were.
		p.plan.setOutputs(line)
		p.plan.BakeReason = p.state.BakeReason
		p.showCopies(engine, line.Current())
		if !engine.Empty() && engine.Reason != "" {
			p.plan.BakeReason = types.StringValue(engine.Reason)
		}
		return
	}
	p.plan.unknownOutputs()
	p.plan.BakeReason = types.StringValue(engine.Reason)
	p.plan.Version = types.Int64Value(int64(engine.Version))
	p.plan.Fingerprint = types.StringValue(engine.Fingerprint)
	if engine.Action == image.BakeNew {
		p.plan.SourceImageID = types.StringValue(recipe.Source)
		p.plan.ImageName = types.StringValue(image.AMIName(spec.Name, engine.Version, engine.Fingerprint))
		if p.shared {
			p.plan.Version, p.plan.ImageName = types.Int64Unknown(), types.StringUnknown()
		}
		p.showCopies(engine, nil)
		return
	}
	version := line.ByImage(engine.ImageID)
	p.plan.setCurrent(*version)
	p.showCopies(engine, version)
	if !engine.Prove {
		p.plan.VerifiedAt = timeValue(version.VerifiedAt)
	}
	if engine.Action == image.Prove {
		p.plan.Versions = versionsValue(line.Versions)
	}
}

// showCopies shows in image_ids which regions will have an image, so that others can go
// by its keys, and the ids of the images that are there.
func (p *goldenImagePlanner) showCopies(engine image.Plan, version *image.Version) {
	regions, ok := p.plan.Distribute.Attributes()["regions"].(types.Map)
	if p.plan.Distribute.IsUnknown() || ok && regions.IsUnknown() {
		p.plan.ImageIDs = types.MapUnknown(types.StringType)
		return
	}
	home := p.plan.Region.ValueString()
	ids := map[string]attr.Value{home: types.StringUnknown()}
	for _, region := range p.plan.copyRegions() {
		ids[region] = types.StringUnknown()
	}
	if version != nil {
		for region, id := range version.ImageIDs(home, p.plan.copyRegions()) {
			if !slices.Contains(engine.Copy, region) {
				ids[region] = types.StringValue(id)
			}
		}
	}
	p.plan.ImageIDs = types.MapValueMust(types.StringType, ids)
}

// checkSource refuses a source that nothing can be baked on as it is asked for, and returns
// its platform.
func (p *goldenImagePlanner) checkSource(ctx context.Context, region *cloud.Region, spec image.Spec, source string) (platform string) {
	found, err := image.DescribeSource(ctx, region, spec.Source, source)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return ""
	}
	p.checkVolumes(spec, found)
	encrypted := func(volume cloud.ImageVolume) bool { return volume.Encrypted }
	if spec.Distribute.Permissions.Public && slices.ContainsFunc(found.Volumes, encrypted) {
		attributeError(p.diags, path.Root("distribute").AtName("public"), "An encrypted image cannot be public",
			"The source image "+source+" is encrypted, and so is what is baked on it. AWS makes only unencrypted images public. Take another source, or name account_ids instead.")
	}
	for _, volume := range found.Volumes {
		wanted := spec.Bake.RootVolume.Size
		if volume.DeviceName == found.RootDeviceName && wanted > 0 && wanted < volume.Size {
			attributeError(p.diags, path.Root("bake").AtName("root_volume").AtName("size"), "The root volume is too small",
				fmt.Sprintf("The source image %s has a root volume of %d GiB, and a volume cannot be smaller than its snapshot; %d GiB is asked for.",
					source, volume.Size, wanted))
		}
	}
	return found.Platform
}

// checkWork refuses what the transport cannot carry before anything is launched.
func (p *goldenImagePlanner) checkWork(spec image.Spec, recipe image.Recipe) {
	err := spec.CheckWork(recipe.Fingerprint())
	before := p.diags.ErrorsCount()
	if checkWindows(spec, err, p.diags); p.diags.ErrorsCount() > before {
		return
	}
	wrong, ok := errors.AsType[*image.WorkError](err)
	if !ok {
		return
	}
	at := path.Root("bake").AtName("steps")
	if wrong.Role == cloud.RoleProof {
		at = path.Root("verify").AtName("checks")
	}
	if large, ok := errors.AsType[*guest.TooLargeError](err); ok {
		attributeError(p.diags, at, "The scripts and files do not fit into user data",
			fmt.Sprintf("All steps, uploads and checks together become one script that the instance is started with. %v.\n\n"+
				"Set bake.staging_bucket to an S3 bucket of the line's region, from which the builder fetches the script, "+
				"or bake.transport = \"ssm\", which sends each step by itself.", large))
		return
	}
	attributeError(p.diags, at, "The scripts cannot be put together", err.Error())
}

func sourceDiagnostic(diags *diag.Diagnostics, err error) {
	at := path.Root("source")
	if found, ok := errors.AsType[*image.SourceError](err); ok {
		at = at.AtName(found.Field)
	}
	attributeError(diags, at, "The source image cannot be used", err.Error())
}
