package image

import (
	"context"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// launches is a region that writes down what is launched and captured.
type launches struct {
	AWS
	launched []cloud.Launch
	captured []cloud.Capture
}

func (l *launches) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	l.launched = append(l.launched, launch)
	return l.AWS.RunInstances(ctx, launch)
}

func (l *launches) CreateImage(ctx context.Context, capture cloud.Capture) (string, error) {
	l.captured = append(l.captured, capture)
	return l.AWS.CreateImage(ctx, capture)
}

// What is for builder and proof alone is on them, and not on the image: tags, options of the
// metadata service, and the builder's user data. A volume that is to stay does so in the image
// and not in the builder.
func TestBake_ofItsOwn(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := byCommands("a")
		spec.Bake.Tags = cloud.Tags{"CostCenter": "42"}
		spec.Bake.HopLimit, spec.Bake.InstanceTags = 2, "enabled"
		spec.Bake.UserData = "#!/bin/sh\ndnf -y install amazon-ssm-agent\n"
		spec.Bake.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 10}}
		spec.Bake.KeepOnTermination = []string{"/dev/sdf"}
		aws := &launches{AWS: b.Region}
		result, err := Apply(t.Context(), aws, spec, b.optionsFor(spec))
		if err != nil {
			t.Fatal(err)
		}
		b.state = result.Owner
		if len(aws.launched) != 2 {
			t.Fatalf("%d launches", len(aws.launched))
		}
		for i, launch := range aws.launched {
			if launch.Tags["CostCenter"] != "42" || launch.Metadata.HopLimit != 2 || launch.Metadata.InstanceTags != "enabled" {
				t.Errorf("%s has the tags %v and %+v", launch.Tags[cloud.TagRole], launch.Tags, launch.Metadata)
			}
			if given := string(launch.UserData); (given == spec.Bake.UserData) != (i == 0) {
				t.Errorf("%s has the user data %q", launch.Tags[cloud.TagRole], given)
			}
		}
		current := result.Line.Current()
		if _, tagged := current.Tags["CostCenter"]; tagged {
			t.Errorf("the image has the builder's tags: %v", current.Tags)
		}
		images, err := b.Region.Images(t.Context(), cloud.ImageQuery{IDs: []string{current.ImageID}})
		if err != nil || len(images) != 1 || len(images[0].Volumes) != 2 {
			t.Fatalf("%v, %+v", err, images)
		}
		for _, volume := range images[0].Volumes {
			if volume.Kept != (volume.DeviceName == "/dev/sdf") {
				t.Errorf("%s stays when an instance of the image ends: %t", volume.DeviceName, volume.Kept)
			}
		}
		b.destroy()
		if left := b.leftovers(); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

// User data and what stays of volumes are inside an image, so a change bakes; the rest of the
// builder's own does not. Without them, a fingerprint is what it was before there were any.
func TestRecipe_ofWhatIsTheBuildersOwn(t *testing.T) {
	plain := byCommands("a").Recipe("ami-1")
	for name, changes := range map[string]struct {
		change func(*Spec)
		bakes  bool
	}{
		"tags":      {func(s *Spec) { s.Bake.Tags = cloud.Tags{"a": "b"} }, false},
		"hop limit": {func(s *Spec) { s.Bake.HopLimit = 2 }, false},
		"user data": {func(s *Spec) { s.Bake.UserData = "#!/bin/sh\n" }, true},
		"kept":      {func(s *Spec) { s.Bake.KeepOnTermination = []string{"/dev/sdf"} }, true},
	} {
		spec := byCommands("a")
		changes.change(&spec)
		recipe := spec.Recipe("ami-1")
		if bakes := recipe.Fingerprint() != plain.Fingerprint(); bakes != changes.bakes || (recipe.Changes(plain) != "") != bakes {
			t.Errorf("%s: a new fingerprint: %t; the reason is %q", name, bakes, recipe.Changes(plain))
		}
	}
}

// Nobody has seen that a version works which has no checks.
func TestApply_withoutChecks(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := script("a")
		spec.Verify.Checks = nil
		if current := b.apply(spec).Line.Current(); !current.VerifiedAt.IsZero() {
			t.Errorf("it counts as verified at %s", current.VerifiedAt)
		}
		if plan := b.planned(spec); !plan.Empty() {
			t.Errorf("and then: %s", plan)
		}
		spec = script("a")
		result := b.apply(spec)
		if current := result.Line.Current(); current.VerifiedAt.IsZero() || result.Plan.Action != Prove {
			t.Errorf("with checks: %s, verified at %s", result.Plan, current.VerifiedAt)
		}
	})
}
