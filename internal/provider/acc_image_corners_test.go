package provider_test

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
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
func (w *world) ownImage(volumes ...cloud.Volume) string {
	w.t.Helper()
	id, err := w.region().CreateImage(w.t.Context(), cloud.Capture{InstanceID: w.launched(w.baseImage(0), volumes...), Name: "own"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// launched is an instance of the image.
func (w *world) launched(imageID string, volumes ...cloud.Volume) string {
	w.t.Helper()
	made, err := w.region().RunInstances(w.t.Context(), cloud.Launch{
		ImageID: imageID, InstanceType: "t3.small", MinCount: 1, MaxCount: 1, Volumes: volumes,
	})
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
				// The plan has shown what goes; what is kept, since it is used, is back in the next one.
				Config: from(own, one),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					imagePlan("versions", knownvalue.ListSizeExact(1)),
				}},
			},
			{
				RefreshState:      true,
				RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				Check:             resource.TestCheckResourceAttr(imageAddress, "versions.#", "2"),
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

// A create that has failed and kept its builder is tainted. Where the new object is created
// before the old one is destroyed, as the lifecycle of whatever uses the image demands, both
// are of one line: the destroy leaves what the create has made.
func TestAccGoldenImage_taintedAndCreatedBeforeDestroyed(t *testing.T) {
	needCLI(t)
	var fails atomic.Int64
	fails.Store(9)
	w := &world{t: t, Server: labtest.Start(t, lab.Options{Guests: rehearsal.Inside{
		Each: time.Millisecond, Fails: func(guests.Spec, string, string) int { return int(fails.Load()) },
	}.Host()})}
	config := w.config(strings.TrimSuffix(imageConfig(nil), "}\n") + `
  on_failure = "keep"
  lifecycle {
    create_before_destroy = true
  }
}
`)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config, ExpectError: regexp.MustCompile(loose(`Version 1 of golden image web was not baked.*keeps running, and is billed`))},
			{
				PreConfig: func() { fails.Store(0) },
				Config:    config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(imageAddress, plancheck.ResourceActionCreateBeforeDestroy),
				}},
				Check: func(*terraform.State) error { w.imageNamed("web-v1-*"); return nil },
			},
		},
		CheckDestroy: func(*terraform.State) error { w.noLeftovers(); return nil },
	})
}

// What is baked on an encrypted source is encrypted, whatever capture says: it is refused
// before the bake what would fail after it. What the source says of sizes is looked at
// before each bake, not the first alone.
func TestAccGoldenImage_sourceIsLookedAt(t *testing.T) {
	w := playedWorld(t)
	encrypted := w.ownImage(cloud.Volume{DeviceName: "/dev/xvda", Encrypted: new(true)})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: w.config(imageConfig(map[string]string{
					"source": `{ image_id = "` + encrypted + `" }`, "distribute": `{ public = true }`,
				})),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(loose(`An encrypted image cannot be public.*distribute.public.*` + encrypted)),
			},
			{Config: w.config(imageConfig(nil))},
			{
				Config:      w.config(imageConfig(map[string]string{"bake": `{ root_volume = { size = 1 } }`})),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(loose(`The root volume is too small.*bake.root_volume.size`)),
			},
		},
	})
}

// between is what happens while somebody reads a plan before it is applied.
type between func()

// CheckPlan lets it happen.
func (b between) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	b()
}

// The source moves on while a plan waits for its apply: what was planned is made, and the
// next plan has the newer source.
func TestAccGoldenImage_sourceMovesAfterThePlan(t *testing.T) {
	w := playedWorld(t)
	before, after := w.baseImage(1), w.baseImage(0)
	if err := w.region().CreateImageParameter(t.Context(), "/base", before, "", nil); err != nil {
		t.Fatal(err)
	}
	config := func(script string) string {
		return w.config(imageConfig(map[string]string{
			"source": `{ ssm_parameter = "/base" }`, "bake": `{ steps = [{ name = "one", script = "` + script + `" }] }`,
		}))
	}
	moves := between(func() {
		if err := w.region().SetImageParameter(t.Context(), "/base", after); err != nil {
			t.Fatal(err)
		}
	})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{Config: config("true")},
			{
				Config:             config("exit"),
				ConfigPlanChecks:   resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{moves}},
				ConfigStateChecks:  []statecheck.StateCheck{imageIs("source_image_id", knownvalue.StringExact(before))},
				ExpectNonEmptyPlan: true,
			},
			{
				Config:            config("exit"),
				ConfigStateChecks: []statecheck.StateCheck{imageIs("source_image_id", knownvalue.StringExact(after))},
			},
		},
	})
}
