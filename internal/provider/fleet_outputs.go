package provider

import (
	"context"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// fleetPlanner fills in the outputs of one plan, and says what an apply does.
//
// Terraform plans again when it applies, and insists on what was known the first time.
// So what is shown as known follows from the configuration and the state alone; what AWS
// shows decides only what is not known, and what the warnings say.
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
	if p.plan.wanted(ctx) {
		p.check(p.plan.spec(ctx, p.diags))
	}
	switch {
	case p.diags.HasError():
	case p.plan.Size.IsUnknown():
		p.unknownOutputs()
	case p.state == nil:
		p.preflight(ctx, p.plan)
		p.setAllUnknown()
		p.plan.ReadySize, p.plan.Generation = types.Int64Value(p.plan.Size.ValueInt64()), types.Int64Value(1)
	case !p.session.ready():
		p.setAllUnknown()
		p.plan.ReadySize, p.plan.Generation = types.Int64Unknown(), types.Int64Unknown()
	default:
		p.compare(ctx)
	}
}

// unknownOutputs is for a fleet of which not even the size is known.
func (p *fleetPlanner) unknownOutputs() {
	p.plan.Instances = types.MapUnknown(memberType)
	p.plan.InstanceIDs, p.plan.PrivateIPs = types.ListUnknown(types.StringType), types.ListUnknown(types.StringType)
	p.plan.ReadySize, p.plan.Generation = types.Int64Unknown(), types.Int64Unknown()
	if p.state != nil {
		p.diags.AddWarning("Fleet "+p.plan.Name.ValueString()+" may change its size",
			"Its size is known after apply, and with it which instances start or end. Give size a value that is known in the plan.")
	}
}

// setAllUnknown is for slots whose instances are yet to be launched. Of each, Terraform
// writes one line into the plan, and knows its key.
func (p *fleetPlanner) setAllUnknown() {
	values := make(map[int]attr.Value, p.plan.Size.ValueInt64())
	for slot := range int(p.plan.Size.ValueInt64()) {
		values[slot] = types.ObjectUnknown(memberType.AttrTypes)
	}
	p.plan.setInstances(values)
}

// compare asks the engine what will change, with the state's values for what is not
// known yet.
func (p *fleetPlanner) compare(ctx context.Context) {
	region := p.region()
	if region == nil {
		return
	}
	assumed, unknown := p.plan.assuming(ctx, p.state)
	spec, previous := assumed.spec(ctx, p.diags), p.state.spec(ctx, p.diags)
	spec.Unknown = unknown
	watch := p.session.watch(ctx, p.state, assumed, p.owner, p.diags)
	if p.diags.HasError() {
		return
	}
	observed, err := p.session.observeFleet(ctx, region, watch)
	if err != nil {
		appendFailure(p.diags, err, "Fleet "+spec.Name+" could not be read")
		return
	}
	p.session.claim(p.owner, observed.Leases)
	engine := fleet.NewPlan(spec, observed)
	engine.LeaveForeignTags(&previous)
	if len(engine.New) > 0 {
		p.preflight(ctx, assumed)
	}
	shown := slotPlan{spec: spec, previous: previous, engine: engine, sameRules: p.sameRules(ctx, watch), sameRepair: p.sameRepair(), before: slotValues(p.state.Instances)}
	values, rolls := shown.values(p.plan.ImageID)
	visible := p.setOutputs(values, rolls, spec, engine)
	appendWarnings(p.diags, engine.Announce(fleet.Circumstances{
		Name: spec.Name, SizeBefore: int(p.state.Size.ValueInt64()), Size: spec.Size, Rollout: spec.Rollout, Unknown: unknown,
		Changed: assumed.changedLaunch(p.state), Visible: visible,
	}))
}

// sameRules reports whether an instance is broken by the same rules as those that the
// state was read with.
func (p *fleetPlanner) sameRules(ctx context.Context, watch fleet.Watch) bool {
	watch.Slots, watch.Known = nil, nil
	return reflect.DeepEqual(watch, p.state.watch(ctx, p.owner, p.diags)) && p.sameRepair()
}

// sameRepair reports whether broken instances are replaced as before: where they were not, the
// state has them.
func (p *fleetPlanner) sameRepair() bool {
	return orTrue(p.state.ReplaceUnhealthy) == orTrue(p.plan.ReplaceUnhealthy)
}

// setOutputs writes what is planned, and reports whether any of it, or the
// configuration, shows a change.
func (p *fleetPlanner) setOutputs(values map[int]attr.Value, rolls bool, spec fleet.Spec, engine fleet.Plan) (visible bool) {
	before := slotValues(p.state.Instances)
	same := len(values) == len(before)
	for slot, value := range values {
		same = same && before[slot] != nil && value.Equal(before[slot])
	}
	p.plan.Generation, p.plan.ReadySize = p.state.Generation, p.state.ReadySize
	switch {
	case rolls && spec.Unknown.Any():
		p.plan.Generation = types.Int64Unknown()
	case rolls:
		p.plan.Generation = types.Int64Value(p.state.Generation.ValueInt64() + 1)
	}
	if same {
		p.plan.Instances, p.plan.InstanceIDs, p.plan.PrivateIPs = p.state.Instances, p.state.InstanceIDs, p.state.PrivateIPs
	} else {
		p.plan.setInstances(values)
	}
	switch visible = p.changes || !same; {
	case visible && p.allReady():
		p.plan.ReadySize = types.Int64Value(int64(spec.Size))
	case visible, !engine.Empty():
		// What an apply does in place, or ends, may show in no attribute: without an
		// unknown value Terraform would see no change, and skip the apply.
		p.plan.ReadySize = types.Int64Unknown()
	}
	return visible
}

// allReady reports whether every slot is sure to have a working instance once an apply
// has succeeded: broken ones are replaced, or there were none.
func (p *fleetPlanner) allReady() bool {
	if p.plan.ReplaceUnhealthy.IsUnknown() {
		return false
	}
	return orTrue(p.plan.ReplaceUnhealthy) ||
		!orTrue(p.state.ReplaceUnhealthy) && int(p.state.ReadySize.ValueInt64()) == len(p.state.Instances.Elements())
}

// slotPlan is what a plan shows of the slots.
type slotPlan struct {
	spec, previous fleet.Spec
	engine         fleet.Plan
	// sameRules is set when the state was read by the rules that hold now.
	sameRules bool
	// sameRepair is set when the state was read by the rule on broken instances that holds now.
	sameRepair bool
	before     map[int]attr.Value
}

// values are the instances: those that stay as the state has them, of those that are
// replaced what is known, and the others wholly unknown. It reports whether a rollout
// comes with it.
func (s slotPlan) values(imageID types.String) (values map[int]attr.Value, rolls bool) {
	changes := make(map[int]fleet.Change, len(s.engine.New))
	for _, change := range s.engine.New {
		changes[change.Slot] = change
	}
	values = make(map[int]attr.Value, s.spec.Size)
	for slot := range s.spec.Size {
		old, there := s.before[slot].(types.Object)
		change, changes := changes[slot]
		if there && changes && s.isNews(change) {
			change, changes = s.spec.Expect(s.previous, slot, cloud.Instance{Type: text(old, "instance_type"), SubnetID: text(old, "subnet_id")}, text(old, "image_id"))
		}
		rolls = rolls || changes && change.Kind == fleet.Outdated
		switch {
		case !there && slot >= s.previous.Size:
			values[slot] = types.ObjectUnknown(memberType.AttrTypes)
		case !there: // what depends on the slot is there already
			values[slot] = s.replacement(slot, types.ObjectNull(memberType.AttrTypes), imageID)
		case !changes:
			values[slot] = old
		case change.RootVolume:
			values[slot] = withAttributes(old, map[string]attr.Value{"image_id": imageID})
		default:
			values[slot] = s.replacement(slot, old, imageID)
		}
	}
	return values, rolls
}

// isNews reports whether a slot has lost its instance since the state was read: that one
// is replaced too, and the next read tells of it.
func (s slotPlan) isNews(change fleet.Change) bool {
	switch change.Kind {
	case fleet.Missing:
		return true
	case fleet.BrokenOne:
		// One that does not run is broken whatever the checks say.
		stopped := change.Old.Instance.State != cloud.InstanceRunning && change.Old.Instance.State != cloud.InstancePending
		return s.sameRules || stopped && s.sameRepair
	case fleet.Outdated:
	}
	return false
}

// replacement is an instance that takes the place of an old one: what the configuration
// decides of it is known.
func (s slotPlan) replacement(slot int, old types.Object, imageID types.String) types.Object {
	values := map[string]attr.Value{}
	for name := range memberType.AttrTypes {
		values[name] = types.StringUnknown()
	}
	values["image_id"] = imageID
	if s.spec.Unknown.Slots[slot] {
		return withAttributes(old, values)
	}
	launch := s.spec.Unknown.Launch
	named := !slices.Contains(launch, "slots")
	if named && !slices.Contains(launch, "slots.hostname") {
		values["hostname"] = textValue(s.spec.Hostname(slot))
	}
	if kinds := s.spec.Types(slot); named && len(kinds) == 1 && !slices.Contains(launch, "instance_types") {
		values["instance_type"] = types.StringValue(kinds[0])
	}
	if subnet := s.spec.Subnet(slot); named && subnet != "" && !slices.Contains(launch, "subnet_ids") {
		values["subnet_id"] = types.StringValue(subnet)
		if subnet == text(old, "subnet_id") {
			values["availability_zone"] = old.Attributes()["availability_zone"]
		}
	}
	if s.spec.Slots != nil && named && s.spec.Slots.Overrides[slot].PrivateIP != "" {
		values["private_ip"] = types.StringValue(s.spec.Slots.Overrides[slot].PrivateIP)
	}
	return withAttributes(old, values)
}

// withAttributes is an instance with other values of some attributes.
func withAttributes(object types.Object, values map[string]attr.Value) types.Object {
	all := map[string]attr.Value{}
	for name, value := range object.Attributes() {
		all[name] = value
	}
	for name, value := range values {
		all[name] = value
	}
	return types.ObjectValueMust(memberType.AttrTypes, all)
}

func text(object types.Object, name string) string {
	value, _ := object.Attributes()[name].(types.String)
	return value.ValueString()
}
