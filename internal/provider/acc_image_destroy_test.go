package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What an image was baked from may be gone, or have become what cannot be baked on: that keeps
// nobody from a plan of what stays as it is, and from destroying it.
func TestAccGoldenImage_goesWithoutItsSource(t *testing.T) {
	w := playedWorld(t)
	large := w.ownImage(cloud.Volume{DeviceName: "/dev/xvda", Size: 30})
	for name, spoil := range map[string]func() error{
		"the parameter is gone":   func() error { return w.region().DeleteParameter(t.Context(), "/base") },
		"the source has outgrown": func() error { return w.region().SetImageParameter(t.Context(), "/base", large) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := w.region().CreateImageParameter(t.Context(), "/base", w.baseImage(0), "", nil); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.region().DeleteParameter(t.Context(), "/base") }()
			parts := map[string]string{"source": `{ ssm_parameter = "/base" }`, "bake": `{ root_volume = { size = 20 } }`}
			config := w.config(imageConfig(parts))
			parts["distribute"] = `{ regions = { "eu-west-1" = {} } }`
			further := w.config(imageConfig(parts))
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{
					{Config: config},
					{
						PreConfig: func() {
							if err := spoil(); err != nil {
								t.Fatal(err)
							}
						},
						Config: config, PlanOnly: true,
					},
					{ // and it is handed out to where it was not before
						Config: further,
						ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
							plancheck.ExpectUnknownValue(imageAddress, tfjsonpath.New("image_ids").AtMapKey("eu-west-1")),
						}},
						ConfigStateChecks: []statecheck.StateCheck{imageIs("image_ids", knownvalue.MapSizeExact(2))},
					},
				},
				CheckDestroy: func(*terraform.State) error {
					if images, err := w.region().Images(t.Context(), cloud.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": {"web-*"}}}); err != nil || len(images) > 0 {
						t.Errorf("after the destroy there are %v, %v", images, err)
					}
					return nil
				},
			})
		})
	}
}

// Somebody has pointed the line's SSM parameter to an image of others. It is not written over, and
// an apply says so; but that keeps nobody from a plan, and from destroying the image.
func TestAccGoldenImage_goesWithoutItsParameter(t *testing.T) {
	w := playedWorld(t)
	config := w.config(imageConfig(map[string]string{"distribute": `{ ssm_parameter = "/golden/web" }`}))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					if err := w.region().SetImageParameter(t.Context(), "/golden/web", w.baseImage(0)); err != nil {
						t.Fatal(err)
					}
				},
				Config: config, PlanOnly: true, ExpectNonEmptyPlan: true,
			},
			{Config: config, ExpectError: regexp.MustCompile(loose(`SSM parameter /golden/web is in us-east-1 already`))},
		},
		CheckDestroy: func(*terraform.State) error {
			if value, err := w.region().Parameter(t.Context(), "/golden/web"); err != nil || value != w.baseImage(0) {
				t.Errorf("after the destroy the parameter that others have taken holds %q, %v", value, err)
			}
			if images, err := w.region().Images(t.Context(), cloud.ImageQuery{Owners: []string{"self"}}); err != nil || len(images) > 0 {
				t.Errorf("after the destroy there are %v, %v", images, err)
			}
			return nil
		},
	})
}

// Credentials that may destroy need not read what was baked from, or whom it was shared with.
func TestAccGoldenImage_goesWithFewPermissions(t *testing.T) {
	w := playedWorld(t)
	config := w.config(imageConfig(map[string]string{"distribute": `{ account_ids = ["111122223333"] }`}))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: func() {
					for _, action := range []string{"GetParameter", "GetParameters", "DescribeImageAttribute", "DescribeInstanceTypes", "DescribeRegions"} {
						if _, err := w.Lab.Order(lab.FailCall{Action: action, Times: -1, Code: "UnauthorizedOperation"}); err != nil {
							t.Fatal(err)
						}
					}
				},
				Config: config, PlanOnly: true,
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// A region that is known no sooner than in the apply, and is another one then, is an error that
// says so, and changes nothing.
func TestAccGoldenImage_regionIsKnownLate(t *testing.T) {
	w := playedWorld(t)
	config := func(region string) string {
		return w.config(`resource "terraform_data" "region" { input = "` + region + `" }` + "\n" +
			imageConfig(map[string]string{"region": `terraform_data.region.output`}))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config("us-east-1")},
			{Config: config("eu-west-1"), ExpectError: regexp.MustCompile(loose(`Another region.*golden image web is in us-east-1.*Run terraform plan again`))},
			{Config: config("eu-west-1")}, // now it is known
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
