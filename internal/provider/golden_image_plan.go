package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

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
		state.forgetImported(ctx, req.Private, &plan, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Region = r.session.planRegion(config.Region, &resp.Diagnostics)
	plan.TagsAll = r.session.mergedTags(ctx, config.Tags)
	checkTags(plan.TagsAll, &resp.Diagnostics)
	if state != nil && !plan.Region.IsUnknown() && !plan.Region.Equal(state.Region) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("region"))
		r.checkMove(ctx, req.Private, &plan, state, &resp.Diagnostics)
	}
	if state != nil && (!plan.Region.Equal(state.Region) || !plan.Name.Equal(state.Name)) {
		r.planAnother(ctx, req.Private, &plan, state, &resp.Diagnostics)
		state = nil
	}
	removes := r.planOutputs(ctx, req.Private, &plan, state, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	if len(removes) > 0 && !resp.Plan.Raw.Equal(req.State.Raw) {
		// Alone it is no reason to change anything: what is in use stays.
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("versions"), withoutVersions(plan.Versions, removes))...)
	}
}

// checkMove refuses another region in the plan that comes with an apply, where the one before
// did not know it: Terraform has planned an update, and takes no replacement for it.
func (r *goldenImage) checkMove(ctx context.Context, private privateReader, plan, state *goldenImageModel, diags *diag.Diagnostics) {
	owner, there := heldBy(ctx, private, diags)
	if !r.session.ready() || !there || r.session.names.wasRead(owner) {
		return
	}
	attributeError(diags, path.Root("region"), "Another region",
		fmt.Sprintf("The region is %s, and golden image %s is in %s. Another region makes another image, and that is to be planned with its region known, and after a refresh. "+
			"Nothing was changed. Run terraform plan again: without -refresh=false, and with whatever region depends on applied before (terraform apply -target=…).",
			plan.Region.ValueString(), state.Name.ValueString(), state.Region.ValueString()))
}

// planAnother warns that a changed name or region makes another line, and that what there is
// goes: a version in the name, for example, would destroy all that was published before.
func (r *goldenImage) planAnother(ctx context.Context, private privateReader, plan, state *goldenImageModel, diags *diag.Diagnostics) {
	if !r.session.ready() || plan.Region.IsUnknown() {
		return
	}
	owner := r.session.owner(ctx, private, ownership.Image, state.Name.ValueString(), state.Region.ValueString(), state.held, diags)
	if diags.HasError() || state.SkipDestroy.ValueBool() {
		return
	}
	r.session.warnOfGoing(ctx, private, owner, state, "is replaced by another one",
		"A changed name or region makes a new image, with its own versions from 1 on. The name stays the same for all versions: their number and fingerprint are added to it. "+
			"Keep what is there with skip_destroy = true, applied before the change.", diags)
}

// planOutputs fills in the outputs as far as they can be known. removes are the images of the
// versions that an apply, should there be one, is to remove.
func (r *goldenImage) planOutputs(ctx context.Context, private privateReader, plan, state *goldenImageModel, diags *diag.Diagnostics) (removes []string) {
	var earlier *image.Recipe
	if state != nil { // private state outlives a resource that is gone
		found, more := earlierRecipe(ctx, private)
		diags.Append(more...)
		earlier = found
	}
	if diags.HasError() {
		return nil
	}
	if !r.session.ready() {
		plan.unknownOutputs()
		return nil
	}
	planner := goldenImagePlanner{session: r.session, plan: plan, state: state, earlier: earlier, diags: diags, private: private}
	if planner.checkName(ctx); diags.HasError() {
		return nil
	}
	if !plan.recipeKnown(ctx) {
		planner.warnOfUnknown(ctx)
		plan.unknownOutputs()
		return nil
	}
	planner.run(ctx)
	return planner.removes
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
	for _, id := range p.predecessors {
		if former := p.owner.As(id); p.session.names.wasRead(former) {
			p.session.warnOfGoing(ctx, p.private, former, nil, "is replaced with all of its versions", bakeAgain, p.diags)
		}
	}
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
	private      privateReader
	// now is when the line was seen, and recalled is set when that is as state remembers it.
	now      time.Time
	recalled bool
	// removes are the images of the versions that an apply, should there be one, is to remove.
	removes []string
}

func (p *goldenImagePlanner) run(ctx context.Context) {
	region := p.session.region(p.plan.Region.ValueString(), p.diags)
	spec := p.plan.spec(ctx, p.diags)
	files := uploadReader{plan: p.plan, state: p.state, earlier: p.earlier, seen: &p.session.files, diags: p.diags}
	files.remembered = readRemembered(ctx, p.private, p.earlier, p.diags)
	if files.fill(ctx, &spec, false); p.diags.HasError() {
		return
	}
	line, err := p.line(ctx, region)
	if err != nil {
		appendFailure(p.diags, err, "Golden image "+spec.Name+" could not be read")
		return
	}
	source, err := p.resolve(ctx, region, spec.Source, line)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return
	}
	line.Leases.Known = p.session.knows(p.owner)
	p.session.claim(p.owner, line.Leases)
	recipe, engine, from, refused := p.decide(ctx, region, &spec, source.imageID, line, &files)
	p.checkDistribution(ctx, region, spec, line)
	if refused.HasError() && p.keepsWithout(refused, line) {
		return
	}
	p.diags.Append(refused...)
	if p.diags.HasError() {
		return
	}
	appendWarnings(p.diags, image.HeldBack(spec, source.imageID, engine, line, p.now))
	p.show(planned{engine, recipe, from, source.fixed || recipe.Source != source.imageID, files.any}, line)
}

// decide asks the engine what is to be done, and looks whether it can be: refused is what
// speaks against it. from is the source image of a bake.
func (p *goldenImagePlanner) decide(ctx context.Context, region *cloud.Region, spec *image.Spec, source string, line image.Line, files *uploadReader) (
	recipe image.Recipe, engine image.Plan, from cloud.Image, refused diag.Diagnostics,
) {
	looking := *p
	looking.diags = &refused
	recipe, engine, err := p.weigh(spec, source, line, files)
	if err != nil {
		attributeError(&refused, path.Root("refresh").AtName("pin_version"), "The version to hold on to is not kept", err.Error()+". Only kept versions can be held on to.")
		return recipe, engine, from, refused
	}
	if kept := line.ByImage(engine.ImageID); kept != nil {
		spec.Platform = kept.Platform // its source may be gone
	} else {
		from = looking.checkSource(ctx, region, *spec, recipe.Source)
		spec.Platform = from.Platform
	}
	looking.checkMissing(files, engine)
	looking.checkWork(*spec, recipe)
	return recipe, engine, from, refused
}

// keepsWithout leaves the current version in a plan that cannot have another, where nobody has
// asked for one: the source has moved on to what cannot be baked on, for example. It is said,
// and keeps nobody from anything else. Terraform makes this plan before a destroy, too.
func (p *goldenImagePlanner) keepsWithout(refused diag.Diagnostics, line image.Line) bool {
	if p.recipeEdited() || line.Current() == nil || p.diags.HasError() {
		return false
	}
	p.diags.Append(refused.Warnings()...)
	for _, each := range refused.Errors() {
		p.diags.AddWarning(fmt.Sprintf("Golden image %s stays as it is: %s", p.plan.Name.ValueString(), each.Summary()),
			fmt.Sprintf("The configuration is as it was, but a new version is due, and it cannot be baked. Version %d (%s) stays current.\n\n%s",
				line.Current().Number, line.Current().ImageID, each.Detail()))
	}
	p.plan.setOutputs(line)
	p.plan.BakeReason, p.plan.Versions = p.state.BakeReason, p.state.Versions
	p.showCopies(image.Plan{}, line.Current()) // a region may be new all the same
	return true
}

// recipeEdited reports whether the configuration asks for something else to be baked than
// before.
func (p *goldenImagePlanner) recipeEdited() bool {
	return p.state == nil || !p.plan.Source.Equal(p.state.Source) || !p.plan.Bake.Equal(p.state.Bake) || !p.plan.Verify.Equal(p.state.Verify) ||
		!p.plan.Capture.Equal(p.state.Capture) || !p.plan.Refresh.Equal(p.state.Refresh)
}

// sourceEdited reports whether the configuration names another source than before.
func (m *goldenImageModel) sourceEdited(state *goldenImageModel) bool {
	return state != nil && !state.Source.IsNull() && !m.Source.Equal(state.Source)
}

// checkSource refuses a source that nothing can be baked on as it is asked for, and returns
// it.
func (p *goldenImagePlanner) checkSource(ctx context.Context, region *cloud.Region, spec image.Spec, source string) cloud.Image {
	found, err := image.DescribeSource(ctx, region, spec.Source, source)
	if err != nil {
		sourceDiagnostic(p.diags, err)
		return found
	}
	p.checkVolumes(spec, found)
	p.checkTypes(ctx, region, spec, found)
	p.checkSharedKey(spec, found)
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
	return found
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
