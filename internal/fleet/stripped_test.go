package fleet

import (
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// An instance that somebody has stripped of its tags is not the fleet's any more, also
// when its client token would bring it back.
func TestApply_strippedOfTags(t *testing.T) {
	for _, key := range []string{cloud.TagFleet, "all"} {
		t.Run(key, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				before := applied(t, stage, spec, nil)
				// The second time, the launch is the same as the one before it.
				for range 2 {
					keys := []string{key}
					if key == "all" {
						keys = nil
						for each := range before.Members[1].Instance.Tags {
							keys = append(keys, each)
						}
					}
					if err := stage.Region.DeleteTags(t.Context(), []string{idOf(before, 1)}, keys); err != nil {
						t.Fatal(err)
					}
					<-time.After(2 * visibleAfter)
					after := applied(t, stage, spec, &spec)
					if idOf(after, 1) == idOf(before, 1) || len(after.Members) != spec.Size {
						t.Errorf("slot 1 has %s, which is not its own", idOf(after, 1))
					}
					before = after
				}
			})
		})
	}
}
