package image

import (
	"context"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// A destroy that leaves the versions does not leave a builder running that nobody knows of
// any more. Where no version has come of it, there is nothing to leave.
func TestDestroy_keepsVersionsOnly(t *testing.T) {
	for name, before := range map[string]bool{"a rebake was interrupted": true, "the first bake was interrupted": false} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				images := 0
				if before {
					b.apply(script("a"))
					images = 1
				}
				options := b.options()
				for request := 1; len(b.instances("web")) == 0; request++ {
					b.Interrupt(rehearsal.Cut{Request: request, After: true, Dead: true}, func(ctx context.Context) {
						_, _ = Apply(ctx, b.Region, script("b"), options)
					})
				}
				if err := Destroy(t.Context(), b.Region, "web", Removal{In: b.in, KeepVersions: true}); err != nil {
					t.Fatal(err)
				}
				b.only(images)
				b.destroy("web")
			})
		})
	}
}

// What never came to a version has nothing to say about one that was made since.
func TestDestroy_leavesWhatIsTheSuccessors(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		if err := Destroy(t.Context(), b.Region, "web", Removal{In: b.in, Unproven: true}); err != nil {
			t.Fatal(err)
		}
		b.only(1)
		b.destroy("web")
	})
}
