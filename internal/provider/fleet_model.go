package provider

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
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
	AssociatePublicIP  types.Bool     `tfsdk:"associate_public_ip_address"`
	Market             types.String   `tfsdk:"market"`
	Monitoring         types.Bool     `tfsdk:"monitoring"`
	EBSOptimized       types.Bool     `tfsdk:"ebs_optimized"`
	DisableTermination types.Bool     `tfsdk:"disable_api_termination"`
	DisableStop        types.Bool     `tfsdk:"disable_api_stop"`
	Credits            types.Object   `tfsdk:"credit_specification"`
	Placement          types.Object   `tfsdk:"placement"`
	Metadata           types.Object   `tfsdk:"metadata_options"`
	RootVolume         types.Object   `tfsdk:"root_volume"`
	Volumes            types.Map      `tfsdk:"volumes"`
	TargetGroupARNs    types.Set      `tfsdk:"target_group_arns"`
	Tags               types.Map      `tfsdk:"tags"`
	TagsAll            types.Map      `tfsdk:"tags_all"`
	Slots              types.Object   `tfsdk:"slots"`
	Health             types.Object   `tfsdk:"health"`
	Rollout            types.Object   `tfsdk:"rollout"`
	ScaleIn            types.String   `tfsdk:"scale_in"`
	ReplaceUnhealthy   types.Bool     `tfsdk:"replace_unhealthy"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`

	held

	// The framework has these folded: see foldedFleet.
	Instances   types.Map   `tfsdk:"-"`
	InstanceIDs types.List  `tfsdk:"-"`
	PrivateIPs  types.List  `tfsdk:"-"`
	ReadySize   types.Int64 `tfsdk:"ready_size"`
	Generation  types.Int64 `tfsdk:"generation"`
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
	// Instances of the latest generation may have ended; a counter does not go back.
	m.Generation = types.Int64Value(max(int64(observed.Generation), m.Generation.ValueInt64()))
}

// setApplied fills in the outputs after an apply that has done all that was planned,
// and keeps to what the plan has promised: when something has happened to one of the
// instances since, the next read tells the truth.
func (m *fleetModel) setApplied(observed *fleet.Observation) {
	planned := *m
	m.setOutputs(observed)
	values := map[int]attr.Value{}
	for slot, member := range observed.Members {
		values[slot] = memberValue(member)
	}
	for slot, value := range slotValues(planned.Instances) {
		object, planned := value.(types.Object)
		if have, there := values[slot].(types.Object); planned && there && !object.IsUnknown() {
			promised := object.Attributes()
			maps.DeleteFunc(promised, func(_ string, value attr.Value) bool { return value.IsUnknown() })
			values[slot] = withAttributes(have, promised)
		}
	}
	m.setInstances(values)
	if !planned.ReadySize.IsUnknown() {
		m.ReadySize = planned.ReadySize
	}
	if !planned.Generation.IsUnknown() {
		m.Generation = planned.Generation
	}
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
		"image_id":          textValue(member.ImageID),
		"hostname":          textValue(member.Hostname),
		"launched_at":       timeValue(instance.LaunchedAt),
	})
}

// textValue maps AWS's empty string to null.
func textValue(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}
