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

// foreignID is an account that images are shared with.
const foreignID = "222233334444"

// abroad is a second provider, in the foreign account by a role there, with what uses
// the owner's image in it. Its own view of the image comes after the owner's changes.
// It is no alias, but a provider of another name: all of a name are one server in the
// test framework, which knows one configuration at a time.
func (w *world) abroad() string {
	return fmt.Sprintf(`
provider "stampabroad" {
  region     = "us-east-1"
  access_key = "lab"
  secret_key = "lab"
  assume_role {
    role_arn = "arn:aws:iam::%[1]s:role/deploy"
  }
  endpoints {
    ec2   = %[2]q
    elbv2 = %[2]q
    s3    = %[2]q
    ssm   = %[2]q
    sts   = %[2]q
  }
}

data "stamp_golden_image" "abroad" {
  provider   = stampabroad
  name       = "web"
  owner      = "123456789012"
  depends_on = [stamp_golden_image.web]
}

resource "stamp_fleet" "web" {
  provider       = stampabroad
  name           = "web"
  image_id       = data.stamp_golden_image.abroad.image_id
  size           = 2
  instance_types = ["t3.micro"]
}
`, foreignID, w.URL)
}

// inForeignAccount counts what is in the foreign account, by type.
func (w *world) inForeignAccount() map[string]int {
	counts := map[string]int{}
	for _, left := range w.Lab.Books().Leftovers {
		if left.Account == foreignID {
			counts[left.Type]++
		}
	}
	return counts
}

// Baked in one account, found and stamped in another one; taken off the list, missed
// there in words that help, while what runs goes on; and put on the list again.
func TestAccGoldenImage_inAnotherAccount(t *testing.T) {
	const there = "data.stamp_golden_image.abroad"
	w := newWorld(t, true)
	shared := w.config(greeting("Hello", map[string]string{"distribute": `{ account_ids = ["` + foreignID + `"] }`}))
	private := w.config(greeting("Hello", nil))
	both := factories()
	both["stampabroad"] = factories()["stamp"]
	same := statecheck.CompareValue(compare.ValuesSame())
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: both,
		Steps: []resource.TestStep{
			{
				Config: shared + w.abroad(),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.CompareValuePairs(imageAddress, tfjsonpath.New("image_id"), there, tfjsonpath.New("image_id"), compare.ValuesSame()),
					statecheck.CompareValuePairs(imageAddress, tfjsonpath.New("image_name"), there, tfjsonpath.New("image_name"), compare.ValuesSame()),
					statecheck.ExpectKnownValue(there, tfjsonpath.New("version"), knownvalue.Int64Exact(1)),
					statecheck.ExpectKnownValue(there, tfjsonpath.New("versions"), knownvalue.ListSizeExact(1)),
					statecheck.ExpectKnownValue(there, tfjsonpath.New("fingerprint"), knownvalue.Null()),
					fleetIs("ready_size", knownvalue.Int64Exact(2)),
					same.AddStateValue(fleetAddress, instanceID(1)),
				},
				Check: func(*terraform.State) error {
					if got := w.inForeignAccount(); got["instance"] != 2 || got["image"] != 0 {
						return fmt.Errorf("in the foreign account there are %v, want 2 instances and no image", got)
					}
					return nil
				},
			},
			{
				Config: private + w.abroad(),
				ExpectError: regexp.MustCompile(loose(`There is no golden image web to use.*golden image web of account 123456789012 has no version in us-east-1 ` +
					`that is shared with account ` + foreignID + ` and not deprecated.*distribute.account_ids`)),
			},
			{
				Config: shared + w.abroad(),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					fleetIs("ready_size", knownvalue.Int64Exact(2)), fleetIs("generation", knownvalue.Int64Exact(1)),
					same.AddStateValue(fleetAddress, instanceID(1)),
				},
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}
