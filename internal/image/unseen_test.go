package image

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// hasty stops the apply at its first launch or its capture: with the answer, or before it
// has come.
type hasty struct {
	*cloud.Region
	stop            context.CancelFunc
	capture, answer bool
}

func (h hasty) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	launched, err := h.Region.RunInstances(ctx, launch)
	if h.capture {
		return launched, err
	}
	h.stop()
	if !h.answer {
		return nil, ctx.Err()
	}
	return launched, err
}

func (h hasty) CreateImage(ctx context.Context, capture cloud.Capture) (string, error) {
	id, err := h.Region.CreateImage(ctx, capture)
	h.stop()
	if !h.answer {
		return "", ctx.Err()
	}
	return id, err
}

// A create that is stopped at a launch or at its capture has things that EC2 does not show
// yet. They are in the state, and go with it, or the next create has them: never nobody.
func TestApply_stoppedBeforeItsWorkIsSeen(t *testing.T) {
	for _, stopped := range []hasty{{}, {answer: true}, {capture: true}, {capture: true, answer: true}} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("capture %t, answer %t, seed %d", stopped.capture, stopped.answer, seed), func(t *testing.T) {
				inWeather(t, "aws", seed, func(t *testing.T, b *bakery) {
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					stopped := stopped
					stopped.Region, stopped.stop = b.Region, stop
					options := b.options()
					result, err := Apply(ctx, stopped, script("a"), options)
					if err == nil {
						t.Fatal("an apply that was stopped reports success")
					}
					if !result.Line.Empty() {
						if _, err := Destroy(t.Context(), b.Region, result.Owner, Removal{In: b.in}); err != nil {
							t.Fatal(err)
						}
					}
					b.apply(script("a"))
					if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
						t.Fatal(err)
					}
					<-time.After(10 * time.Minute)
					if left := b.Lab.Books().Leftovers; len(left) > 0 {
						t.Errorf("left over: %v", left)
					}
				})
			})
		}
	}
}

// blind is stopped at its first look at images, and sees nothing later either.
type blind struct {
	*cloud.Region
	stop context.CancelFunc
}

func (b blind) Images(_ context.Context, _ cloud.ImageQuery) ([]cloud.Image, error) {
	b.stop()
	return nil, context.Canceled
}

// A create that has taken over from a dead one and is stopped before it has read anything
// leaves the lease to the next one: nobody else would know of what the dead one has made.
func TestApply_stoppedBeforeItHasReadWhatItTakesOver(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dies := hasty{Region: b.Region, stop: func() { b.DieAt(1, false, cancel) }, answer: true}
		options := b.options()
		if _, err := Apply(ctx, dies, script("a"), options); err == nil {
			t.Fatal("a create that was killed reports success")
		}
		b.Restart()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		result, err := Apply(ctx, blind{b.Region, stop}, script("a"), options)
		if err == nil || !result.Line.Empty() {
			t.Fatalf("got %+v, %v, want a create that was stopped before it had read anything", result, err)
		}
		b.apply(script("a"))
		b.only(1)
		b.destroy()
	})
}
