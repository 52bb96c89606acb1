package image

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Deprecation, protection and description change in place, wherever the version is.
func TestApply_keepsImagesAsWanted(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := handedOut(func(s *Spec) { s.Capture.IMDSAsSource = true })
		first := b.apply(spec).Line.Current()
		spec.Capture = Capture{RetainVersions: 2, DeprecateAfter: 2160 * time.Hour, Protect: true}
		spec.Description, spec.Tags = "of the web", cloud.Tags{"Team": "platform"}
		result := b.apply(spec)
		if result.Plan.Action != Keep || result.Line.Current().ImageID != first.ImageID {
			t.Fatalf("the plan was %s", result.Plan)
		}
		want := result.Line.Current().BakedAt.Add(2160 * time.Hour).Round(time.Minute)
		for _, at := range result.Line.Current().places("us-east-1") {
			image := at.image
			if !image.DeprecatesAt.Equal(want) || !image.Protection.Enabled() || image.IMDSSupport != imdsRequired ||
				image.Description != "of the web" || image.Tags["Team"] != "platform" {
				t.Errorf("%s is %+v", at, image)
			}
		}
		if again := b.apply(spec); !again.Plan.Empty() {
			t.Errorf("the same again: %s", again.Plan)
		}
		spec.Capture = Capture{RetainVersions: 2}
		for _, at := range b.apply(spec).Line.Current().places("us-east-1") {
			if !at.image.DeprecatesAt.IsZero() || at.image.Protection.Enabled() {
				t.Errorf("%s is %+v", at, at.image)
			}
		}
		b.destroy()
	})
}

// The provider lifts its own protection when a version has to go; one with a cool-down
// that somebody has put on is said plainly, and waited for.
func TestApply_removesProtectedVersions(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		protected := func(text string) Spec {
			spec := script(text)
			spec.Capture = Capture{RetainVersions: 1, Protect: true}
			return spec
		}
		b.apply(protected("a"))
		b.apply(protected("b"))
		b.only(1)
		b.destroy()
	})
}

// What was unprotected by hand is protected again, and may have to go in the same apply.
func TestApply_removesWhatItHasJustProtected(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		protected := func(text string, retain int) Spec {
			return retaining(protecting(script(text)), retain)
		}
		first := b.apply(protected("a", 2)).Line.Current().ImageID
		b.apply(protected("b", 2))
		if err := b.Region.UnprotectImage(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		b.apply(protected("b", 1))
		b.only(1)
		b.destroy()
	})
}

// Protection that somebody else has put on is not lifted: a version is kept with a warning,
// and a destroy removes the rest, says so, and can be repeated.
func TestApply_leavesWhatOthersHaveProtected(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current().ImageID
		second := b.apply(script("b")).Line.Current().ImageID
		for _, id := range []string{first, second} {
			if err := b.Region.ProtectImage(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		// A configuration without protection would lift it in place, as its plan says.
		spec := retaining(protecting(script("b")), 1)
		result := b.apply(spec)
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Detail, "disable-image-deregistration-protection --region us-east-1 --image-id "+first) {
			t.Fatalf("want version 1 kept with a warning that says what to do, have %v", result.Warnings)
		}
		b.only(2)
		_, err := Destroy(t.Context(), b.Region, b.state, b.removal(spec))
		failure, ok := asFailure(err)
		if !ok || !strings.Contains(failure.Next, "lift the protection") {
			t.Fatalf("got %v", err)
		}
		b.only(2)
		for _, id := range []string{first, second} {
			if err := b.Region.UnprotectImage(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		b.destroy()
	})
}

func TestRemoveImage_withCooldown(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		current := b.apply(script("a")).Line.Current()
		image := current.image()
		image.Protection, image.Tags = "enabled-with-cooldown", image.Tags.With(cloud.Tags{cloud.TagProtection: protectedByUs})
		err := removeImage(t.Context(), b.Region, image)
		if waits, ok := errors.AsType[*ProtectedError](err); !ok || !strings.Contains(waits.Error(), "24 hours") {
			t.Errorf("got %v", err)
		}
	})
}

// Data volumes are part of the image; boot mode, TPM and ENA are as in the source.
func TestApply_volumesAndWhatTheSourceHas(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := specOf(func(s *Spec) {
			s.Bake.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 3, Type: "gp3"}}
			s.Capture.Encrypted, s.Capture.KMSKeyID = true, "alias/aws/ebs"
		})
		current := b.apply(spec).Line.Current()
		images, err := b.Region.Images(t.Context(), cloud.ImageQuery{IDs: []string{current.ImageID, current.SourceImageID}})
		if err != nil || len(images) != 2 {
			t.Fatal(images, err)
		}
		made, source := images[0], images[1]
		if made.ID != current.ImageID {
			made, source = source, made
		}
		if len(made.Volumes) != 2 || made.Volumes[1].DeviceName != "/dev/sdf" || made.Volumes[1].Size != 3 ||
			!made.Volumes[0].Encrypted || !made.Volumes[1].Encrypted || len(current.SnapshotIDs) != 2 {
			t.Errorf("the image's volumes are %+v", made.Volumes)
		}
		if made.BootMode != source.BootMode || made.TPMSupport != source.TPMSupport || made.ENASupport != source.ENASupport || made.BootMode == "" {
			t.Errorf("made %+v of %+v", made, source)
		}
		b.destroy()
	})
}

// All tags can be exchanged at once: old and new ones together would be more than EC2 takes.
func TestApply_exchangesManyTags(t *testing.T) {
	tagged := func(prefix string) Spec {
		return specOf(func(s *Spec) {
			s.Tags = cloud.Tags{}
			for i := range 30 {
				s.Tags[fmt.Sprint(prefix, i)] = "x"
			}
		})
	}
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(tagged("a"))
		spec := tagged("b")
		current := b.apply(spec).Line.Current()
		if got := current.Tags.UserTags(); !maps.Equal(got, spec.versionTags(current.ImageName)) {
			t.Errorf("its tags are %v", got)
		}
		b.destroy()
	})
}
