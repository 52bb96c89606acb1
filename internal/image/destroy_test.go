package image

import (
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
				for request := 1; len(b.instances()) == 0; request++ {
					b.cut(rehearsal.Cut{Request: request, After: true, Dead: before}, script("b"), options)
				}
				if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, KeepVersions: true}); err != nil {
					t.Fatal(err)
				}
				b.only(images)
				b.destroy()
			})
		})
	}
}
