package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// The builder's own user data runs before the first step; a volume of the image may stay when
// its instances end; without checks nobody says that a version was verified.
func TestAccGoldenImage_builder(t *testing.T) {
	w := newWorld(t, true)
	config := func(transport string) string {
		return w.config(imageConfig(map[string]string{"bake": `{
    ` + transport + `
    user_data        = "#!/bin/sh\nmkdir /opt/agent\n"
    tags             = { CostCenter = "42" }
    metadata_options = { http_put_response_hop_limit = 2 }
    volumes          = { "/dev/sdf" = { size = 10, delete_on_termination = false } }
    steps            = [{ name = "app", script = "test -d /opt/agent" }]
  }`, "verify": "null"}))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config:      config(""),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(loose(`bake\.user_data.*needs the transport ssm|needs the transport ssm.*user_data`)),
			},
			{
				Config: config(`transport = "ssm"
    iam_instance_profile = "bake"`),
				ConfigStateChecks: []statecheck.StateCheck{imageIs("version", knownvalue.Int64Exact(1)), imageIs("verified_at", knownvalue.Null())},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
