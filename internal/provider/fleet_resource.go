package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

var (
	_ resource.ResourceWithConfigure      = (*fleetResource)(nil)
	_ resource.ResourceWithIdentity       = (*fleetResource)(nil)
	_ resource.ResourceWithImportState    = (*fleetResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*fleetResource)(nil)
	_ resource.ResourceWithValidateConfig = (*fleetResource)(nil)
)

// Default time limits.
const (
	fleetCreateTimeout = 30 * time.Minute
	fleetUpdateTimeout = 60 * time.Minute
)

// fleetResource is the resource stamp_fleet.
type fleetResource struct{ session *session }

func newFleet() resource.Resource { return &fleetResource{} }

// Metadata names the resource.
func (r *fleetResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "stamp_fleet"
}

// Schema is what HCL may say, with what is large folded.
func (r *fleetResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = foldedFleetSchema(ctx)
}

// IdentitySchema is name and region.
func (r *fleetResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identitySchema("fleet")
}

// Configure takes the provider's session.
func (r *fleetResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.session, _ = req.ProviderData.(*session)
}

// Create launches the fleet, or completes what an interrupted create has left.
func (r *fleetResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan fleetModel
	resp.Diagnostics.Append(plan.get(ctx, req.Plan)...)
	limit, diags := plan.Timeouts.Create(withoutNoise(ctx), fleetCreateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	region := r.session.region(plan.Region.ValueString(), &resp.Diagnostics)
	if region == nil {
		return
	}
	owner := r.session.newOwner(ctx, ownership.Fleet, plan.Name.ValueString(), region.Name(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	outcome := r.apply(ctx, limit, &plan, nil, owner, &resp.Diagnostics)
	if resp.Diagnostics.HasError() && outcome.Observed.Empty() {
		return
	}
	if resp.Diagnostics.HasError() {
		plan.setOutputs(outcome.Observed)
	} else {
		plan.setApplied(outcome.Observed)
	}
	plan.hold(outcome.Owner)
	resp.Diagnostics.Append(plan.set(ctx, &resp.State)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name, plan.Region)...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, outcome.Owner)...)
	if !resp.Diagnostics.HasError() {
		r.session.names.created(outcome.Owner)
	}
}

// Update scales, heals, rolls and changes in place. When that fails, the state
// keeps what was configured before, and says truly which instances there are.
func (r *fleetResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state fleetModel
	resp.Diagnostics.Append(plan.get(ctx, req.Plan)...)
	resp.Diagnostics.Append(state.get(ctx, req.State)...)
	limit, diags := plan.Timeouts.Update(withoutNoise(ctx), fleetUpdateTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	owner := r.session.owner(ctx, req.Private, ownership.Fleet, state.Name.ValueString(), state.Region.ValueString(), state.held, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	observed := r.apply(ctx, limit, &plan, &state, owner, &resp.Diagnostics).Observed
	plan.hold(owner)
	state.hold(owner)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, plan.Name, plan.Region)...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, owner)...)
	if resp.Diagnostics.HasError() {
		if observed != nil {
			state.setOutputs(observed)
			resp.Diagnostics.Append(state.set(ctx, &resp.State)...)
		}
		return
	}
	plan.setApplied(observed)
	resp.Diagnostics.Append(plan.set(ctx, &resp.State)...)
}

// apply runs the engine within the time limit. The state is nil for a create.
func (r *fleetResource) apply(ctx context.Context, limit time.Duration, plan, state *fleetModel, owner ownership.Owner, diags *diag.Diagnostics) fleet.Outcome {
	region := r.session.region(plan.Region.ValueString(), diags)
	if region == nil {
		return fleet.Outcome{}
	}
	plan.Region = types.StringValue(region.Name())
	if plan.TagsAll.IsUnknown() {
		plan.TagsAll = r.session.mergedTags(ctx, plan.Tags)
	}
	spec := plan.spec(ctx, diags)
	options := fleet.Options{Owner: owner, Known: r.session.knows(owner), Progress: r.session.report(ctx, "fleet "+spec.Name)}
	if state != nil {
		previous := state.spec(ctx, diags)
		options.Slots = state.slotsByInstance()
		options.Previous, options.Generation = &previous, int(state.Generation.ValueInt64())
	}
	if diags.HasError() {
		return fleet.Outcome{}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	outcome, err := fleet.Apply(ctx, region, spec, options)
	appendWarnings(diags, outcome.Warnings)
	appendFailure(diags, err, "Fleet "+spec.Name+" was not applied")
	return outcome
}

// Read follows the fleet. Slots without a working instance are left out of the
// instances, with a warning, and the plan shows them as new.
func (r *fleetResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state fleetModel
	resp.Diagnostics.Append(state.get(ctx, req.State)...)
	region := r.session.region(state.Region.ValueString(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	owner := r.session.owner(ctx, req.Private, ownership.Fleet, state.Name.ValueString(), region.Name(), state.held, &resp.Diagnostics)
	watch := r.session.watch(ctx, &state, &state, owner, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	observed, err := fleet.Observe(ctx, region, watch)
	if err != nil {
		appendFailure(&resp.Diagnostics, err, "Fleet "+owner.Name+" could not be read")
		return
	}
	warnOfForeign(owner, observed.Foreign, &resp.Diagnostics)
	r.session.rememberFleet(region, watch, observed)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.Name, state.Region)...)
	state.hold(owner)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, owner)...)
	state.readImported(ctx, r.session, region, observed, &resp.Diagnostics)
	state.setOutputs(observed)
	state.readShared(r.session, observed)
	resp.Diagnostics.Append(state.set(ctx, &resp.State)...)
}

// Delete terminates every instance and waits until they are gone.
func (r *fleetResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state fleetModel
	resp.Diagnostics.Append(state.get(ctx, req.State)...)
	limit, diags := state.Timeouts.Delete(withoutNoise(ctx), deleteTimeout)
	resp.Diagnostics.Append(diags...)
	region := r.session.region(state.Region.ValueString(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	name := state.Name.ValueString()
	owner := r.session.owner(ctx, req.Private, ownership.Fleet, name, region.Name(), state.held, &resp.Diagnostics)
	watch := r.session.watch(ctx, &state, &state, owner, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	warnings, err := fleet.Destroy(ctx, region, watch, r.session.report(ctx, "fleet "+name))
	appendWarnings(&resp.Diagnostics, warnings)
	appendFailure(&resp.Diagnostics, err, "Fleet "+name+" was not removed")
}

// ImportState takes "name", "name@region", "name@region#owner" or the identity.
func (r *fleetResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	r.session.importOwner(ctx, ownership.Fleet, req, resp, func(region *cloud.Region, fresh ownership.Owner) ([]ownership.Holder, error) {
		return fleet.Holders(ctx, region, fresh)
	})
}
