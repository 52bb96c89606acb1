package provider_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// in is another region, looked at beside Terraform.
func (w *world) in(name string) *cloud.Region {
	w.t.Helper()
	account, _, err := cloud.New(w.t.Context(), cloud.Config{
		Region: name, AccessKey: "lab", SecretKey: "lab",
		Endpoints: map[string]string{"ec2": w.URL, "ssm": w.URL, "sts": w.URL},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	region, err := account.Region("")
	if err != nil {
		w.t.Fatal(err)
	}
	return region
}

// meddle lets a stranger launch the account's images in a region, by hand.
func (w *world) meddle(name string) {
	w.t.Helper()
	region := w.in(name)
	images, err := region.Images(w.t.Context(), cloud.ImageQuery{Owners: []string{"self"}})
	if err != nil || len(images) == 0 {
		w.t.Fatal(images, err)
	}
	for _, image := range images {
		err := region.ChangeImagePermissions(w.t.Context(), image.ID, cloud.Permissions{AccountIDs: []string{"999988887777"}}, cloud.Permissions{})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// planCost fails when a refresh and a plan together have cost more requests.
type planCost struct {
	w    *world
	most int
}

// CheckPlan counts what was asked since the last reset.
func (c planCost) CheckPlan(_ context.Context, _ plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	if made := c.w.requests(); total(made) > c.most {
		resp.Error = fmt.Errorf("%d requests, want at most %d: %v", total(made), c.most, made)
	}
}

// Handed out to other regions, an account and a parameter; meddled with and mended;
// taken back.
func TestAccGoldenImage_handedOut(t *testing.T) {
	w := newWorld(t, true)
	sameImage := statecheck.CompareValue(compare.ValuesSame())
	there := tfjsonpath.New("image_ids").AtMapKey("eu-west-1")
	update := plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionUpdate)
	full := `{ regions = { "eu-west-1" = {}, "eu-central-1" = {} }, account_ids = ["111122223333"], ssm_parameter = "/golden/web" }`
	found := `
data "stamp_golden_image" "there" {
  name   = stamp_golden_image.web.name
  region = "eu-west-1"
  depends_on = [stamp_golden_image.web]
}
`
	handedOut := func(distribute string) string {
		return greeting("Hello", map[string]string{"distribute": distribute, "capture": `{ deregistration_protection = true, deprecate_after = "2160h" }`})
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.config(handedOut(full) + found),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectUnknownValue(imageAddress, there),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					imageIs("image_ids", knownvalue.MapSizeExact(3)),
					statecheck.CompareValuePairs(imageAddress, there, "data.stamp_golden_image.there", tfjsonpath.New("image_id"), compare.ValuesSame()),
					statecheck.ExpectKnownValue("data.stamp_golden_image.there", tfjsonpath.New("version"), knownvalue.Int64Exact(1)),
					sameImage.AddStateValue(imageAddress, tfjsonpath.New("image_id")),
				},
			},
			{
				PreConfig: func() { w.meddle("eu-central-1") },
				Config:    w.config(handedOut(full)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					update,
					imagePlan("image_ids", knownvalue.MapSizeExact(3)),
					plancheck.ExpectKnownValue(imageAddress, there, knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					sameImage.AddStateValue(imageAddress, tfjsonpath.New("image_id")),
				},
			},
			{
				// A plan of what is as wanted: two requests for each region, one for the parameter.
				PreConfig:        w.Lab.ResetBooks,
				Config:           w.config(handedOut(full)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan(), planCost{w, 2*(2+4+1) + 1}}},
			},
			{
				Config:            w.config(handedOut(`null`)),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{update}},
				ConfigStateChecks: []statecheck.StateCheck{imageIs("image_ids", knownvalue.MapSizeExact(1))},
			},
			{
				// Without further regions: the source, the line and its permissions, on top of the refresh.
				PreConfig:        w.Lab.ResetBooks,
				Config:           w.config(handedOut(`null`)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan(), planCost{w, 2 + 4}}},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A region that fails lets the apply fail; what came through is in state, and the next
// apply does only what is missing.
func TestAccGoldenImage_oneRegionFails(t *testing.T) {
	w := newWorld(t, true)
	elsewhere := func(key string) string {
		return greeting("Hello", map[string]string{"distribute": `{ regions = { "eu-west-1" = {}, "eu-west-3" = { kms_key_id = ` + key + ` } } }`})
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(greeting("Hello", nil))},
			{
				Config:      w.config(elsewhere(`"arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"`)),
				ExpectError: regexp.MustCompile(loose(`golden image web was not handed out everywhere.*no copy in eu-west-3.*version 1 is in ami-[0-9a-f]+ \(us-east-1\), ami-[0-9a-f]+ \(eu-west-1\)`)),
			},
			{
				Config: w.config(elsewhere(`null`)),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(imageAddress, tfjsonpath.New("image_ids").AtMapKey("eu-west-1"), knownvalue.NotNull()),
					plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("image_ids").AtMapKey("eu-west-3")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{imageIs("image_ids", knownvalue.MapSizeExact(3))},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// Too old by the clock, a version is planned anew; a pin holds on to it.
func TestAccGoldenImage_maxAgeAndPin(t *testing.T) {
	w := newWorld(t, true)
	var later time.Duration
	clock := provider.WithClock(func() time.Time { return time.Now().Add(later) })
	refreshed := func(refresh string) string { return w.config(greeting("Hello", map[string]string{"refresh": refresh})) }
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(clock),
		Steps: []resource.TestStep{
			{Config: refreshed(`{ max_age = "720h", triggers = { release = "1" } }`)},
			{
				PreConfig:          func() { later = 721 * time.Hour },
				Config:             refreshed(`{ max_age = "720h", triggers = { release = "1" } }`),
				PlanOnly:           true,
				ExpectNonEmptyPlan: true,
				ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{
					imagePlan("version", knownvalue.Int64Exact(2)),
					imagePlan("bake_reason", knownvalue.StringExact("older than 720h")),
				}},
			},
			{
				Config: refreshed(`{ max_age = "720h", triggers = { release = "2" }, pin_version = 1 }`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("version", knownvalue.Int64Exact(1)),
				}},
			},
			{
				Config:      refreshed(`{ pin_version = 9 }`),
				ExpectError: regexp.MustCompile(loose(`The version to hold on to is not kept.*version 9 is not kept; kept are 1`)),
			},
			{
				Config:             refreshed(`{ triggers = { release = "2" } }`),
				PlanOnly:           true,
				ExpectNonEmptyPlan: true,
				ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{
					imagePlan("bake_reason", knownvalue.StringExact("trigger release changed")),
				}},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A destroy that skips leaves the images; imported again, the same configuration plans
// no bake.
func TestAccGoldenImage_importPlansNoBake(t *testing.T) {
	importing := func(t *testing.T, block string, versions ...tfversion.TerraformVersionCheck) {
		w := newWorld(t, true)
		sameImage := statecheck.CompareValue(compare.ValuesSame())
		imageID := tfjsonpath.New("image_id")
		parts := map[string]string{"distribute": `{ account_ids = ["111122223333"] }`}
		skipping := map[string]string{"distribute": parts["distribute"], "skip_destroy": "true"}
		resource.UnitTest(t, resource.TestCase{
			ProtoV6ProviderFactories: factories(),
			TerraformVersionChecks:   versions,
			Steps: []resource.TestStep{
				{Config: w.config(greeting("Hello", skipping)), ConfigStateChecks: []statecheck.StateCheck{sameImage.AddStateValue(imageAddress, imageID)}},
				{Config: w.config("")},
				{
					PreConfig: w.Lab.ResetBooks,
					Config:    w.config(greeting("Hello", parts) + block),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
						imagePlan("version", knownvalue.Int64Exact(1)),
						imagePlan("image_id", knownvalue.NotNull()),
					}},
					ConfigStateChecks: []statecheck.StateCheck{sameImage.AddStateValue(imageAddress, imageID)},
				},
			},
			CheckDestroy: func(*terraform.State) error {
				w.noLeftovers()
				if made := w.requests(); made["RunInstances"]+made["CreateImage"] > 0 {
					return errors.New("the import has baked")
				}
				return nil
			},
		})
	}
	t.Run("by name", func(t *testing.T) {
		importing(t, "import {\n  to = stamp_golden_image.web\n  id = \"web\"\n}\n")
	})
	t.Run("by identity", func(t *testing.T) {
		importing(t, "import {\n  to = stamp_golden_image.web\n  identity = { name = \"web\", region = \"us-east-1\" }\n}\n",
			tfversion.SkipBelow(tfversion.Version1_12_0))
	})
}
