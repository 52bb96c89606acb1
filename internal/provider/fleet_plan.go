package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// ValidateConfig refuses what needs more than one attribute to be seen.
func (r *fleetResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config fleetModel
	resp.Diagnostics.Append(config.get(ctx, req.Config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config.validateOverrides(ctx, &resp.Diagnostics)
	config.validateSoak(ctx, &resp.Diagnostics)
	if config.Size.IsUnknown() || config.Slots.IsNull() || !known(ctx, config.Slots) {
		return
	}
	slots := slotsSpec(config.Slots)
	size := int(config.Size.ValueInt64())
	at := path.Root("slots")
	for _, slot := range slices.Sorted(maps.Keys(slots.Overrides)) {
		if slot >= size {
			attributeError(&resp.Diagnostics, at.AtName("overrides").AtMapKey(strconv.Itoa(slot)), "Override for a slot that does not exist",
				fmt.Sprintf("There is no slot %d in a fleet of %d: %s.", slot, size, slotRange(size)))
		}
	}
	if slots.Hostname != "" && size > 1 && !guest.PatternHasNumber(slots.Hostname) {
		attributeError(&resp.Diagnostics, at.AtName("hostname"), "The same hostname for all",
			fmt.Sprintf("%q has no %%d, so all %d instances would have the same hostname. Use a pattern like \"web-%%03d\".", slots.Hostname, size))
	}
}

// validateSoak refuses a canary that no update could wait for.
func (m *fleetModel) validateSoak(ctx context.Context, diags *diag.Diagnostics) {
	if !known(ctx, m.Rollout, m.Timeouts) {
		return
	}
	limit, wrong := m.Timeouts.Update(ctx, fleetUpdateTimeout)
	soak := durationOr(objectOf[rolloutModel](ctx, m.Rollout, diags).Soak, 0)
	if wrong.HasError() || soak < limit { // what is no duration, its own validator says
		return
	}
	attributeError(diags, path.Root("rollout").AtName("soak"), "The soak is longer than an update may take",
		fmt.Sprintf("The canary must stay ready for %s, and the whole update may take %s. Raise timeouts.update.", soak, limit))
}

func slotRange(size int) string {
	if size == 0 {
		return "it has none"
	}
	return fmt.Sprintf("its slots are 0 to %d", size-1)
}

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
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("region"))
	}
	if state != nil && (!plan.Region.Equal(state.Region) || !plan.Name.Equal(state.Name)) {
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

// planDestroy refuses credentials of another account before anything is destroyed.
func (r *fleetResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state fleetModel
	resp.Diagnostics.Append(state.get(ctx, req.State)...)
	if r.session.ready() && !resp.Diagnostics.HasError() {
		r.session.owner(ctx, req.Private, ownership.Fleet, state.Name.ValueString(), state.Region.ValueString(), state.held, &resp.Diagnostics)
	}
}

// begin says whose plan this is. What a new fleet needs is looked at before an old one
// makes room for it.
func (p *fleetPlanner) begin(ctx context.Context, private privateReader) {
	if !p.session.ready() || p.plan.Name.IsUnknown() || p.plan.Region.IsUnknown() {
		return
	}
	name, region := p.plan.Name.ValueString(), p.session.region(p.plan.Region.ValueString(), p.diags)
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

// checkImage refuses, for a new fleet, an image that is not there.
func (p *fleetPlanner) checkImage(ctx context.Context) {
	if !p.session.ready() || p.plan.Region.IsUnknown() || p.plan.ImageID.IsUnknown() {
		return
	}
	region := p.session.region(p.plan.Region.ValueString(), p.diags)
	if region == nil {
		return
	}
	if err := fleet.CheckImage(ctx, region, p.plan.ImageID.ValueString()); err != nil {
		attributeError(p.diags, path.Root("image_id"), "The image cannot be used", err.Error())
	}
}

// fleetPlanner fills in the outputs of one plan.
type fleetPlanner struct {
	session *session
	// owner is the fleet that there is, for a change.
	owner ownership.Owner
	plan  *fleetModel
	state *fleetModel
	// changes is set when the configuration differs from the state.
	changes bool
	diags   *diag.Diagnostics
}

func (p *fleetPlanner) run(ctx context.Context) {
	if p.plan.Size.IsUnknown() || p.plan.Slots.IsUnknown() {
		p.unknownOutputs()
		return
	}
	var slots *fleet.Slots
	if known(ctx, p.plan.Slots) {
		slots = slotsSpec(p.plan.Slots)
	}
	if p.plan.wanted(ctx) {
		p.check(p.plan.spec(ctx, p.diags))
	}
	if p.state == nil && !p.diags.HasError() {
		p.checkImage(ctx)
	}
	assumed := p.plan.assuming(ctx, p.state)
	switch {
	case p.diags.HasError():
	case p.state == nil:
		// An interrupted create that is taken over may have to be rolled.
		p.show(ctx, slots, nil, types.Int64Unknown())
	case !p.session.ready() || !assumed.wanted(ctx):
		p.show(ctx, slots, nil, types.Int64Unknown())
		// Once all is known, Terraform plans again, and what is known now must stay.
		p.plan.ReadySize = types.Int64Unknown()
	default:
		p.compare(ctx, slots, assumed)
	}
}

// compare asks the engine what will change. What is wanted is wholly known by now, or
// assumed.
func (p *fleetPlanner) compare(ctx context.Context, slots *fleet.Slots, wanted *fleetModel) {
	region := p.session.region(wanted.Region.ValueString(), p.diags)
	if region == nil {
		return
	}
	spec, watch := wanted.spec(ctx, p.diags), p.session.watch(ctx, p.state, wanted, p.owner, p.diags)
	observed, err := p.session.observeFleet(ctx, region, watch)
	if err != nil {
		appendFailure(p.diags, err, "Fleet "+spec.Name+" could not be read")
		return
	}
	p.session.claim(p.owner, observed.Leases)
	engine := fleet.NewPlan(spec, observed)
	kept := slotValues(p.state.Instances)
	for _, change := range engine.New {
		value, there := kept[change.Slot]
		switch {
		case there && change.RootVolume:
			kept[change.Slot] = p.plan.withImage(value)
		case there && p.isNews(ctx, change, value, watch):
		default:
			delete(kept, change.Slot)
		}
	}
	p.forecast(spec, engine)
	generation := p.state.Generation
	if len(engine.Rollout) > 0 {
		generation = types.Int64Unknown()
	}
	p.show(ctx, slots, kept, generation)
	if p.changes || !engine.Empty() {
		// What an apply does in place, or ends, may be in no attribute: then nothing would
		// be planned at all. And what it finds may be more than there is now.
		p.plan.ReadySize = types.Int64Unknown()
	}
}

// isNews reports whether a slot that has lost its instance had it when the state was
// read. Terraform plans again when it applies, and insists on what the first plan has
// said: an instance that ended in between is replaced, and the next read tells of it.
func (p *fleetPlanner) isNews(ctx context.Context, change fleet.Change, value attr.Value, watch fleet.Watch) bool {
	object, ok := value.(types.Object)
	if !ok || !p.plan.ImageID.Equal(object.Attributes()["image_id"]) {
		return false
	}
	switch change.Kind {
	case fleet.Missing:
		return true
	case fleet.BrokenOne:
		// By other rules than those that the state was read with, it may be broken for long.
		watch.Slots, watch.Known = nil, nil
		sameRules := reflect.DeepEqual(watch, p.state.watch(ctx, p.owner, p.diags))
		return sameRules && orTrue(p.state.ReplaceUnhealthy) == orTrue(p.plan.ReplaceUnhealthy)
	case fleet.Outdated:
	}
	return false
}

// show writes the instances: the kept slots with their values, all others with what
// the configuration says and the rest known after apply.
func (p *fleetPlanner) show(ctx context.Context, slots *fleet.Slots, kept map[int]attr.Value, generation types.Int64) {
	size, slotsKnown := int(p.plan.Size.ValueInt64()), known(ctx, p.plan.Slots)
	values := make(map[int]attr.Value, size)
	changed := len(kept) > size || !maps.EqualFunc(kept, slotValues(p.stateInstances()), func(a, b attr.Value) bool { return a.Equal(b) })
	for slot := range size {
		value, stays := kept[slot]
		if !stays {
			value, changed = p.plan.plannedMember(slot, slots, slotsKnown), true
		}
		values[slot] = value
	}
	if p.state != nil && !changed {
		p.plan.Instances, p.plan.InstanceIDs, p.plan.PrivateIPs = p.state.Instances, p.state.InstanceIDs, p.state.PrivateIPs
		p.plan.ReadySize = p.state.ReadySize
	} else {
		p.plan.setInstances(values)
		p.plan.ReadySize = types.Int64Value(int64(size))
	}
	p.plan.Generation = generation
}

func (p *fleetPlanner) unknownOutputs() {
	p.plan.Instances = types.MapUnknown(memberType)
	p.plan.InstanceIDs, p.plan.PrivateIPs = types.ListUnknown(types.StringType), types.ListUnknown(types.StringType)
	p.plan.ReadySize, p.plan.Generation = types.Int64Unknown(), types.Int64Unknown()
}

func (p *fleetPlanner) stateInstances() types.Map {
	if p.state == nil {
		return types.MapNull(memberType)
	}
	return p.state.Instances
}

// forecast says what a plan cannot show: in how many steps slots are replaced, and that
// surplus instances end.
func (p *fleetPlanner) forecast(spec fleet.Spec, engine fleet.Plan) {
	if text := engine.Forecast(); text != "" {
		p.diags.AddWarning(fmt.Sprintf("Fleet %s will be rolled", spec.Name), text+".\n\nWhy: "+engine.Rollout[0].Reason()+".")
	}
	p.forecastInPlace(spec, engine)
	if len(engine.Left) > 0 {
		p.diags.AddWarning(fmt.Sprintf("Fleet %s has leftovers of an apply that died", spec.Name),
			"The apply "+engine.Clears()+".")
	}
	var surplus []string
	for _, member := range engine.End {
		if member.Slot < spec.Size {
			surplus = append(surplus, member.Instance.ID)
		}
	}
	if len(surplus) > 0 {
		p.diags.AddWarning(fmt.Sprintf("Fleet %s has instances too many", spec.Name),
			"They carry the fleet's tags, but their slots are filled by others or unknown. The apply ends them: "+strings.Join(surplus, ", ")+".")
	}
}

// forecastInPlace says what is changed on running instances.
func (p *fleetPlanner) forecastInPlace(spec fleet.Spec, engine fleet.Plan) {
	if len(engine.Updates) == 0 {
		return
	}
	what := map[string]bool{}
	var slots []string
	for _, update := range engine.Updates {
		slots = append(slots, strconv.Itoa(update.Member.Slot))
		for _, name := range update.What() {
			what[name] = true
		}
	}
	const most = 10
	list := strings.Join(slots[:min(most, len(slots))], ", ")
	if len(slots) > most {
		list += fmt.Sprintf(" and %d more", len(slots)-most)
	}
	p.diags.AddWarning(fmt.Sprintf("Fleet %s will be changed in place", spec.Name),
		fmt.Sprintf("Changed on running instances: %s. Slots: %s. No instance is replaced for it.", strings.Join(slices.Sorted(maps.Keys(what)), ", "), list))
}

// check refuses what cannot be launched before anything is.
func (p *fleetPlanner) check(spec fleet.Spec) {
	err := spec.Validate()
	if wrong, ok := errors.AsType[*fleet.SpecError](err); ok {
		at := path.Root(strings.Split(wrong.Field, ".")[0])
		for _, name := range strings.Split(wrong.Field, ".")[1:] {
			at = at.AtName(name)
		}
		attributeError(p.diags, at, "The fleet cannot be as configured", wrong.Reason+".")
		return
	}
	if large, ok := errors.AsType[*guest.TooLargeError](err); ok {
		attributeError(p.diags, path.Root("user_data"), "The user data does not fit",
			fmt.Sprintf("%v.\n\nShorten it, or put what is large into the image.", large))
		return
	}
	if err != nil {
		p.diags.AddError("The fleet cannot be as configured", err.Error())
	}
}
