package provider

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// readImported fills in, after an import, how the fleet was configured, as far as its instances
// tell. What defaults stand for stays null, so that a configuration that is generated from the
// state says no more than is needed, and plans nothing.
func (m *fleetModel) readImported(ctx context.Context, session *session, region *cloud.Region, observed *fleet.Observation, diags *diag.Diagnostics) {
	if !m.ImageID.IsNull() {
		return
	}
	if len(observed.Members) == 0 {
		m.Size, m.InstanceTypes = types.Int64Value(0), types.ListValueMust(types.StringType, nil)
		return
	}
	found := fleet.Recover(ctx, region, m.Name.ValueString(), observed)
	m.setRecovered(ctx, found.Spec)
	m.Tags, m.TagsAll = session.ownTags(found.Spec.Tags, m.Tags), stringMap(found.Spec.Tags)
	if len(found.Unread) > 0 {
		appendWarnings(diags, []report.Warning{{
			Summary: "Not all of fleet " + m.Name.ValueString() + " could be read",
			Detail: fmt.Sprintf("The fleet is imported without it: %v.\n\nA configuration that is generated from the state lacks it. Write it by hand, or allow the request and import again.",
				errors.Join(found.Unread...)),
		}})
	}
	if !found.Exact {
		appendWarnings(diags, []report.Warning{{
			Summary: "How fleet " + m.Name.ValueString() + " was launched could not be read back",
			Detail: "The instances tell only by a digest what they were launched with, and no configuration that would make such instances has it. " +
				"With a configuration that is generated from the state the next plan replaces them. Write user_data, root_volume and volumes by hand, as they were: the plan is empty when they are right. " +
				"A KMS key that was given by an alias, and user data in the form of a multi-part archive, are not known.",
		}})
	}
}

// setRecovered takes over what was read back. Zero values are null.
func (m *fleetModel) setRecovered(ctx context.Context, spec fleet.Spec) {
	m.ImageID, m.Size = types.StringValue(spec.ImageID), types.Int64Value(int64(spec.Size))
	m.InstanceTypes, m.KeyName = stringList(spec.InstanceTypes), textValue(spec.KeyName)
	if len(spec.SubnetIDs) > 0 {
		m.SubnetIDs = stringList(spec.SubnetIDs)
	}
	m.SecurityGroupIDs, m.TargetGroupARNs = setOrNull(spec.SecurityGroupIDs), setOrNull(spec.TargetGroupARNs)
	m.IAMInstanceProfile, m.UserData = textValue(spec.InstanceProfile), textValue(string(spec.UserData))
	m.AssociatePublicIP, m.EBSOptimized = types.BoolPointerValue(spec.AssociatePublicIP), types.BoolPointerValue(spec.EBSOptimized)
	m.Monitoring, m.DisableTermination, m.DisableStop = trueOrNull(spec.Monitoring), trueOrNull(spec.TerminationProtection), trueOrNull(spec.StopProtection)
	if spec.Spot {
		m.Market = types.StringValue("spot")
	}
	m.Credits = objectOrNull(ctx, m.Credits, map[string]attr.Value{"cpu_credits": textValue(spec.Credits)})
	m.Placement = objectOrNull(ctx, m.Placement, map[string]attr.Value{
		"group_name": textValue(spec.Placement.Group), "tenancy": textValue(spec.Placement.Tenancy),
		"capacity_reservation_id": textValue(spec.Placement.CapacityReservation),
	})
	tokens := spec.Metadata.Tokens
	if tokens == (metadataModel{}).options().Tokens {
		tokens = ""
	}
	m.Metadata = objectOrNull(ctx, m.Metadata, map[string]attr.Value{
		"http_tokens": textValue(tokens), "http_endpoint": textValue(spec.Metadata.Endpoint),
		"http_put_response_hop_limit": numberValue(spec.Metadata.HopLimit), "instance_metadata_tags": textValue(spec.Metadata.InstanceTags),
	})
	m.RootVolume = objectOrNull(ctx, m.RootVolume, volumeValues(spec.RootVolume))
	if len(spec.Volumes) > 0 {
		volumes := map[string]attr.Value{}
		for _, volume := range spec.Volumes {
			volumes[volume.DeviceName] = objectWith(ctx, types.ObjectNull(m.RootVolume.AttributeTypes(ctx)), volumeValues(volume))
		}
		m.Volumes = types.MapValueMust(m.Volumes.ElementType(ctx), volumes)
	}
	m.setRecoveredSlots(ctx, spec.Slots)
}

func (m *fleetModel) setRecoveredSlots(ctx context.Context, slots *fleet.Slots) {
	if slots == nil {
		return
	}
	overridesType, ok := m.Slots.AttributeTypes(ctx)["overrides"].(types.MapType)
	if !ok {
		return
	}
	overrideType, ok := overridesType.ElemType.(types.ObjectType)
	if !ok {
		return
	}
	values := map[string]attr.Value{"hostname": textValue(slots.Hostname), "name_tags": trueOrNull(slots.NameTags)}
	overrides := map[string]attr.Value{}
	for slot, override := range slots.Overrides {
		overrides[strconv.Itoa(slot)] = objectWith(ctx, types.ObjectNull(overrideType.AttrTypes), map[string]attr.Value{
			"environment": mapOrNull(override.Environment), "tags": mapOrNull(override.Tags),
			"instance_type": textValue(override.InstanceType), "subnet_id": textValue(override.SubnetID), "private_ip": textValue(override.PrivateIP),
		})
	}
	if len(overrides) > 0 {
		values["overrides"] = types.MapValueMust(overrideType, overrides)
	}
	m.Slots = objectWith(ctx, m.Slots, values)
	for _, override := range slots.Overrides {
		if override.PrivateIP != "" { // no configuration with an address is valid without
			m.Rollout = objectWith(ctx, m.Rollout, map[string]attr.Value{"max_unavailable": types.StringValue("1")})
		}
	}
}

func volumeValues(volume cloud.Volume) map[string]attr.Value {
	return map[string]attr.Value{
		"size": numberValue(volume.Size), "type": textValue(volume.Type), "iops": numberValue(volume.IOPS), "throughput": numberValue(volume.Throughput),
		"encrypted": types.BoolPointerValue(volume.Encrypted), "kms_key_id": textValue(volume.KMSKeyID),
	}
}

// objectOrNull is null where all values are.
func objectOrNull(ctx context.Context, object types.Object, values map[string]attr.Value) types.Object {
	for _, value := range values {
		if !value.IsNull() {
			return objectWith(ctx, object, values)
		}
	}
	return types.ObjectNull(object.AttributeTypes(ctx))
}

func setOrNull(values []string) types.Set {
	if len(values) == 0 {
		return types.SetNull(types.StringType)
	}
	return types.SetValueMust(types.StringType, stringList(values).Elements())
}

func mapOrNull(values map[string]string) types.Map {
	if len(values) == 0 {
		return types.MapNull(types.StringType)
	}
	return stringMap(values)
}

// numberValue is null for zero.
func numberValue(number int) types.Int64 {
	if number == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(int64(number))
}

// trueOrNull is null for what is off, which is the default.
func trueOrNull(on bool) types.Bool {
	if !on {
		return types.BoolNull()
	}
	return types.BoolValue(true)
}
