package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// By root volume the plan keeps everything of an instance but its image.
func TestAccFleet_rootVolume(t *testing.T) {
	w := newWorld(t, false)
	same := statecheck.CompareValue(compare.ValuesSame())
	rollout := `{ strategy = "replace_root_volume" }`
	next := fmt.Sprintf("%q", w.baseImage(1))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(2, map[string]string{"rollout": rollout}), ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(0))}},
			{
				Config: w.sized(2, map[string]string{"rollout": rollout, "image_id": next}),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(fleetAddress, instanceID(0), knownvalue.NotNull()),
					plancheck.ExpectKnownValue(fleetAddress, tfjsonpath.New("instances").AtMapKey("0").AtMapKey("image_id"), knownvalue.StringExact(w.baseImage(1))),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					same.AddStateValue(fleetAddress, instanceID(0)), fleetIs("generation", knownvalue.Int64Exact(2)),
				},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// Names and tags by slot are no drift; a slot's own tag that somebody changes is, although
// no attribute shows it.
func TestAccFleet_slotTags(t *testing.T) {
	w := newWorld(t, false)
	same := statecheck.CompareValue(compare.ValuesSame())
	config := w.sized(2, map[string]string{
		"tags":  `{ App = "web" }`,
		"slots": `{ hostname = "web-%d", name_tags = true, overrides = { "1" = { tags = { Role = "leader" } } } }`,
	})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(1))}},
			{
				PreConfig: func() { w.retag("Role", "spoilt") },
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(fleetAddress, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(1))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A rollout that fails goes back, fails the apply with the instance's check, and leaves
// the state at the former image: the same configuration as before then plans nothing.
func TestAccFleet_rollsBack(t *testing.T) {
	w := newWorld(t, false)
	same := statecheck.CompareValue(compare.ValuesSame())
	strict := map[string]string{"health": `{ grace_period = "0s" }`, "rollout": `{ canary = 1 }`}
	bad := map[string]string{"health": strict["health"], "rollout": strict["rollout"], "image_id": fmt.Sprintf("%q", w.baseImage(1))}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(3, strict), ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(0))}},
			{
				PreConfig: func() {
					if _, err := w.Lab.Order(lab.Impair{Image: w.baseImage(1)}); err != nil {
						t.Fatal(err)
					}
				},
				Config:      w.sized(3, bad),
				ExpectError: regexp.MustCompile(loose(`The rollout of fleet web failed and was rolled back.*slot 0.*has failed its.*status check.*slots run the former configuration`)),
			},
			{
				Config:            w.sized(3, strict),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(0))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
