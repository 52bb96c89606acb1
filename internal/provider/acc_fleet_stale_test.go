package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

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
					plancheck.ExpectUnknownValue(fleetAddress, tfjsonpath.New("instances").AtMapKey("2")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{fleetIs("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"App": knownvalue.StringExact("web")}))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// later is a value that is known after apply, and known to be this then.
func later(name, value string) string {
	return fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input = %s\n}\n", name, value)
}

// Whatever is not known in the plan, the apply gives what was promised, and touches no
// more than it has to.
func TestAccFleet_unknownAnywhere(t *testing.T) {
	w := newWorld(t, false)
	const value = "terraform_data.late.output"
	tests := map[string]struct {
		// attribute is given a value that is known after apply.
		attribute, is string
		late          string
		// stays is set when it makes no instance unknown; otherwise slots from the first
		// one on are not known.
		stays bool
		first int
	}{
		"rollout.max_surge":        {"rollout", `{ max_surge = tostring(` + value + `) }`, `3`, true, 0},
		"rollout.strategy":         {"rollout", `{ strategy = ` + value + `, max_unavailable = "1" }`, `"replace_root_volume"`, true, 0},
		"health":                   {"health", `{ grace_period = ` + value + ` }`, `"4m"`, true, 0},
		"replace_unhealthy":        {"replace_unhealthy", value, `false`, true, 0},
		"slots.name_tags":          {"slots", `{ name_tags = ` + value + `, overrides = { "1" = {} } }`, `true`, true, 0},
		"an override's tags":       {"slots", `{ overrides = { "1" = { tags = { Role = ` + value + ` } } } }`, `"leader"`, true, 0},
		"an override":              {"slots", `{ overrides = { "1" = { environment = { ROLE = ` + value + ` } } } }`, `"leader"`, false, 1},
		"an override that is none": {"slots", `{ overrides = { "1" = ` + value + ` == "x" ? { environment = { A = "b" } } : null } }`, `"y"`, false, 1},
		"a hostname":               {"slots", `{ hostname = ` + value + ` }`, `"web-%d"`, false, 0},
		"user data":                {"user_data", value, `"#!/bin/sh\n"`, false, 0},
		"a volume's size":          {"volumes", `{ "/dev/sdf" = { size = ` + value + ` } }`, `1`, false, 0},
		"metadata":                 {"metadata_options", `{ http_put_response_hop_limit = ` + value + ` }`, `2`, true, 0},
		"image":                    {"image_id", value, fmt.Sprintf("%q", w.baseImage(1)), false, 0},
		"the same image":           {"image_id", value, fmt.Sprintf("%q", w.baseImage(0)), false, 0},
		"region, the same":         {"region", value, `"us-east-1"`, true, 0},
		"timeouts":                 {"timeouts", `{ update = ` + value + ` }`, `"40m"`, true, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			check := plancheck.ExpectUnknownValue(fleetAddress, instanceID(1))
			if test.stays {
				check = plancheck.ExpectKnownValue(fleetAddress, instanceID(1), knownvalue.NotNull())
			}
			checks := []plancheck.PlanCheck{check}
			if test.first == 1 {
				checks = append(checks, plancheck.ExpectKnownValue(fleetAddress, instanceID(0), knownvalue.NotNull()))
			}
			config := w.sized(2, map[string]string{test.attribute: test.is}) + later("late", test.late)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{
					{Config: w.sized(2, map[string]string{"slots": slotsOfTest(test.attribute)})},
					{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: checks}},
					{Config: config, PlanOnly: true},
				},
				CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
			})
		})
	}
}

// slotsOfTest gives the fleet slots from the start where slots are what changes: without,
// all instances are replaced.
func slotsOfTest(attribute string) string {
	if attribute == "slots" {
		return `{}`
	}
	return ""
}

// Tags that other people's tools write on single instances stay there, and plan nothing,
// with ignore_changes as without; a tag of the configuration that one has lost comes back.
func TestAccFleet_foreignTags(t *testing.T) {
	for name, lifecycle := range map[string]string{"watched": "", "ignored": "lifecycle { ignore_changes = [tags] }"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, false)
			config := strings.Replace(w.sized(2, map[string]string{"tags": `{ App = "web" }`}), `name = "web"`, `name = "web"`+"\n"+lifecycle, 1)
			empty := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{
					{Config: config},
					{
						PreConfig:        func() { w.tagEach("LastBackup") },
						Config:           config,
						ConfigPlanChecks: empty,
					},
					{
						PreConfig:         func() { w.untagOne("App") },
						Config:            config,
						ConfigStateChecks: []statecheck.StateCheck{fleetIs("tags", knownvalue.MapExact(map[string]knownvalue.Check{"App": knownvalue.StringExact("web")}))},
						Check:             func(*terraform.State) error { return w.allHave(2, "App", "LastBackup") },
					},
					{Config: config, ConfigPlanChecks: empty},
				},
				CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
			})
		})
	}
}

// A region that only the apply comes to know, and that is another one, is refused in words
// of ours; the next plan shows the replacement.
func TestAccFleet_regionKnownLate(t *testing.T) {
	w := newWorld(t, false)
	in := func(region string) string {
		return w.sized(1, map[string]string{"region": "terraform_data.late.output"}) + later("late", fmt.Sprintf("%q", region))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: in("us-east-1")},
			{Config: in("eu-west-1"), ExpectError: regexp.MustCompile(loose(`Fleet web cannot move within this apply.*Nothing of it was changed`))},
			{Config: in("us-east-1")},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
