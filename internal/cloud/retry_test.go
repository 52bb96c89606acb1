package cloud_test

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// An answer that breaks off is asked for again, like one that never came.
func TestLab_tornAnswers(t *testing.T) {
	rehearsal.Run(t, lab.Options{Seed: 1}, func(t *testing.T, stage *rehearsal.Stage) {
		torn := func(action string) { stage.Order(lab.FailCall{Action: action, Torn: true, Times: 2}) }
		torn("GetParameter")
		image := must[string](t)(stage.Region.Parameter(t.Context(), rehearsal.BaseImage))
		torn("RunInstances")
		launched := must[[]cloud.Instance](t)(stage.Region.RunInstances(t.Context(), cloud.Launch{
			ClientToken: cloud.Token("once"), ImageID: image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1,
		}))
		torn("DescribeInstances")
		if found := must[[]cloud.Instance](t)(stage.Region.Instances(t.Context(), cloud.InstanceQuery{})); len(found) != 1 || found[0].ID != launched[0].ID {
			t.Errorf("launched %v, found %v", idsOf(launched), idsOf(found))
		}
	})
}
