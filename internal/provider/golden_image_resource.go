package provider

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

var (
	_ resource.ResourceWithConfigure      = (*goldenImage)(nil)
	_ resource.ResourceWithIdentity       = (*goldenImage)(nil)
	_ resource.ResourceWithImportState    = (*goldenImage)(nil)
	_ resource.ResourceWithModifyPlan     = (*goldenImage)(nil)
	_ resource.ResourceWithValidateConfig = (*goldenImage)(nil)
)

// Default time limits.
const (
	bakeTimeout   = 60 * time.Minute
	deleteTimeout = 15 * time.Minute
)

// goldenImage is the resource stamp_golden_image.
type goldenImage struct{ session *session }

func newGoldenImage() resource.Resource { return &goldenImage{} }

// Metadata names the resource.
func (r *goldenImage) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "stamp_golden_image"
}

// Schema is what HCL may say.
func (r *goldenImage) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = goldenImageSchema(ctx)
}

// IdentitySchema is name and region.
func (r *goldenImage) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identitySchema("golden image")
}

// Configure takes the provider's session.
func (r *goldenImage) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.session, _ = req.ProviderData.(*session)
}

// Create bakes the first version, or takes up what an interrupted create has left.
func (r *goldenImage) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan goldenImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	limit, diags := plan.Timeouts.Create(withoutNoise(ctx), bakeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	region := r.session.region(plan.Region.ValueString(), &resp.Diagnostics)
	if region == nil {
		return
	}
	owner := r.session.newOwner(ctx, ownership.Image, plan.Name.ValueString(), region.Name(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	secrets := secretsOf(ctx, req.Config, &resp.Diagnostics)
	files := uploadReader{plan: &plan, seen: &r.session.files, diags: &resp.Diagnostics}
	applied := r.apply(ctx, limit, plan, secrets, &files, image.Options{Owner: owner}, &resp.Diagnostics)
	if applied.owner.ID == "" { // nothing was made
		return
	}
	plan.settle(ctx, applied)
	plan.hold(applied.owner)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name, plan.Region)...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, applied.owner)...)
	resp.Diagnostics.Append(plan.rememberLine(ctx, resp.Private, applied.left(), r.session.now())...)
	resp.Diagnostics.Append(keep(ctx, resp.Private, sourceKey, applied.source)...)
	if !resp.Diagnostics.HasError() {
		r.session.names.created(applied.owner)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(applied.remember(ctx, resp.Private)...)
	}
}

// Update bakes, promotes or proves a version when it has to, and changes the rest
// in place. When that fails, the state keeps what was configured before, and says
// truly what is current.
func (r *goldenImage) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state goldenImageModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := plan.Timeouts.Update(withoutNoise(ctx), bakeTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	earlier, diags := earlierRecipe(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	owner := r.session.owner(ctx, req.Private, ownership.Image, state.Name.ValueString(), state.Region.ValueString(), state.held, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	state.forgetImported(ctx, req.Private, &plan, &resp.Diagnostics)
	options := image.Options{Owner: owner, Vouched: state.vouched(), Regions: state.copyRegions(), Copies: stringsOf(state.ImageIDs), Earlier: earlier, SourceEdited: plan.sourceEdited(&state)}
	secrets := secretsOf(ctx, req.Config, &resp.Diagnostics)
	files := uploadReader{plan: &plan, state: &state, earlier: earlier, seen: &r.session.files, diags: &resp.Diagnostics}
	files.remembered = readRemembered(ctx, req.Private, earlier, &resp.Diagnostics)
	applied := r.apply(ctx, limit, plan, secrets, &files, options, &resp.Diagnostics)
	plan.hold(owner)
	state.hold(owner)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name, plan.Region)...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, owner)...)
	if resp.Diagnostics.HasError() {
		if applied.line.Current() != nil {
			state.keepRegions(ctx, plan, applied.line, &resp.Diagnostics)
			state.setOutputs(applied.line)
			resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
			resp.Diagnostics.Append(state.rememberLine(ctx, resp.Private, applied.left(), r.session.now())...)
		}
		return
	}
	resp.Diagnostics.Append(plan.rememberLine(ctx, resp.Private, applied.left(), r.session.now())...)
	if plan.sourceEdited(&state) {
		resp.Diagnostics.Append(keep(ctx, resp.Private, sourceKey, applied.source)...)
	}
	plan.settle(ctx, applied)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(markImported(ctx, resp.Private, false)...)
	resp.Diagnostics.Append(applied.remember(ctx, resp.Private)...)
}

// applied is what an apply has left.
type applied struct {
	owner  ownership.Owner
	line   image.Line
	reason string
	// recipe is that of the current version; nil when the configuration's is another,
	// as under a pin.
	recipe *image.Recipe
	files  rememberedFiles
	// source is what it began with.
	source seenSource
}

// left is the line as the apply has left it: leases of others were dealt with.
func (a applied) left() image.Line {
	line := a.line
	line.Leases = ownership.Leases{}
	return line
}

// remember keeps what a later plan compares with.
func (a applied) remember(ctx context.Context, private privateWriter) diag.Diagnostics {
	var diags diag.Diagnostics
	if a.recipe != nil {
		raw, err := json.Marshal(a.recipe.Kept())
		if err != nil {
			panic(err) // strings and numbers are all there is
		}
		diags.Append(private.SetKey(ctx, recipeKey, raw)...)
	}
	if len(a.files) > 0 {
		diags.Append(a.files.write(ctx, private, a.recipe)...)
	}
	return diags
}

// secretsOf reads what is in the configuration alone: never in a plan or a state, and so
// never in a model that is written to one.
func secretsOf(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) map[string]string {
	var secrets types.Map
	diags.Append(config.GetAttribute(ctx, path.Root("bake").AtName("secrets_wo"), &secrets)...)
	return stringsOf(secrets)
}

// apply runs the engine within the time limit.
func (r *goldenImage) apply(ctx context.Context, limit time.Duration, plan goldenImageModel, secrets map[string]string,
	files *uploadReader, options image.Options, diags *diag.Diagnostics,
) applied {
	region := r.session.region(plan.Region.ValueString(), diags)
	if region == nil {
		return applied{}
	}
	plan.Region = types.StringValue(region.Name())
	if plan.TagsAll.IsUnknown() {
		plan.TagsAll = r.session.mergedTags(ctx, plan.Tags)
	}
	spec := plan.spec(ctx, diags)
	spec.Bake.Secrets = secrets
	planned := plan.planned()
	if files.fill(ctx, &spec, planned != nil && planned.ImageID != ""); diags.HasError() {
		return applied{}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	options.Known = r.session.knows(options.Owner)
	options.SourceImageID, options.Planned = plan.SourceImageID.ValueString(), planned
	// What was planned says what to start from; only without it there is something to hold.
	options.SourceEdited = options.SourceEdited || options.Planned != nil
	options.Progress, options.In, options.Now = r.session.report(ctx, "golden image "+spec.Name), r.session.regions, r.session.now
	options.Output = r.session.output(ctx, "golden image "+spec.Name)
	if options.SourceImageID == "" {
		source, err := image.ResolveSource(ctx, region, spec.Source)
		if err != nil {
			sourceDiagnostic(diags, err)
			return applied{}
		}
		options.SourceImageID = source
	}
	result, err := image.Apply(ctx, region, spec, options)
	appendWarnings(diags, result.Warnings)
	appendFailure(diags, err, "Golden image "+spec.Name+" was not applied")
	return applied{
		owner: result.Owner, line: result.Line, reason: result.Plan.Reason, recipe: recipeOf(spec, result.Line), files: files.keep(ctx, spec),
		source: seenSource{Source: spec.Source, ImageID: options.SourceImageID},
	}
}

// recipeOf is the recipe of the current version, if it is the spec's.
func recipeOf(spec image.Spec, line image.Line) *image.Recipe {
	current := line.Current()
	if current == nil {
		return nil
	}
	recipe := spec.Recipe(current.SourceImageID)
	if recipe.Fingerprint() != current.Fingerprint {
		return nil
	}
	return &recipe
}

// planned is what the plan has promised, when it knew.
func (m *goldenImageModel) planned() *image.Planned {
	if m.Version.IsUnknown() || m.Version.IsNull() {
		return nil
	}
	return &image.Planned{Version: int(m.Version.ValueInt64()), ImageID: m.ImageID.ValueString(), Fingerprint: m.Fingerprint.ValueString()}
}

// Delete removes every version with its snapshots and copies, the SSM parameter, and
// what is temporary; with skip_destroy only that.
func (r *goldenImage) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state goldenImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := state.Timeouts.Delete(withoutNoise(ctx), deleteTimeout)
	resp.Diagnostics.Append(diags...)
	region := r.session.region(state.Region.ValueString(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	owner := r.session.owner(ctx, req.Private, ownership.Image, name, region.Name(), state.held, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	warnings, err := image.Destroy(ctx, region, owner, image.Removal{
		In: r.session.regions, Vouched: state.vouched(), Regions: state.copyRegions(), Copies: stringsOf(state.ImageIDs),
		Parameter:     state.distribution(ctx, &resp.Diagnostics).SSMParameter.ValueString(),
		StagingBucket: state.stagingBucket(),
		KeepVersions:  state.SkipDestroy.ValueBool(),
		Known:         r.session.knows(owner),
		Progress:      r.session.report(ctx, "golden image "+name),
	})
	appendWarnings(&resp.Diagnostics, warnings)
	appendFailure(&resp.Diagnostics, err, "Golden image "+name+" was not removed")
}

// ImportState takes "name", "name@region", "name@region#owner" or the identity.
func (r *goldenImage) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	r.session.importOwner(ctx, ownership.Image, req, resp, func(region *cloud.Region, fresh ownership.Owner) ([]ownership.Holder, error) {
		return image.Holders(ctx, region, fresh)
	})
	resp.Diagnostics.Append(markImported(ctx, resp.Private, true)...)
}

// importedName is what an import asks for.
func importedName(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) (name, region, owner string) {
	if req.ID != "" {
		return importID(req.ID)
	}
	var identity identityModel
	diags.Append(req.Identity.Get(ctx, &identity)...)
	return identity.Name.ValueString(), identity.Region.ValueString(), ""
}

// setIdentity must be called by Create, Read and Update alike: Terraform before
// 1.12 ends an update without it with an error.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, name, region types.String) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.Set(ctx, identityModel{Name: name, Region: region})
}

// recipeKey is where private state keeps the recipe of the current version, so that
// a plan can say what changed. It holds digests only.
const recipeKey = "recipe"

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

func earlierRecipe(ctx context.Context, private privateReader) (*image.Recipe, diag.Diagnostics) {
	raw, diags := private.GetKey(ctx, recipeKey)
	if len(raw) == 0 || diags.HasError() {
		return nil, diags
	}
	var recipe image.Recipe
	if err := json.Unmarshal(raw, &recipe); err != nil {
		return nil, diags // words for the reason are lost, nothing else
	}
	return &recipe, diags
}
