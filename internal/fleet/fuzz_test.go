package fleet

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// FuzzMember: whoever may call CreateTags writes what is read here. No slot and no number
// comes out of it that nobody has given.
func FuzzMember(f *testing.F) {
	f.Add("0-2,7", "1", "0=abc,7=def", "web-%d", 3)
	f.Add("0-999999,0-999999,0-999999", "99999999999999999999", ",,=,", "%d%d%s", 999)
	f.Fuzz(func(t *testing.T, slots, generation, environment, hostname string, index int) {
		member := memberOf(cloud.Instance{ID: "i-1", LaunchIndex: index, Tags: cloud.Tags{
			cloud.TagSlots: slots, cloud.TagGeneration: generation, cloud.TagEnvironment: environment, cloud.TagHostname: hostname,
		}}, nil)
		if member.Slot < -1 || member.Generation < 0 || member.Generation > maxGeneration {
			t.Errorf("slot %d, generation %d", member.Slot, member.Generation)
		}
	})
}
