package provider

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

// warnOfBroken says what has happened to instances since the last apply.
func (m *fleetModel) warnOfBroken(observed *fleet.Observation, region string, diags *diag.Diagnostics) {
	var lines []string
	before := slotValues(m.Instances)
	for _, slot := range slices.Sorted(maps.Keys(before)) {
		member, there := observed.Members[slot]
		switch {
		case !there:
			lines = append(lines, fmt.Sprintf("slot %d: %s is gone", slot, instanceIDOf(before[slot])))
		case member.Broken != "":
			lines = append(lines, fmt.Sprintf("slot %d: %s %s", slot, member.Instance.ID, member.Broken))
		}
	}
	if len(lines) == 0 {
		return
	}
	const most = 20
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("and %d more", len(lines)-most))
	}
	next := "An apply gives these slots new instances."
	if !orTrue(m.ReplaceUnhealthy) {
		next = "An apply gives new instances to the slots whose own are gone; the others stay, since replace_unhealthy is false."
	}
	diags.AddWarning(fmt.Sprintf("Fleet %s lacks instances", m.Name.ValueString()),
		fmt.Sprintf("In %s:\n\n%s\n\n%s", region, strings.Join(lines, "\n"), next))
}

func instanceIDOf(value attr.Value) string {
	if object, ok := value.(types.Object); ok {
		if id, ok := object.Attributes()["instance_id"].(types.String); ok {
			return id.ValueString()
		}
	}
	return "its instance"
}

// readShared follows what all instances share and what can be changed in place:
// the first instance that deviates shows its drift in the plan. What the
// configuration leaves to AWS is not followed.
func (m *fleetModel) readShared(session *session, observed *fleet.Observation) {
	tags, groups, profile := false, len(m.SecurityGroupIDs.Elements()) == 0, m.IAMInstanceProfile.IsNull()
	spec := fleet.Spec{Name: m.Name.ValueString(), Slots: slotsSpec(m.Slots)}
	for _, slot := range slices.Sorted(maps.Keys(observed.Members)) {
		instance := observed.Members[slot].Instance
		have := m.userTags(instance, spec.SpecialTags(slot))
		if !tags && (m.TagsAll.IsNull() || !maps.Equal(have, tagsOf(m.TagsAll))) {
			m.Tags, m.TagsAll, tags = session.ownTags(have, m.Tags), stringMap(have), true
		}
		if wanted := slices.Sorted(slices.Values(elements(m.SecurityGroupIDs))); !groups && !slices.Equal(wanted, instance.SecurityGroupIDs) {
			m.SecurityGroupIDs, groups = types.SetValueMust(types.StringType, stringList(instance.SecurityGroupIDs).Elements()), true
		}
		if !profile && !fleet.SameProfile(m.IAMInstanceProfile.ValueString(), instance.InstanceProfileARN) {
			m.IAMInstanceProfile, profile = textValue(instance.InstanceProfileARN), true
		}
	}
}

// userTags are an instance's without the Name that the engine gives it, and without
// those that only its slot has.
func (m *fleetModel) userTags(instance cloud.Instance, special cloud.Tags) cloud.Tags {
	have, common := instance.Tags.UserTags(), tagsOf(m.TagsAll)
	for key, value := range special {
		if have[key] != value {
			continue
		}
		if shared, there := common[key]; there {
			have[key] = shared
		} else {
			delete(have, key)
		}
	}
	if _, said := m.TagsAll.Elements()["Name"]; !said && have["Name"] == m.Name.ValueString() {
		delete(have, "Name")
	}
	return have
}

// readImported fills in what an import knows from the instances alone.
func (m *fleetModel) readImported(observed *fleet.Observation) {
	if !m.ImageID.IsNull() {
		return
	}
	m.Size = types.Int64Value(0)
	var used []string
	for _, slot := range slices.Sorted(maps.Keys(observed.Members)) {
		m.Size = types.Int64Value(int64(slot) + 1) // a slot without an instance counts too
		instance := observed.Members[slot].Instance
		if m.ImageID.IsNull() {
			m.ImageID = types.StringValue(observed.Members[slot].ImageID)
			m.KeyName = textValue(instance.KeyName)
		}
		if !slices.Contains(used, instance.Type) {
			used = append(used, instance.Type)
		}
	}
	m.InstanceTypes = stringList(used)
}

// slotValues are the instances of a map by the number of their slot.
func slotValues(instances types.Map) map[int]attr.Value {
	values := map[int]attr.Value{}
	for key, value := range instances.Elements() {
		if slot, err := strconv.Atoi(key); err == nil {
			values[slot] = value
		}
	}
	return values
}
