package image

import (
	"context"
	"errors"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// The machine dies in the very first apply, at any request: no state knows of anything, and
// the next apply creates the line all the same, out of what is there.
func TestCreate_deadAnywhere(t *testing.T) {
	spec := specOf(func(s *Spec) { s.Distribute.Parameter = "/golden/web" })
	total := 0
	inBakery(t, func(t *testing.T, b *bakery) {
		options := b.options()
		options.Create = true
		total = b.Interrupt(rehearsal.Cut{}, func(ctx context.Context) {
			if _, err := Apply(ctx, b.Region, spec, options); err != nil {
				t.Fatal(err)
			}
		})
	})
	for name, cut := range map[string]rehearsal.Cut{"before": {Dead: true}, "after": {After: true, Dead: true}} {
		t.Run(name, func(t *testing.T) {
			for over := false; !over; {
				if cut.Request++; cut.Request < total-15 { // what comes after the promotion is looked at closely
					cut.Request += rehearsal.Stride() - 1
				}
				inBakery(t, func(t *testing.T, b *bakery) {
					options := b.options()
					options.Create, options.Planned = true, &Planned{Version: 1}
					made := b.Interrupt(cut, func(ctx context.Context) {
						_, err := Apply(ctx, b.Region, spec, options)
						over = err == nil
					})
					if over || made < cut.Request {
						over = true
						return
					}
					result, err := Apply(t.Context(), b.Region, spec, options)
					if errors.Is(err, ErrExists) && cut.After && cut.Request == total {
						return // it had come through, but for the answer to its last request
					}
					if err != nil {
						t.Fatalf("cut at request %d: %v", cut.Request, err)
					}
					if got := result.Line.Current(); got.Number != 1 || got.Tags[cloud.TagCreating] != "" {
						t.Errorf("cut at request %d: version %d is current, with the tags %v", cut.Request, got.Number, got.Tags)
					}
					b.only(1)
					if _, err := Apply(t.Context(), b.Region, spec, options); err == nil {
						t.Errorf("cut at request %d: another create of the same name went through", cut.Request)
					}
					b.destroy("web")
				})
			}
			if cut.Request < 10 {
				t.Errorf("only %d requests were cut", cut.Request)
			}
		})
	}
}

// A create that fails, and lives to say so, is in state: what it has made current is no
// remainder that another configuration may take.
func TestCreate_thatFailsIsNobodyElses(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := specOf(func(s *Spec) {
			s.Distribute.Regions = map[string]string{"eu-west-1": "arn:aws:kms:us-east-1:123456789012:key/no"}
		})
		options := b.options()
		options.Create = true
		result, err := Apply(t.Context(), b.Region, spec, options)
		if err == nil || result.Line.Current() == nil || result.Line.Current().Tags[cloud.TagCreating] != "" {
			t.Fatalf("want a first version that is current and failed to be copied, have %v, %v", result.Line, err)
		}
		if _, err := Apply(t.Context(), b.Region, specOf(nil), options); err == nil {
			t.Error("another create went through")
		}
		b.destroy("web")
	})
}
