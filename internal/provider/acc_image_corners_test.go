package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// playedWorld is a lab whose guests are played: nothing runs in them, and so nobody waits.
func playedWorld(t testing.TB) *world {
	t.Helper()
	needCLI(t)
	return &world{Server: labtest.Start(t, lab.Options{Guests: rehearsal.Inside{Each: time.Millisecond}.Host()}), t: t}
}

// ownImage captures an image of a base image, as a source of one's own.
func (w *world) ownImage() string {
	w.t.Helper()
	id, err := w.region().CreateImage(w.t.Context(), cloud.Capture{InstanceID: w.launched(w.baseImage(0)), Name: "own"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// launched is an instance of the image.
func (w *world) launched(imageID string) string {
	w.t.Helper()
	made, err := w.region().RunInstances(w.t.Context(), cloud.Launch{ImageID: imageID, InstanceType: "t3.small", MinCount: 1, MaxCount: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	return made[0].ID
}

// imageNamed is the one image of the account with such a name.
func (w *world) imageNamed(name string) string {
	w.t.Helper()
	images, err := w.region().Images(w.t.Context(), cloud.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": {name}}})
	if err != nil || len(images) != 1 {
		w.t.Fatalf("%d images %s, %v", len(images), name, err)
	}
	return images[0].ID
}

// Going back to a kept version needs nothing of its source, which its owner may have
// removed long ago. A version that was kept because it was in use goes with the next change
// of the image, whatever that is.
func TestAccGoldenImage_goneSourceAndLateRemoval(t *testing.T) {
	w := playedWorld(t)
	own := w.ownImage()
	var user string
	from := func(source string, more map[string]string) string {
		parts := map[string]string{"source": `{ image_id = "` + source + `" }`}
		for name, value := range more {
			parts[name] = value
		}
		return w.config(imageConfig(parts))
	}
	one := map[string]string{"capture": `{ retain_versions = 1 }`}
	tagged := map[string]string{"capture": `{ retain_versions = 1 }`, "tags": `{ Team = "platform" }`}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: from(own, nil)},
			{Config: from(w.baseImage(0), nil)},
			{
				PreConfig: func() {
					user = w.launched(w.imageNamed("web-v2-*"))
					if err := w.region().DeregisterImage(t.Context(), own); err != nil {
						t.Fatal(err)
					}
				},
				Config: from(own, nil),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("version", knownvalue.Int64Exact(1)),
				}},
			},
			{
				Config:            from(own, one),
				ConfigStateChecks: []statecheck.StateCheck{imageIs("versions", knownvalue.ListSizeExact(2))},
			},
			{
				PreConfig: func() {
					if err := w.region().TerminateInstances(t.Context(), []string{user}); err != nil {
						t.Fatal(err)
					}
				},
				Config:            from(own, tagged),
				ConfigStateChecks: []statecheck.StateCheck{imageIs("versions", knownvalue.ListSizeExact(1))},
			},
		},
		CheckDestroy: func(*terraform.State) error { return nil },
	})
}
