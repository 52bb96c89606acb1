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
)

const fleetAddress = "stamp_fleet.web"

func fleetIs(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(fleetAddress, tfjsonpath.New(name), value)
}

func instanceID(slot int) tfjsonpath.Path {
	return tfjsonpath.New("instances").AtMapKey(fmt.Sprint(slot)).AtMapKey("instance_id")
}

// sized is a fleet of a base image, of that size.
func (w *world) sized(size int, replaced map[string]string) string {
	parts := map[string]string{"size": fmt.Sprint(size), "image_id": fmt.Sprintf("%q", w.baseImage(0))}
	for name, value := range replaced {
		parts[name] = value
	}
	return w.config(fleetConfig(parts))
}

// Scaling touches the slots at the end and no others, and the plan says so.
func TestAccFleet_scales(t *testing.T) {
	w := newWorld(t, false)
	first := statecheck.CompareValue(compare.ValuesSame())
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.sized(3, map[string]string{"slots": `{ hostname = "web-%03d" }`}),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(fleetAddress, tfjsonpath.New("instances").AtMapKey("2")),
					plancheck.ExpectKnownValue(fleetAddress, tfjsonpath.New("ready_size"), knownvalue.Int64Exact(3)),
					plancheck.ExpectKnownValue(fleetAddress, tfjsonpath.New("generation"), knownvalue.Int64Exact(1)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					fleetIs("instances", knownvalue.MapSizeExact(3)),
					fleetIs("instance_ids", knownvalue.ListSizeExact(3)),
					fleetIs("ready_size", knownvalue.Int64Exact(3)),
					fleetIs("generation", knownvalue.Int64Exact(1)),
					first.AddStateValue(fleetAddress, instanceID(0)),
				},
			},
			{
				Config: w.sized(12, map[string]string{"slots": `{ hostname = "web-%03d" }`}),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(fleetAddress, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(fleetAddress, instanceID(2), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(fleetAddress, tfjsonpath.New("instances").AtMapKey("3")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					fleetIs("instances", knownvalue.MapSizeExact(12)), first.AddStateValue(fleetAddress, instanceID(0)),
				},
			},
			{
				Config: w.sized(2, map[string]string{"slots": `{ hostname = "web-%03d" }`}),
				ConfigStateChecks: []statecheck.StateCheck{
					fleetIs("instances", knownvalue.MapSizeExact(2)), first.AddStateValue(fleetAddress, instanceID(0)),
				},
			},
			{Config: w.sized(0, map[string]string{"slots": `{ hostname = "web-%03d" }`})},
			{Config: w.sized(1, map[string]string{"slots": `{ hostname = "web-%03d" }`})},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A lost instance changes its own slot and no other.
func TestAccFleet_mends(t *testing.T) {
	w := newWorld(t, false)
	soon := map[string]string{"health": `{ grace_period = "0s" }`}
	for _, fate := range []string{"terminated", "stopped", "impaired"} {
		t.Run(fate, func(t *testing.T) {
			same, other := statecheck.CompareValue(compare.ValuesSame()), statecheck.CompareValue(compare.ValuesDiffer())
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{
					{
						Config: w.sized(3, soon),
						ConfigStateChecks: []statecheck.StateCheck{
							same.AddStateValue(fleetAddress, instanceID(0)), other.AddStateValue(fleetAddress, instanceID(1)),
						},
						Check: func(s *terraform.State) error {
							id := s.RootModule().Resources[fleetAddress].Primary.Attributes["instances.1.instance_id"]
							return w.Lab.SetState(id, fate)
						},
						ExpectNonEmptyPlan: true,
					},
					{
						Config: w.sized(3, soon),
						ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
							plancheck.ExpectKnownValue(fleetAddress, instanceID(0), knownvalue.NotNull()),
							plancheck.ExpectUnknownValue(fleetAddress, instanceID(1)),
							plancheck.ExpectKnownValue(fleetAddress, instanceID(2), knownvalue.NotNull()),
						}},
						ConfigStateChecks: []statecheck.StateCheck{
							same.AddStateValue(fleetAddress, instanceID(0)), other.AddStateValue(fleetAddress, instanceID(1)),
						},
					},
				},
				CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
			})
		})
	}
}

// A new image rolls the fleet; tags are changed on the running instances.
func TestAccFleet_rollsAndChangesInPlace(t *testing.T) {
	w := newWorld(t, false)
	same, other := statecheck.CompareValue(compare.ValuesSame()), statecheck.CompareValue(compare.ValuesDiffer())
	newer := map[string]string{"image_id": fmt.Sprintf("%q", w.baseImage(1))}
	tagged := map[string]string{"image_id": newer["image_id"], "tags": `{ App = "web" }`}
	special := map[string]string{"image_id": newer["image_id"], "tags": `{ App = "web" }`, "slots": `{ overrides = { "1" = { environment = { ROLE = "leader" } } } }`}
	more := map[string]string{"image_id": newer["image_id"], "tags": `{ App = "web" }`, "slots": `{ overrides = { "1" = { environment = { ROLE = "follower" } } } }`}
	specialSame, specialOther := statecheck.CompareValue(compare.ValuesSame()), statecheck.CompareValue(compare.ValuesDiffer())
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(3, nil), ConfigStateChecks: []statecheck.StateCheck{other.AddStateValue(fleetAddress, instanceID(0))}},
			{
				Config: w.sized(3, newer),
				ConfigStateChecks: []statecheck.StateCheck{
					other.AddStateValue(fleetAddress, instanceID(0)), same.AddStateValue(fleetAddress, instanceID(0)),
					fleetIs("generation", knownvalue.Int64Exact(2)),
					fleetIs("image_id", knownvalue.StringExact(w.baseImage(1))),
				},
			},
			{
				Config: w.sized(3, tagged),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(fleetAddress, instanceID(0), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{same.AddStateValue(fleetAddress, instanceID(0))},
			},
			{
				Config: w.sized(3, special),
				ConfigStateChecks: []statecheck.StateCheck{
					specialSame.AddStateValue(fleetAddress, instanceID(0)), specialOther.AddStateValue(fleetAddress, instanceID(1)),
				},
			},
			{
				Config: w.sized(3, more),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(fleetAddress, instanceID(0), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(fleetAddress, instanceID(1)),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					specialSame.AddStateValue(fleetAddress, instanceID(0)), specialOther.AddStateValue(fleetAddress, instanceID(1)),
				},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// The keys are known in the first plan, so for_each works on them;
// an update makes unknown only what it changes.
func TestAccFleet_forEachOverInstances(t *testing.T) {
	w := newWorld(t, false)
	each := `
resource "terraform_data" "each" {
  for_each = stamp_fleet.web.instances
  input    = each.value.private_ip
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(100, nil) + each, ConfigStateChecks: []statecheck.StateCheck{eachHasAddress(1)}},
			{
				Config: w.sized(101, nil) + each,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(fmt.Sprintf("terraform_data.each[%q]", "99"), plancheck.ResourceActionNoop),
					plancheck.ExpectResourceAction(fmt.Sprintf("terraform_data.each[%q]", "100"), plancheck.ResourceActionCreate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{eachHasAddress(100)},
			},
			{Config: w.sized(101, nil)}, // the test library cannot end with for_each in state
		},
	})
}

func eachHasAddress(slot int) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(fmt.Sprintf("terraform_data.each[%q]", fmt.Sprint(slot)), tfjsonpath.New("output"), knownvalue.NotNull())
}

// A name is used once in a configuration, and a fleet can be imported.
func TestAccFleet_secondOwnerAndImport(t *testing.T) {
	w := newWorld(t, false)
	second := fmt.Sprintf(`
resource "stamp_fleet" "second" {
  name           = stamp_fleet.web.name
  image_id       = %q
  size           = 1
  instance_types = ["t3.micro"]
  depends_on     = [stamp_fleet.web]
}
`, w.baseImage(0))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.sized(2, nil)},
			{
				Config:      w.sized(2, nil) + second,
				ExpectError: regexp.MustCompile(loose(`Two of the name web.*Each needs a name of its own there`)),
			},
			{
				// The second one is not in state: nothing is destroyed on its behalf.
				Config:           w.sized(2, nil),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{
				Config:                               w.sized(2, nil),
				ResourceName:                         fleetAddress,
				ImportState:                          true,
				ImportStateId:                        "web",
				ImportStateVerify:                    true,
				ImportStateVerifyIgnore:              []string{"timeouts"},
				ImportStateVerifyIdentifierAttribute: "name",
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// Budgets of a fleet of 1,000: at most 8 requests for a plan of it unchanged. A terraform
// apply creates it with 20, of which 12 are the engine's, which has a budget of its own; here
// the test's own plans come to that, and each look at whether a busy machine is ready.
func TestAccFleet_requestsOfAThousand(t *testing.T) {
	w := newWorld(t, false)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config:    w.sized(1000, map[string]string{"slots": `{ hostname = "web-%04d" }`}),
				PreConfig: w.Lab.ResetBooks,
				PostApplyFunc: func() {
					made := w.requests()
					t.Logf("created 1,000 with %d requests: %v", total(made), made)
					if looks := made["DescribeInstanceStatus"]; total(made)-looks > 25 {
						t.Errorf("creating 1,000 took %d requests beside %d looks, want at most 25: %v", total(made)-looks, looks, made)
					}
				},
			},
			{
				PreConfig: w.Lab.ResetBooks,
				Config:    w.sized(1000, map[string]string{"slots": `{ hostname = "web-%04d" }`}),
				PlanOnly:  true,
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
