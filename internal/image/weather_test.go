package image

import (
	"fmt"
	"testing"
	"time"
)

// In weather as on AWS, and in storms, a version gets everywhere; what a storm stops is
// finished by a later apply, and nothing is left in the end.
func TestApply_inWeather(t *testing.T) {
	for _, weather := range []string{"aws", "storm"} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s %d", weather, seed), func(t *testing.T) {
				inWeather(t, weather, seed, func(t *testing.T, b *bakery) {
					first, second := handedOut(nil), handedOut(func(s *Spec) { s.Bake.Steps = nil })
					first.Distribute.Parameter, second.Distribute.Parameter = "/golden/web", "/golden/web"
					for _, spec := range []Spec{first, second, first} {
						b.persist(spec)
					}
					timer := time.NewTimer(time.Hour) // until all ids are visible, or gone, everywhere
					<-timer.C
					line := b.observed()
					if line.Current().Number != 1 || len(line.Current().Copies) != 2 || b.holds("/golden/web") != line.Current().ImageID {
						t.Fatalf("the line is %+v", line)
					}
					if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
						if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
							t.Fatal(err)
						}
					}
					if left := b.Lab.Books().Leftovers; len(left) > 0 {
						t.Errorf("after the destroy there is still %v", left)
					}
				})
			})
		}
	}
}

// persist applies until it works.
func (b *bakery) persist(spec Spec) {
	b.t.Helper()
	for range 5 {
		_, err := b.try(spec)
		if err == nil {
			return
		}
		b.t.Log(err)
	}
	b.t.Fatal("five applies were not enough")
}
