package image

import (
	"errors"
	"strings"
	"testing"
)

// Whoever finds the name taken is told whose it is, and how to import it, before anything
// was made.
func TestApply_aNameThatIsTaken(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		b.apply(script("b"))
		options := b.options()
		options.Owner = nobody
		result, err := b.run(t.Context(), script("c"), options)
		if !errors.Is(err, ErrExists) || !result.Line.Empty() || result.Owner.ID != "" {
			t.Fatalf("got %v, %v and the owner %s", err, result.Line, result.Owner)
		}
		failure, _ := asFailure(err)
		golden(t, "a name that is taken", failureText(err))
		for _, want := range []string{`terraform import 'ADDRESS' "web@us-east-1"`, "import {\n  to = ADDRESS\n"} {
			if !strings.Contains(failure.Next, want) {
				t.Errorf("%q lacks %q", failure.Next, want)
			}
		}
		if !strings.Contains(failure.Subject, "versions 1 to 2 of owner "+b.state.ID) {
			t.Errorf("%q does not say what is there", failure.Subject)
		}
		b.only(2)
		b.destroy()
	})
}
