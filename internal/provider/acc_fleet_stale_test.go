package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// An instance that ends between plan and apply does not make the plan worthless: the
// apply replaces it too, and the next read tells of it.
func TestAccFleet_stalePlan(t *testing.T) {
	w := newWorld(t, false)
	lose := between(func() {
		found, err := w.region().Instances(t.Context(), cloud.InstanceQuery{})
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		if err := w.Lab.SetState(found[0].ID, "terminated"); err != nil {
			t.Fatal(err)
		}
	})
	whole := []statecheck.StateCheck{fleetIs("instances", knownvalue.MapSizeExact(4)), fleetIs("generation", knownvalue.Int64Exact(1))}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(3, nil)},
			{Config: w.sized(4, nil), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{lose}}, ConfigStateChecks: whole},
			{
				// Nothing of an instance changes, and still there is one to replace.
				Config:            w.sized(4, map[string]string{"rollout": `{ canary = 1 }`}),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{lose}},
				ConfigStateChecks: whole,
			},
			{
				Config:            w.sized(4, map[string]string{"rollout": `{ canary = 1 }`, "image_id": fmt.Sprintf("%q", w.baseImage(1))}),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{lose}},
				ConfigStateChecks: []statecheck.StateCheck{fleetIs("generation", knownvalue.Int64Exact(2))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// The generation does not fall with the instances of the latest rollout.
func TestAccFleet_generationIsKept(t *testing.T) {
	w := newWorld(t, false)
	second := []statecheck.StateCheck{fleetIs("generation", knownvalue.Int64Exact(2))}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				// What is empty is not drift.
				Config: w.sized(2, map[string]string{
					"slots": `{}`, "tags": `{}`, "vpc_security_group_ids": `[]`, "target_group_arns": `[]`, "root_volume": `{}`, "volumes": `{}`,
					"health": `{}`, "rollout": `{}`, "metadata_options": `{}`, "timeouts": `{}`,
				}),
			},
			{Config: w.sized(2, map[string]string{"slots": `{ overrides = { "1" = { environment = { A = "1" } } } }`}), ConfigStateChecks: second},
			{Config: w.sized(0, map[string]string{"slots": `{}`}), ConfigStateChecks: second},
			{Config: w.sized(1, map[string]string{"slots": `{}`}), ConfigStateChecks: second},
			{
				Config:            w.sized(1, map[string]string{"slots": `{ hostname = "web-%d" }`}),
				ConfigStateChecks: []statecheck.StateCheck{fleetIs("generation", knownvalue.Int64Exact(3))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// What is not known yet, and is changed in place, makes no instance unknown.
func TestAccFleet_unknownInPlace(t *testing.T) {
	w := newWorld(t, false)
	unknown := `
resource "terraform_data" "new" {
  input = "web"
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(2, nil)},
			{
				Config: w.sized(3, map[string]string{"tags": `{ App = terraform_data.new.output }`}) + unknown,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(fleetAddress, instanceID(1), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(fleetAddress, instanceID(2)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{fleetIs("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"App": knownvalue.StringExact("web")}))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
