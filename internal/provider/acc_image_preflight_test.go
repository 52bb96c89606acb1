package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// What AWS would refuse after a bake, or an apply could not mean, is refused in the plan, at
// its attribute.
func TestAccGoldenImage_refusedInThePlan(t *testing.T) {
	w := playedWorld(t)
	encrypted := w.ownImage(cloud.Volume{DeviceName: "/dev/xvda", Encrypted: new(true)})
	for name, test := range map[string]struct {
		parts map[string]string
		want  string
	}{
		"description":        {map[string]string{"description": `"web — nginx"`}, `Not ASCII.*description: EC2 takes ASCII alone.*U\+2014`},
		"region not enabled": {map[string]string{"distribute": `{ regions = { "ap-east-1" = {} } }`}, `not enabled.*distribute.regions\["ap-east-1"\]: Account [0-9]+ may not use ap-east-1`},
		"public, blocked":    {map[string]string{"distribute": `{ public = true }`}, `The account blocks public images.*distribute.public: Block public access for AMIs is on.*no permission is missing`},
		"bake on another architecture": {
			map[string]string{"bake": `{ instance_types = ["t3.small", "t4g.small"] }`},
			`does not fit the source.*bake.instance_types\[1\]: t4g.small runs arm64, and the source image ami-[0-9a-f]+ is for x86_64`,
		},
		"proof on another architecture": {
			map[string]string{"verify": `{ instance_types = ["t4g.small"] }`}, `does not fit the source.*verify.instance_types\[0\]`,
		},
		"shared under the source's key": {
			map[string]string{"source": `{ image_id = "` + encrypted + `" }`, "distribute": `{ account_ids = ["111122223333"] }`},
			`Shared under a key that is not named.*capture.kms_key_id: The source image ` + encrypted + ` is encrypted.*Set capture.encrypted = true`,
		},
		"null region":  {map[string]string{"distribute": `{ regions = { "eu-west-1" = null } }`}, `Null element.*distribute.regions\["eu-west-1"\]`},
		"null volume":  {map[string]string{"bake": `{ volumes = { "/dev/sdf" = null } }`}, `Null element.*bake.volumes\["/dev/sdf"\]`},
		"null step":    {map[string]string{"bake": `{ steps = [null] }`}, `Null element.*bake.steps\[0\]`},
		"null check":   {map[string]string{"verify": `{ checks = [null] }`}, `Null element.*verify.checks\[0\]`},
		"null subnet":  {map[string]string{"bake": `{ subnet_ids = [null] }`}, `Null element.*bake.subnet_ids\[0\]`},
		"null group":   {map[string]string{"bake": `{ vpc_security_group_ids = [null] }`}, `Null element.*bake.vpc_security_group_ids`},
		"null account": {map[string]string{"distribute": `{ account_ids = [null] }`}, `Null element.*distribute.account_ids`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(),
				Steps: []resource.TestStep{{
					Config: w.config(imageConfig(test.parts)), PlanOnly: true, ExpectError: regexp.MustCompile(loose(test.want)),
				}},
			})
		})
	}
}

// Modules pass empty lists and maps on: they are as if they were not there.
func TestAccGoldenImage_emptyIsNotSet(t *testing.T) {
	w := playedWorld(t)
	empty := map[string]string{
		"bake": `{
    instance_types = [], subnet_ids = [], vpc_security_group_ids = [], volumes = {}, root_volume = {}, clean_up = {},
    steps = [{ name = "one", script = "true", environment = {}, exit_codes = [] }]
  }`,
		"verify":     `{ checks = [], instance_types = [] }`,
		"capture":    `{}`,
		"distribute": `{ regions = {}, account_ids = [], organization_arns = [], organizational_unit_arns = [] }`,
		"refresh":    `{ triggers = {} }`,
		"tags":       `{}`,
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: w.config(imageConfig(empty))},
			{Config: w.config(imageConfig(empty)), PlanOnly: true},
		},
	})
}

// A question that a plan asks in advance is asked where something is new, and not of an image
// that stays as it is.
func TestAccGoldenImage_asksOnceInAdvance(t *testing.T) {
	w := playedWorld(t)
	config := w.config(imageConfig(map[string]string{
		"bake": `{ instance_types = ["t3.small"] }`, "distribute": `{ regions = { "eu-west-1" = {} } }`,
	}))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig: w.Lab.ResetBooks,
				Config:    config, PlanOnly: true,
			},
		},
	})
	for _, action := range []string{"DescribeRegions", "DescribeInstanceTypes"} {
		if made := w.requests()[action]; made > 0 {
			t.Errorf("%d × %s for an image that stays as it is", made, action)
		}
	}
}
