package image

import (
	"errors"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Who uses a line finds its current version, also after it went back, and also where it
// is copied to.
func TestFind_ownLine(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		back := handedOut(nil)
		b.apply(back)
		b.apply(handedOut(func(s *Spec) { s.Bake.Steps = nil }))
		current := b.apply(back).Line.Current()
		for region, want := range current.ImageIDs("us-east-1", []string{"eu-central-1", "eu-west-1"}) {
			found, err := Find(t.Context(), b.In(region), Query{Name: "web"})
			if err != nil || found[0].ImageID != want || found[0].Number != 1 || len(found) != 2 {
				t.Errorf("in %s: %v, %+v, want %s", region, err, found, want)
			}
			if older, err := Find(t.Context(), b.In(region), Query{Name: "web", Version: 2}); err != nil || older[0].Number != 2 {
				t.Errorf("version 2 in %s: %v, %+v", region, err, older)
			}
		}
		_, err := Find(t.Context(), b.Region, Query{Name: "web", Version: 9})
		if missing, ok := errors.AsType[*NotPublishedError](err); !ok || len(missing.Seen) != 2 {
			t.Errorf("version 9: %v", err)
		}
		if _, err := Find(t.Context(), b.Region, Query{Name: "we"}); !errorIs[*NotPublishedError](err) {
			t.Errorf("a line that is none: %v", err)
		}
	})
}

// Of another account there is nothing but names.
func TestPublished_foreign(t *testing.T) {
	images := []cloud.Image{
		{ID: "ami-9", Name: "web-v9-0123abcd"},
		{ID: "ami-10", Name: "web-v10-0123abcd"},
		{ID: "ami-a", Name: "web-v11-0123abcd-mine"},
		{ID: "ami-b", Name: "web-v2-v12-0123abcd"},
	}
	found, err := published(Query{Name: "web", Owner: ownerID}, "us-east-1", images)
	if err != nil || len(found) != 2 || found[0].ImageID != "ami-10" || found[0].Number != 10 || found[1].Number != 9 {
		t.Errorf("found %+v, %v", found, err)
	}
	// Whoever may make images in that account can give one any name.
	images = append(images, cloud.Image{ID: "ami-x", Name: "web-v9-ffffffff"})
	_, err = published(Query{Name: "web", Owner: ownerID}, "us-east-1", images)
	if ambiguous, ok := errors.AsType[*AmbiguousError](err); !ok || ambiguous.Number != 9 || len(ambiguous.Images) != 2 {
		t.Errorf("two images are version 9: %v", err)
	}
}
