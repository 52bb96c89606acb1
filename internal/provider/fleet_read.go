package provider

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

func instanceIDOf(value attr.Value) string {
	if object, ok := value.(types.Object); ok {
		if id, ok := object.Attributes()["instance_id"].(types.String); ok {
			return id.ValueString()
		}
	}
	return "its instance"
}

// readShared follows what all instances share and what can be changed in place. What
// only some of them have is not followed: with ignore_changes, the state's value becomes
// the wanted one, and what somebody has done to one instance would be done to all. The
// plan compares each instance with what is wanted, and says where one differs. What the
// configuration leaves to AWS is not followed either.
func (m *fleetModel) readShared(session *session, observed *fleet.Observation) {
	if len(observed.Members) == 0 {
		return
	}
	var tags []cloud.Tags
	groups, profiles := map[string][]string{}, map[string]bool{}
	spec := fleet.Spec{Name: m.Name.ValueString(), Slots: slotsSpec(m.Slots)}
	for _, slot := range slices.Sorted(maps.Keys(observed.Members)) {
		instance := observed.Members[slot].Instance
		tags = append(tags, m.userTags(instance, spec.SpecialTags(slot)))
		groups[strings.Join(instance.SecurityGroupIDs, ",")] = instance.SecurityGroupIDs
		profiles[instance.InstanceProfileARN] = true
	}
	if have := commonTags(tagsOf(m.TagsAll), tags); m.TagsAll.IsNull() || !maps.Equal(have, tagsOf(m.TagsAll)) {
		m.Tags, m.TagsAll = session.ownTags(have, m.Tags), stringMap(have)
	}
	wanted := slices.Sorted(slices.Values(elements(m.SecurityGroupIDs)))
	for _, ids := range groups {
		if len(groups) == 1 && len(wanted) > 0 && !slices.Equal(wanted, ids) {
			m.SecurityGroupIDs = types.SetValueMust(types.StringType, stringList(ids).Elements())
		}
	}
	for arn := range profiles {
		if len(profiles) == 1 && !m.IAMInstanceProfile.IsNull() && !fleet.SameProfile(m.IAMInstanceProfile.ValueString(), arn) {
			m.IAMInstanceProfile = textValue(arn)
		}
	}
}

// commonTags are the stated tags, but where all instances agree that one is there, is
// not, or has another value.
func commonTags(stated cloud.Tags, instances []cloud.Tags) cloud.Tags {
	common := maps.Clone(instances[0])
	for _, tags := range instances[1:] {
		maps.DeleteFunc(common, func(key, value string) bool { has, there := tags[key]; return !there || has != value })
	}
	for key, value := range stated {
		somebody := slices.ContainsFunc(instances, func(tags cloud.Tags) bool { _, there := tags[key]; return there })
		if _, agreed := common[key]; !agreed && somebody {
			common[key] = value
		}
	}
	return common
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
