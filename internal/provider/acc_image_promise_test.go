package provider_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

func withStep(script string, replaced map[string]string) string {
	parts := map[string]string{"bake": `{ steps = [{ name = "one", script = "` + script + `" }] }`}
	for name, value := range replaced {
		parts[name] = value
	}
	return imageConfig(parts)
}

func kept(number int64) knownvalue.Check {
	return knownvalue.ObjectPartial(map[string]knownvalue.Check{
		"version": knownvalue.Int64Exact(number), "image_id": knownvalue.NotNull(), "baked_at": knownvalue.NotNull(),
	})
}

// A plan says what it knows: what a source decides is as the source has it, and the versions
// that are kept are not shown as if they went.
func TestAccGoldenImage_planSaysWhatIsKnown(t *testing.T) {
	w := playedWorld(t)
	fresh := knownvalue.ObjectPartial(map[string]knownvalue.Check{"version": knownvalue.Int64Exact(2)})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.config(withStep("true", map[string]string{"source": `{ image_id = "` + w.baseImage(0) + `" }`})),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("architecture", knownvalue.StringExact("x86_64")),
					imagePlan("root_device_name", knownvalue.StringExact("/dev/xvda")),
					imagePlan("image_name", knownvalue.StringRegexp(regexp.MustCompile(`^web-v1-[0-9a-f]{8}$`))),
				}},
			},
			{
				Config: w.config(withStep("exit", map[string]string{"source": `{ image_id = "` + w.baseImage(0) + `" }`})),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("architecture", knownvalue.StringExact("x86_64")),
					imagePlan("root_device_name", knownvalue.StringExact("/dev/xvda")),
					imagePlan("versions", knownvalue.ListExact([]knownvalue.Check{fresh, kept(1)})),
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("versions").AtSliceIndex(0).AtMapKey("image_id")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{imageIs("versions", knownvalue.ListExact([]knownvalue.Check{kept(2), kept(1)}))},
			},
			{
				Config: w.config(withStep("true", map[string]string{"source": `{ image_id = "` + w.baseImage(0) + `" }`})),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("versions", knownvalue.ListExact([]knownvalue.Check{kept(2), kept(1)})),
				}},
			},
			{
				// What is beyond retain_versions goes, and nothing else.
				Config: w.config(withStep("exit 0", map[string]string{"source": `{ image_id = "` + w.baseImage(0) + `" }`})),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("versions", knownvalue.ListExact([]knownvalue.Check{knownvalue.NotNull(), kept(1)})),
				}},
				ConfigStateChecks: []statecheck.StateCheck{imageIs("versions", knownvalue.ListExact([]knownvalue.Check{kept(3), kept(1)}))},
			},
		},
	})
}

// Terraform hides what a plan leaves as it was. A second version for the reason of the first, like
// every further release of the same files, says in its plan why all the same.
func TestAccGoldenImage_sameReasonAgain(t *testing.T) {
	w := playedWorld(t)
	release := func(script, reason string) resource.TestStep {
		return resource.TestStep{
			Config:            w.config(withStep(script, map[string]string{"source": `{ image_id = "` + w.baseImage(0) + `" }`})),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{imagePlan("bake_reason", knownvalue.StringExact(reason))}},
			ConfigStateChecks: []statecheck.StateCheck{imageIs("bake_reason", knownvalue.StringExact(reason))},
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			release("true", "first version"),
			release("true 2", "step one changed"),
			release("true 3", "again: step one changed"),
			release("true 4", "step one changed"),
		},
	})
}

// The source of a first create moves on while its plan waits: the newer one is baked on.
func TestAccGoldenImage_sourceMovesBeforeTheCreate(t *testing.T) {
	w := playedWorld(t)
	before, after := w.baseImage(1), w.baseImage(0)
	if err := w.region().CreateImageParameter(t.Context(), "/base", before, "", nil); err != nil {
		t.Fatal(err)
	}
	moves := func(to string) between {
		return func() {
			if err := w.region().SetImageParameter(t.Context(), "/base", to); err != nil {
				t.Fatal(err)
			}
		}
	}
	edited := map[string]string{"source": `{ lookup = { owners = ["amazon"], name = "al2023-ami-2023*", architecture = "x86_64" } }`}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config:            w.config(withStep("true", map[string]string{"source": `{ ssm_parameter = "/base" }`})),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{moves(after)}},
				ConfigStateChecks: []statecheck.StateCheck{imageIs("source_image_id", knownvalue.StringExact(after))},
			},
			{
				Config: w.config(withStep("exit", edited)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("source_image_id")),
					imagePlan("architecture", knownvalue.StringExact("x86_64")),
				}},
			},
		},
	})
}

// A version becomes too old while the plan of another change waits: that change is made, and
// the bake is for the next plan.
func TestAccGoldenImage_tooOldAfterThePlan(t *testing.T) {
	w := playedWorld(t)
	start := time.Now()
	late := start
	clock := provider.WithClock(func() time.Time { return late })
	config := func(description string) string {
		return w.config(imageConfig(map[string]string{"refresh": `{ max_age = "720h" }`, "description": description}))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(clock),
		Steps: []resource.TestStep{
			{Config: config(`"one"`)},
			{
				Config:             config(`"two"`),
				ConfigPlanChecks:   resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{between(func() { late = start.Add(721 * time.Hour) })}},
				ConfigStateChecks:  []statecheck.StateCheck{imageIs("version", knownvalue.Int64Exact(1)), imageIs("description", knownvalue.StringExact("two"))},
				ExpectNonEmptyPlan: true,
			},
			{
				Config:             config(`"two"`),
				ConfigStateChecks:  []statecheck.StateCheck{imageIs("version", knownvalue.Int64Exact(2))},
				ExpectNonEmptyPlan: true, // by that clock, what was baked just now is as old
			},
		},
	})
}

// A kept version is deregistered while a plan waits: what does not need it is made, and going
// back to it ends in an error that says so.
func TestAccGoldenImage_keptVersionGoesAfterThePlan(t *testing.T) {
	w := playedWorld(t)
	three := map[string]string{"capture": `{ retain_versions = 3 }`}
	described := map[string]string{"capture": `{ retain_versions = 3 }`, "description": `"other"`}
	gone := func(name string) between {
		return func() {
			if err := w.region().DeregisterImage(t.Context(), w.imageNamed(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(withStep("true", three))},
			{Config: w.config(withStep("exit", three))},
			{Config: w.config(withStep("exit 0", three))},
			{
				Config:           w.config(withStep("exit 0", described)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{gone("web-v1-*")}},
			},
			{RefreshState: true, Check: resource.TestCheckResourceAttr(imageAddress, "versions.#", "2")},
			{
				Config:           w.config(withStep("exit", described)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{gone("web-v2-*")}},
				ExpectError:      regexp.MustCompile(loose(`Golden image web was not changed.*have changed since the plan was made: version 2 \(ami-[0-9a-f]+\).*bake version 4`)),
			},
		},
	})
}
