package image

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What goes with a line is counted, with those who run from it; what cannot be counted is said.
func TestGoing(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		if got := Going(t.Context(), b.Region, b.in, Line{}); got != "" {
			t.Errorf("of a line without versions goes %q", got)
		}
		b.apply(handedOut(nil))
		line := b.apply(handedOut(func(s *Spec) { s.Bake.Steps[1].Script = "other" })).Line
		says := func(parts ...string) {
			t.Helper()
			got := Going(t.Context(), b.Region, b.in, line.Remember().Recall(b.state))
			for _, part := range parts {
				if !strings.Contains(got, part) {
					t.Errorf("%q is not in %q", part, got)
				}
			}
		}
		says("2 versions of it (1, 2), with copies in eu-central-1, eu-west-1", "No instance of this account runs from them")
		launch := cloud.Launch{MinCount: 2, MaxCount: 2, InstanceType: "t3.small", ImageID: line.Versions[1].ImageID, ClientToken: "users"}
		if _, err := b.Region.RunInstances(t.Context(), launch); err != nil {
			t.Fatal(err)
		}
		b.Order(lab.FailCall{Region: "eu-west-1", Times: -1, Code: "AuthFailure"})
		says("2 instances of this account were launched from them (2 in us-east-1)", "those that the same apply does not end run on", "How many run in eu-west-1 could not be read")
	})
}
