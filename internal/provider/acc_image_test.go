package provider_test

import (
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

const imageAddress = "stamp_golden_image.web"

// greeting is an image whose script writes a file and whose check reads it.
func greeting(text string, replaced map[string]string) string {
	parts := map[string]string{
		"bake": `{ steps = [
    { name = "file", upload = { content = "uploaded", destination = "/opt/upload.txt", mode = "0640" } },
    { name = "install", script = "#!/bin/sh\necho \"$GREETING\" > /etc/greeting", environment = { GREETING = "` + text + `" } },
  ] }`,
		"verify": `{ checks = [{ name = "greets", script = "grep Hello /etc/greeting || { cat /etc/greeting; exit 7; }" }] }`,
	}
	for name, value := range replaced {
		parts[name] = value
	}
	return imageConfig(parts)
}

func imageIs(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(imageAddress, tfjsonpath.New(name), value)
}

func imagePlan(name string, value knownvalue.Check) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(imageAddress, tfjsonpath.New(name), value)
}

// One line through its life: baked, changed in place, rebaked, failed, gone back,
// destroyed.
func TestAccGoldenImage_life(t *testing.T) {
	w := newWorld(t, true)
	sameImage := statecheck.CompareValue(compare.ValuesSame())
	otherImage := statecheck.CompareValue(compare.ValuesDiffer())
	imageID := tfjsonpath.New("image_id")
	update := plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionUpdate)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.config(greeting("Hello", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(imageAddress, imageID),
					imagePlan("version", knownvalue.Int64Exact(1)),
					imagePlan("bake_reason", knownvalue.StringExact("first version")),
					// The parameter may hold another image by the time of the apply.
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("source_image_id")),
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("image_name")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					imageIs("version", knownvalue.Int64Exact(1)),
					imageIs("region", knownvalue.StringExact("us-east-1")),
					imageIs("architecture", knownvalue.StringExact("x86_64")),
					imageIs("verified_at", knownvalue.NotNull()),
					imageIs("image_ids", knownvalue.MapSizeExact(1)),
					imageIs("versions", knownvalue.ListSizeExact(1)),
					sameImage.AddStateValue(imageAddress, imageID),
					otherImage.AddStateValue(imageAddress, imageID),
				},
			},
			{
				// The bake's place and the tags are changed without a bake.
				Config:           w.config(greeting("Hello", map[string]string{"tags": `{ Team = "platform" }`, "description": `"a greeting"`})),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{update}},
				ConfigStateChecks: []statecheck.StateCheck{
					sameImage.AddStateValue(imageAddress, imageID),
					imageIs("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"Team": knownvalue.StringExact("platform")})),
				},
			},
			{
				Config: w.config(greeting("Hello again", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					update,
					plancheck.ExpectUnknownValue(imageAddress, imageID),
					imagePlan("version", knownvalue.Int64Exact(2)),
					imagePlan("bake_reason", knownvalue.StringExact("step install changed")),
					imagePlan("source_image_id", knownvalue.StringRegexp(regexp.MustCompile(`^ami-`))),
					imagePlan("image_name", knownvalue.StringRegexp(regexp.MustCompile(`^web-v2-[0-9a-f]{8}$`))),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					imageIs("version", knownvalue.Int64Exact(2)),
					imageIs("versions", knownvalue.ListSizeExact(2)),
					otherImage.AddStateValue(imageAddress, imageID),
				},
			},
			{
				Config:      w.config(greeting("Goodbye", nil)),
				ExpectError: regexp.MustCompile(loose(`Version 3 of golden image web was not baked.*check "greets" failed: exit code 7.*Goodbye.*version 2 \(ami-[0-9a-f]+\) stays current`)),
			},
			{
				// The failed apply has changed nothing: the configuration of version 2 plans nothing.
				Config:   w.config(greeting("Hello again", nil)),
				PlanOnly: true,
			},
			{
				Config: w.config(greeting("Hello", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("version", knownvalue.Int64Exact(1)),
					imagePlan("bake_reason", knownvalue.StringRegexp(regexp.MustCompile(`version 1 has this content: promoted again`))),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					imageIs("version", knownvalue.Int64Exact(1)),
					sameImage.AddStateValue(imageAddress, imageID),
				},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// Going back to a kept version launches nothing and costs at most 8 requests.
func TestAccGoldenImage_revertBakesNothing(t *testing.T) {
	w := newWorld(t, true)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(greeting("Hello", nil))},
			{Config: w.config(greeting("Hello again", nil)), PostApplyFunc: w.Lab.ResetBooks},
			{
				Config: w.config(greeting("Hello", nil)),
				PostApplyFunc: func() {
					if made := w.requests(); made["RunInstances"] > 0 || made["CreateImage"] > 0 {
						t.Errorf("going back launched or captured something: %v", made)
					}
				},
			},
		},
	})
}

// Changed checks are run on a fresh instance of the current version; if they fail,
// the outputs stay.
func TestAccGoldenImage_changedChecksProveAgain(t *testing.T) {
	w := newWorld(t, true)
	checks := func(script string) string {
		return greeting("Hello", map[string]string{"verify": `{ checks = [{ name = "greets", script = "` + script + `" }] }`})
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(checks("test -s /etc/greeting")), PostApplyFunc: w.Lab.ResetBooks},
			{
				Config: w.config(checks("grep Hello /etc/greeting")),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("version", knownvalue.Int64Exact(1)),
					imagePlan("image_id", knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("verified_at")),
				}},
				PostApplyFunc: func() {
					if made := w.requests(); made["RunInstances"] != 1 || made["CreateImage"] != 0 {
						t.Errorf("want one proof and no capture, have %v", made)
					}
				},
			},
			{
				Config:      w.config(checks("grep Goodbye /etc/greeting")),
				ExpectError: regexp.MustCompile(loose(`Version 1 of golden image web was not verified.*check "greets".*version 1 \(ami-[0-9a-f]+\) stays current`)),
			},
			{Config: w.config(checks("grep Hello /etc/greeting")), PlanOnly: true},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A failed first bake leaves nothing behind, in AWS or in state.
func TestAccGoldenImage_failedFirstBakeLeavesNothing(t *testing.T) {
	w := newWorld(t, true)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.config(imageConfig(map[string]string{
					"bake": `{ steps = [{ name = "breaks", script = "echo oh no; exit 9" }] }`,
				})),
				ExpectError: regexp.MustCompile(loose(`Version 1 of golden image web was not baked.*step "breaks" failed: exit code 9.*oh no.*there is no version yet`)),
			},
			{
				Config: w.config(greeting("Hello", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionCreate),
				}},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A name is used once in a configuration, and a line can be imported.
func TestAccGoldenImage_secondOwnerAndImport(t *testing.T) {
	w := newWorld(t, true)
	second := `
resource "stamp_golden_image" "second" {
  name   = stamp_golden_image.web.name
  source = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(greeting("Hello", nil))},
			{
				Config:      w.config(greeting("Hello", nil) + second),
				ExpectError: regexp.MustCompile(loose(`Two of the name web.*Each needs a name of its own there`)),
			},
			{
				// The second one is not in state: nothing is destroyed on its behalf.
				Config:           w.config(greeting("Hello", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{
				Config:            w.config(greeting("Hello", nil)),
				ResourceName:      imageAddress,
				ImportState:       true,
				ImportStateId:     "web@us-east-1",
				ImportStateVerify: true,
				// Import knows the outputs; the recipe is in the configuration alone.
				ImportStateVerifyIgnore:              []string{"source", "bake", "verify", "capture", "refresh", "bake_reason", "timeouts"},
				ImportStateVerifyIdentifierAttribute: "name",
			},
		},
	})
}

// Removed behind Terraform's back, the line is planned anew.
func TestAccGoldenImage_disappears(t *testing.T) {
	w := newWorld(t, true)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(greeting("Hello", nil))},
			{
				PreConfig: func() { w.removeImages() },
				Config:    w.config(greeting("Hello", nil)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionUpdate),
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("image_id")),
				}},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
