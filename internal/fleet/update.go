package fleet

import (
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Update is what is changed on a running instance.
type Update struct {
	Member Member
	// Tags are to be written, SurplusTags removed.
	Tags        cloud.Tags
	SurplusTags []string
	// Register is set when a target group does not have the instance.
	Groups, Profile, Metadata, Monitoring, Protection, Register bool
}

// update compares what can be changed on a running instance.
func (s Spec) update(member Member) (Update, bool) {
	instance := member.Instance
	update := Update{Member: member, Tags: cloud.Tags{}}
	have, want := instance.Tags.UserTags(), s.slotTags(member.Slot)
	for key, value := range want {
		if had, there := have[key]; !there || had != value {
			update.Tags[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, wanted := want[key]; !wanted {
			update.SurplusTags = append(update.SurplusTags, key)
		}
	}
	if len(s.SecurityGroupIDs) > 0 {
		wanted := slices.Sorted(slices.Values(s.SecurityGroupIDs))
		update.Groups = !slices.Equal(slices.Compact(wanted), slices.Sorted(slices.Values(instance.SecurityGroupIDs)))
	}
	update.Profile = !SameProfile(s.InstanceProfile, instance.InstanceProfileARN)
	update.Metadata = s.Metadata.Differs(instance.Metadata)
	update.Monitoring = s.Monitoring != instance.Monitoring
	update.Protection = s.protection() != instance.Tags[cloud.TagProtection]
	update.Register = len(member.Unregistered) > 0 && instance.State == cloud.InstanceRunning
	return update, update.any()
}

func (u Update) any() bool { return len(u.What()) > 0 }

// What names in words what is changed.
func (u Update) What() []string {
	var names []string
	for _, part := range []struct {
		name    string
		changes bool
	}{
		{"tags", len(u.Tags)+len(u.SurplusTags) > 0},
		{"security groups", u.Groups},
		{"instance profile", u.Profile},
		{"metadata options", u.Metadata},
		{"monitoring", u.Monitoring},
		{"protection", u.Protection},
		{"target groups", u.Register},
	} {
		if part.changes {
			names = append(names, part.name)
		}
	}
	return names
}
