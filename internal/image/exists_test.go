package image

import (
	"errors"
	"strings"
	"testing"
)

// Whoever finds the line there already is told a command that works in any region, and the
// way out for those who have only been interrupted.
func TestApply_aLineThatIsThereAlready(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		options := b.options()
		options.Create = true
		result, err := Apply(t.Context(), b.Region, script("a"), options)
		if !errors.Is(err, ErrExists) || !result.Line.Empty() {
			t.Fatalf("got %v and %v", err, result.Line)
		}
		failure, _ := asFailure(err)
		for _, want := range []string{`terraform import stamp_golden_image.<name in your configuration> "web@us-east-1"`, "terraform untaint"} {
			if !strings.Contains(failure.Next, want) {
				t.Errorf("%q lacks %q", failure.Next, want)
			}
		}
		b.only(1)
		b.destroy("web")
	})
}
