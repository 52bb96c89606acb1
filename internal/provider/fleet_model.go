package provider

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// fleetModel is the resource as HCL says it.
type fleetModel struct {
	Name               types.String   `tfsdk:"name"`
	Region             types.String   `tfsdk:"region"`
	ImageID            types.String   `tfsdk:"image_id"`
	Size               types.Int64    `tfsdk:"size"`
	InstanceTypes      types.List     `tfsdk:"instance_types"`
	SubnetIDs          types.List     `tfsdk:"subnet_ids"`
	SecurityGroupIDs   types.Set      `tfsdk:"vpc_security_group_ids"`
	IAMInstanceProfile types.String   `tfsdk:"iam_instance_profile"`
	KeyName            types.String   `tfsdk:"key_name"`
	UserData           types.String   `tfsdk:"user_data"`
	Tags               types.Map      `tfsdk:"tags"`
	TagsAll            types.Map      `tfsdk:"tags_all"`
	Slots              types.Object   `tfsdk:"slots"`
	ReplaceUnhealthy   types.Bool     `tfsdk:"replace_unhealthy"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`

	Instances   types.Map   `tfsdk:"instances"`
	InstanceIDs types.List  `tfsdk:"instance_ids"`
	PrivateIPs  types.List  `tfsdk:"private_ips"`
	ReadySize   types.Int64 `tfsdk:"ready_size"`
	Generation  types.Int64 `tfsdk:"generation"`
}

type slotsModel struct {
	Hostname  types.String             `tfsdk:"hostname"`
	Overrides map[string]overrideModel `tfsdk:"overrides"`
}

type overrideModel struct {
	Environment types.Map `tfsdk:"environment"`
}

// wanted reports whether everything that an engine's spec needs is known.
func (m *fleetModel) wanted(ctx context.Context) bool {
	return known(ctx, m.Name, m.Region, m.ImageID, m.Size, m.InstanceTypes, m.SubnetIDs, m.SecurityGroupIDs,
		m.IAMInstanceProfile, m.KeyName, m.UserData, m.TagsAll, m.Slots, m.ReplaceUnhealthy)
}

// spec translates a wholly known model into what the engine wants.
func (m *fleetModel) spec(ctx context.Context, diags *diag.Diagnostics) fleet.Spec {
	return fleet.Spec{
		Name:             m.Name.ValueString(),
		ImageID:          m.ImageID.ValueString(),
		Size:             int(m.Size.ValueInt64()),
		InstanceTypes:    elements(m.InstanceTypes),
		SubnetIDs:        elements(m.SubnetIDs),
		SecurityGroupIDs: elements(m.SecurityGroupIDs),
		InstanceProfile:  m.IAMInstanceProfile.ValueString(),
		KeyName:          m.KeyName.ValueString(),
		UserData:         []byte(m.UserData.ValueString()),
		Slots:            slotsSpec(ctx, m.Slots, diags),
		Tags:             tagsOf(m.TagsAll),
		ReplaceUnhealthy: orTrue(m.ReplaceUnhealthy),
	}
}

func slotsSpec(ctx context.Context, value types.Object, diags *diag.Diagnostics) *fleet.Slots {
	if value.IsNull() {
		return nil
	}
	var model slotsModel
	diags.Append(value.As(ctx, &model, basetypes.ObjectAsOptions{})...)
	slots := &fleet.Slots{Hostname: model.Hostname.ValueString(), Overrides: map[int]fleet.Override{}}
	for key, override := range model.Overrides {
		if number, err := strconv.Atoi(key); err == nil {
			slots.Overrides[number] = fleet.Override{Environment: stringsOf(override.Environment)}
		}
	}
	return slots
}

var memberType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"instance_id": types.StringType, "private_ip": types.StringType, "public_ip": types.StringType,
	"private_dns": types.StringType, "availability_zone": types.StringType, "subnet_id": types.StringType,
	"instance_type": types.StringType, "image_id": types.StringType, "hostname": types.StringType,
	"launched_at": types.StringType,
}}

// setOutputs fills in the outputs from what was observed. A slot whose instance is
// broken is left out, unless such are to be kept: the plan then shows it as new.
func (m *fleetModel) setOutputs(observed *fleet.Observation) {
	values := map[int]attr.Value{}
	ready := 0
	for slot, member := range observed.Members {
		if member.Broken == "" {
			ready++
		}
		if member.Broken == "" || !orTrue(m.ReplaceUnhealthy) {
			values[slot] = memberValue(member)
		}
	}
	m.setInstances(values)
	m.ReadySize = types.Int64Value(int64(ready))
	m.Generation = types.Int64Value(int64(observed.Generation))
}

// setInstances fills in the map and the lists that follow from it.
func (m *fleetModel) setInstances(values map[int]attr.Value) {
	byKey := make(map[string]attr.Value, len(values))
	for slot, value := range values {
		byKey[strconv.Itoa(slot)] = value
	}
	m.Instances = types.MapValueMust(memberType, byKey)
	m.InstanceIDs, m.PrivateIPs = columnOf(values, "instance_id"), columnOf(values, "private_ip")
}

// columnOf lists one attribute of the instances in the order of the slots.
func columnOf(values map[int]attr.Value, name string) types.List {
	column := make([]attr.Value, 0, len(values))
	for _, slot := range slices.Sorted(maps.Keys(values)) {
		var cell attr.Value = types.StringUnknown()
		if object, ok := values[slot].(types.Object); ok && !object.IsUnknown() {
			cell = object.Attributes()[name]
		}
		column = append(column, cell)
	}
	return types.ListValueMust(types.StringType, column)
}

func memberValue(member fleet.Member) attr.Value {
	instance := member.Instance
	return types.ObjectValueMust(memberType.AttrTypes, map[string]attr.Value{
		"instance_id":       textValue(instance.ID),
		"private_ip":        textValue(instance.PrivateIP),
		"public_ip":         textValue(instance.PublicIP),
		"private_dns":       textValue(instance.PrivateDNS),
		"availability_zone": textValue(instance.AvailabilityZone),
		"subnet_id":         textValue(instance.SubnetID),
		"instance_type":     textValue(instance.Type),
		"image_id":          textValue(instance.ImageID),
		"hostname":          textValue(member.Hostname),
		"launched_at":       timeValue(instance.LaunchedAt),
	})
}

// plannedMember is an instance that is yet to be launched: what the configuration
// says of it is known.
func (m *fleetModel) plannedMember(slot int, slots *fleet.Slots, slotsKnown bool) attr.Value {
	values := map[string]attr.Value{}
	for name := range memberType.AttrTypes {
		values[name] = types.StringUnknown()
	}
	values["image_id"] = m.ImageID
	switch {
	case !slotsKnown:
	case slots == nil || slots.Hostname == "":
		values["hostname"] = types.StringNull()
	default:
		values["hostname"] = types.StringValue(guest.Hostname(slots.Hostname, slot))
	}
	if only := m.InstanceTypes.Elements(); len(only) == 1 {
		values["instance_type"] = only[0]
	}
	return types.ObjectValueMust(memberType.AttrTypes, values)
}

// textValue maps AWS's empty string to null.
func textValue(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}
