package fleet

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// memberOf reads an instance of the fleet's own. Its tags are not believed more than they
// have to be: what somebody has spoilt reads as nothing. Known are the slots of instances
// as the state has them.
func memberOf(instance cloud.Instance, known map[string]int) Member {
	member := Member{
		Slot:       slotOf(instance, known),
		Instance:   instance,
		ImageID:    cmp.Or(instance.Tags[cloud.TagRootImage], instance.ImageID),
		Generation: generationOf(instance.Tags),
		config:     instance.Tags[cloud.TagConfig],
		since:      instance.LaunchedAt,
	}
	if instance.State == cloud.InstanceStopped || instance.State == cloud.InstanceStopping {
		member.Broken = "is " + instance.State
		if instance.StateReason != "" {
			member.Broken += " (" + instance.StateReason + ")"
		}
	}
	member.Hostname = hostname(instance.Tags[cloud.TagHostname], member.Slot)
	member.environment = environmentOf(instance.Tags, member.Slot)
	return member
}

func membersOf(instances []cloud.Instance, known map[string]int) []Member {
	members := make([]Member, 0, len(instances))
	for _, instance := range instances {
		members = append(members, memberOf(instance, known))
	}
	return members
}

// slotOf is the slot of an instance: as the state has it, or else the entry of the batch's
// list at the instance's launch index; -1 when nothing says.
func slotOf(instance cloud.Instance, known map[string]int) int {
	if slot, there := known[instance.ID]; there {
		return slot
	}
	if slot, ok := guest.SlotAt(instance.Tags[cloud.TagSlots], instance.LaunchIndex); ok {
		return slot
	}
	return -1
}

// maxGeneration is far more than a fleet ever gets, and far from what cannot be counted.
const maxGeneration = 999_999_999

// generationOf is the fleet's generation at an instance's launch; a number that nobody has
// counted up to reads as zero.
func generationOf(tags cloud.Tags) int {
	generation, err := strconv.Atoi(tags[cloud.TagGeneration])
	if err != nil || generation < 0 || generation > maxGeneration {
		return 0
	}
	return generation
}

// environmentTags is how many tags hold the digests of slots with an environment.
const environmentTags = 8

// maxTagValue is the length of a tag's value.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const maxTagValue = 256

// environmentKeys are the keys of these tags. They are read of every instance.
var environmentKeys = func() (keys [environmentTags]string) {
	keys[0] = cloud.TagEnvironment
	for i := 1; i < environmentTags; i++ {
		keys[i] = fmt.Sprintf("%s.%d", cloud.TagEnvironment, i)
	}
	return keys
}()

// environmentOf reads one slot's digest of a batch.
func environmentOf(tags cloud.Tags, slot int) string {
	wanted := strconv.Itoa(slot) + "="
	for _, key := range environmentKeys {
		for entry := range strings.SplitSeq(tags[key], ",") {
			if value, found := strings.CutPrefix(entry, wanted); found {
				return value
			}
		}
	}
	return ""
}
