package provider

import (
	"context"
	"maps"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

// assuming is the model with a value for all that is not known yet: the state's, where
// it does not decide which instances are kept. What may replace instances is returned as
// unknown: a new target group, or a tag, makes no slot unknown.
func (m *fleetModel) assuming(ctx context.Context, state *fleetModel) (*fleetModel, fleet.Unknown) {
	assumed, unknown := *m, fleet.Unknown{Image: m.ImageID.IsUnknown()}
	assumed.Region, assumed.TagsAll = state.Region, knownOr(ctx, m.TagsAll, state.TagsAll)
	assumed.ImageID = knownOr(ctx, m.ImageID, state.ImageID)
	assumed.SecurityGroupIDs = knownOr(ctx, m.SecurityGroupIDs, state.SecurityGroupIDs)
	assumed.TargetGroupARNs = knownOr(ctx, m.TargetGroupARNs, state.TargetGroupARNs)
	assumed.IAMInstanceProfile = knownOr(ctx, m.IAMInstanceProfile, state.IAMInstanceProfile)
	assumed.Metadata = knownOr(ctx, m.Metadata, state.Metadata)
	assumed.Monitoring = knownOr(ctx, m.Monitoring, state.Monitoring)
	assumed.DisableTermination = knownOr(ctx, m.DisableTermination, state.DisableTermination)
	assumed.DisableStop = knownOr(ctx, m.DisableStop, state.DisableStop)
	// Whoever fails any check may be broken by rules that are not known yet.
	if m.ReplaceUnhealthy.IsUnknown() {
		assumed.ReplaceUnhealthy = types.BoolValue(true)
	}
	assumed.Health = assumedObject(ctx, m.Health, types.ObjectNull(m.Health.AttributeTypes(ctx)), map[string]attr.Value{
		"status_checks": types.BoolValue(true), "target_groups": types.BoolValue(true), "grace_period": types.StringValue("0s"),
	})
	// Only what is known to keep the instances does.
	assumed.Rollout = assumedObject(ctx, m.Rollout, state.Rollout, map[string]attr.Value{"strategy": types.StringValue(fleet.StrategyReplace)})
	m.assumeLaunch(ctx, state, &assumed, &unknown)
	m.assumeSlots(ctx, state, &assumed, &unknown)
	return &assumed, unknown
}

// assumedObject takes for what is not known in an object a value that is given, or else
// the state's.
func assumedObject(ctx context.Context, object, state types.Object, values map[string]attr.Value) types.Object {
	if known(ctx, object) {
		return object
	}
	all := map[string]attr.Value{}
	for name, of := range object.AttributeTypes(ctx) {
		value, there := object.Attributes()[name]
		if there && known(ctx, value) {
			all[name] = value
			continue
		}
		if value, there = values[name]; !there {
			value, there = state.Attributes()[name]
		}
		if !there {
			value = nullOf(ctx, of)
		}
		all[name] = value
	}
	return types.ObjectValueMust(object.AttributeTypes(ctx), all)
}

// nullOf is the null of a type.
func nullOf(ctx context.Context, of attr.Type) attr.Value {
	value, err := of.ValueFromTerraform(ctx, tftypes.NewValue(of.TerraformType(ctx), nil))
	if err != nil {
		panic(err) // every type has its null
	}
	return value
}

// assumeLaunch takes the state's for what a running instance cannot change.
func (m *fleetModel) assumeLaunch(ctx context.Context, state, assumed *fleetModel, unknown *fleet.Unknown) {
	for _, setting := range m.launchSettings(state) {
		if !known(ctx, setting.planned) {
			unknown.Launch = append(unknown.Launch, setting.name)
			setting.assume(assumed)
		}
	}
}

// launchSetting is an attribute that a running instance cannot change.
type launchSetting struct {
	name            string
	planned, stated attr.Value
	// assume takes the state's.
	assume func(assumed *fleetModel)
}

func (m *fleetModel) launchSettings(state *fleetModel) []launchSetting {
	return []launchSetting{
		{"instance_types", m.InstanceTypes, state.InstanceTypes, func(a *fleetModel) { a.InstanceTypes = state.InstanceTypes }},
		{"subnet_ids", m.SubnetIDs, state.SubnetIDs, func(a *fleetModel) { a.SubnetIDs = state.SubnetIDs }},
		{"key_name", m.KeyName, state.KeyName, func(a *fleetModel) { a.KeyName = state.KeyName }},
		{"user_data", m.UserData, state.UserData, func(a *fleetModel) { a.UserData = state.UserData }},
		{"associate_public_ip_address", m.AssociatePublicIP, state.AssociatePublicIP, func(a *fleetModel) { a.AssociatePublicIP = state.AssociatePublicIP }},
		{"market", m.Market, state.Market, func(a *fleetModel) { a.Market = state.Market }},
		{"ebs_optimized", m.EBSOptimized, state.EBSOptimized, func(a *fleetModel) { a.EBSOptimized = state.EBSOptimized }},
		{"credit_specification", m.Credits, state.Credits, func(a *fleetModel) { a.Credits = state.Credits }},
		{"placement", m.Placement, state.Placement, func(a *fleetModel) { a.Placement = state.Placement }},
		{"root_volume", m.RootVolume, state.RootVolume, func(a *fleetModel) { a.RootVolume = state.RootVolume }},
		{"volumes", m.Volumes, state.Volumes, func(a *fleetModel) { a.Volumes = state.Volumes }},
	}
}

// changedLaunch names the attributes whose change replaces instances, for a reader.
func (m *fleetModel) changedLaunch(state *fleetModel) []string {
	var names []string
	for _, setting := range m.launchSettings(state) {
		switch setting.name {
		case "instance_types", "subnet_ids": // the instances themselves tell
		default:
			if !setting.planned.Equal(setting.stated) {
				names = append(names, setting.name)
			}
		}
	}
	if !slotsHostname(m.Slots).Equal(slotsHostname(state.Slots)) || m.Slots.IsNull() != state.Slots.IsNull() {
		names = append(names, "slots.hostname")
	}
	return names
}

func slotsHostname(slots types.Object) types.String {
	hostname, _ := slots.Attributes()["hostname"].(types.String)
	return hostname
}

// assumeSlots takes the state's for what is not known of the slots. Only what an
// instance is launched with makes its slot unknown.
func (m *fleetModel) assumeSlots(ctx context.Context, state, assumed *fleetModel, unknown *fleet.Unknown) {
	if known(ctx, m.Slots) {
		return
	}
	overrides, mapped := m.Slots.Attributes()["overrides"].(types.Map)
	if m.Slots.IsUnknown() || !mapped || overrides.IsUnknown() {
		unknown.Launch = append(unknown.Launch, "slots")
		assumed.Slots = state.Slots
		return
	}
	formerMap, _ := state.Slots.Attributes()["overrides"].(types.Map)
	former, all := formerMap.Elements(), overrides.Elements() // each call copies the map
	for key, each := range all {
		override, _ := each.(types.Object)
		before, there := former[key].(types.Object)
		if !there {
			before = types.ObjectNull(override.AttributeTypes(ctx))
		}
		if slot, err := strconv.Atoi(key); err == nil && !knownButTags(ctx, override) {
			if unknown.Slots == nil {
				unknown.Slots = map[int]bool{}
			}
			unknown.Slots[slot] = true
		}
		all[key] = assumedObject(ctx, override, before, nil)
	}
	values := maps.Clone(m.Slots.Attributes())
	values["overrides"] = types.MapValueMust(overrides.ElementType(ctx), all)
	if overrides.IsNull() {
		values["overrides"] = overrides
	}
	if hostname, _ := values["hostname"].(types.String); hostname.IsUnknown() {
		unknown.Launch = append(unknown.Launch, "slots.hostname")
	}
	assumed.Slots = assumedObject(ctx, types.ObjectValueMust(m.Slots.AttributeTypes(ctx), values), state.Slots, nil)
}

// knownButTags reports whether all of an override is known that its instance is
// launched with.
func knownButTags(ctx context.Context, override types.Object) bool {
	if override.IsUnknown() {
		return false
	}
	for name, value := range override.Attributes() {
		if name != "tags" && !known(ctx, value) {
			return false
		}
	}
	return true
}
