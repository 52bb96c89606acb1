package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// ModifyPlan shows which slots an apply will change, and keeps the values of all
// others.
func (r *fleetResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)
		return
	}
	var plan, config fleetModel
	shared := unfolded{}
	resp.Diagnostics.Append(plan.getLike(ctx, req.Plan, shared)...)
	resp.Diagnostics.Append(config.getLike(ctx, req.Config, shared)...)
	var state *fleetModel
	if !req.State.Raw.IsNull() {
		state = &fleetModel{}
		resp.Diagnostics.Append(state.getLike(ctx, req.State, shared)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.Region = r.session.planRegion(config.Region, &resp.Diagnostics)
	plan.TagsAll = r.session.mergedTags(ctx, config.Tags)
	if state != nil && !plan.Region.IsUnknown() && !plan.Region.Equal(state.Region) {
		if r.movesLate(ctx, req.Private, plan.Region.ValueString(), *state, &resp.Diagnostics); resp.Diagnostics.HasError() {
			return
		}
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("region"))
	}
	if state != nil && (!plan.Region.IsUnknown() && !plan.Region.Equal(state.Region) || !plan.Name.Equal(state.Name)) {
		r.announceEnd(ctx, req.Private, *state, "Replacing fleet "+state.Name.ValueString(), &resp.Diagnostics)
		state = nil // another fleet
	}
	planner := fleetPlanner{
		session: r.session, plan: &plan, state: state, changes: !req.Plan.Raw.Equal(req.State.Raw), diags: &resp.Diagnostics,
	}
	if planner.begin(ctx, req.Private); resp.Diagnostics.HasError() {
		return
	}
	planner.run(ctx)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(plan.set(ctx, &resp.Plan)...)
	}
}

// movesLate refuses another region that only the apply has come to know: its plan was to
// change the fleet, and Terraform would take a replacement now for a fault of the provider.
// An apply is a process that has read no state.
func (r *fleetResource) movesLate(ctx context.Context, private privateReader, region string, state fleetModel, diags *diag.Diagnostics) {
	if !r.session.ready() {
		return // a provider that is not known yet has read nothing either
	}
	owner, there := heldBy(ctx, private, diags)
	if diags.HasError() || !there || r.session.names.wasRead(owner) {
		return
	}
	attributeError(diags, path.Root("region"), "Fleet "+owner.Name+" cannot move within this apply",
		fmt.Sprintf("The plan did not know the region, and it is %s now. The fleet is in %s, and in another region it is a new one. Nothing of it was changed.\n\n"+
			"Run terraform plan again, without -refresh=false: it shows the replacement.", region, state.Region.ValueString()))
}

// planDestroy names what ends, and refuses credentials of another account.
func (r *fleetResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state fleetModel
	resp.Diagnostics.Append(state.get(ctx, req.State)...)
	if !resp.Diagnostics.HasError() {
		r.announceEnd(ctx, req.Private, state, "Destroying fleet "+state.Name.ValueString(), &resp.Diagnostics)
	}
}

// announceEnd says which instances of a fleet end with it. One that cannot be read can
// be destroyed all the same.
func (r *fleetResource) announceEnd(ctx context.Context, private privateReader, state fleetModel, summary string, diags *diag.Diagnostics) {
	if !r.session.ready() {
		return
	}
	name, regionName := state.Name.ValueString(), state.Region.ValueString()
	owner := r.session.owner(ctx, private, ownership.Fleet, name, regionName, state.held, diags)
	if diags.HasError() {
		return
	}
	region := r.session.region(regionName, diags)
	if region == nil {
		return
	}
	observed, err := r.session.observeFleet(ctx, region, r.session.watch(ctx, &state, &state, owner, diags))
	if err == nil {
		appendWarnings(diags, fleet.AnnounceEnd(summary, observed))
	}
}

// begin says whose plan this is. What a new fleet needs is looked at before an old one
// makes room for it.
func (p *fleetPlanner) begin(ctx context.Context, private privateReader) {
	if !p.session.ready() || p.plan.Name.IsUnknown() || p.state == nil && p.plan.Region.IsUnknown() {
		return
	}
	name, region := p.plan.Name.ValueString(), p.region()
	if region == nil {
		return
	}
	if p.state != nil {
		if p.owner = p.session.owner(ctx, private, ownership.Fleet, name, region.Name(), p.state.held, p.diags); !p.diags.HasError() {
			p.session.names.plan(p.owner, p.diags)
		}
		return
	}
	fresh := p.session.newOwner(ctx, ownership.Fleet, name, region.Name(), p.diags)
	if p.diags.HasError() {
		return
	}
	holders, err := fleet.Holders(ctx, region, fresh)
	if err != nil {
		appendFailure(p.diags, err, "Fleet "+name+" could not be looked for")
		return
	}
	p.session.checkName(ctx, private, fresh, holders, p.diags)
}

// region is where the fleet is. That of one that is there stays, as far as is known.
func (p *fleetPlanner) region() *cloud.Region {
	name := p.plan.Region
	if name.IsUnknown() && p.state != nil {
		name = p.state.Region
	}
	return p.session.region(name.ValueString(), p.diags)
}
