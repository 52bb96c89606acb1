package image

import (
	"errors"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

const (
	ownerID = "123456789012"
	otherID = "111122223333"
)

// abroad is what the line looks like from the account that it is shared with: the
// numbers that there are, the current one first, by region; empty without any.
func abroad(b *bakery, query Query) map[string][]int {
	b.t.Helper()
	query.Name, query.Owner = "web", ownerID
	seen := map[string][]int{}
	for _, region := range []string{"us-east-1", "eu-central-1", "eu-west-1"} {
		versions, err := Find(b.t.Context(), b.Abroad(otherID, region), query)
		if err != nil && !errorIs[*NotPublishedError](err) {
			b.t.Fatal(err)
		}
		for _, version := range versions {
			seen[region] = append(seen[region], version.Number)
		}
	}
	return seen
}

// The account that a line is shared with sees what the line's owner has decided, no
// more and no less, in every region.
func TestForeign_seesWhatIsShared(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		everywhere := func(what string, want ...int) {
			t.Helper()
			for region, got := range abroad(b, Query{}) {
				if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
					t.Errorf("%s, %s: the other account sees %v, want %v", what, region, got, want)
				}
			}
			if got := len(abroad(b, Query{})); len(want) > 0 && got != 3 {
				t.Errorf("%s: it is seen in %d regions", what, got)
			}
		}
		private := func(s *Spec) { s.Distribute.Permissions = cloud.Permissions{} }
		newer := func(s *Spec) { s.Bake.Steps = nil }

		b.apply(handedOut(private))
		everywhere("not shared")
		b.apply(handedOut(nil))
		everywhere("shared", 1)
		line := b.apply(handedOut(newer)).Line
		everywhere("a second version", 2, 1)
		if got := abroad(b, Query{Version: 1}); len(got) != 3 || got["eu-west-1"][0] != 1 {
			t.Errorf("version 1: %v", got)
		}

		given := cloud.Permissions{AccountIDs: []string{otherID}}
		if err := b.In("eu-west-1").ChangeImagePermissions(t.Context(), line.Current().Copies["eu-west-1"].ID, cloud.Permissions{}, given); err != nil {
			t.Fatal(err)
		}
		if got := abroad(b, Query{})["eu-west-1"]; len(got) != 1 || got[0] != 1 {
			t.Errorf("with the copy of version 2 taken away by hand it sees %v", got)
		}
		b.apply(handedOut(newer))
		everywhere("mended", 2, 1)
		b.apply(handedOut(func(s *Spec) { newer(s); private(s) }))
		everywhere("taken off the list")
		b.destroy()
	})
}

// A tag that the other account's people put on a shared image is theirs alone, and says
// nothing of the line.
func TestPublished_withTagsOfTheReaders(t *testing.T) {
	images := []cloud.Image{{ID: "ami-9", Name: "web-v9-0123abcd", OwnerID: ownerID, Tags: cloud.Tags{"CostCenter": "7"}}}
	if found, err := published(Query{Name: "web", Owner: ownerID}, "us-east-1", images); err != nil || len(found) != 1 || found[0].Number != 9 {
		t.Errorf("found %+v, %v", found, err)
	}
	if found, err := published(Query{Name: "web"}, "us-east-1", images); err != nil || len(found) != 0 {
		t.Errorf("an image of one's own that is not the line's: %+v", found)
	}
}

// Where nothing is shared, the words say who is not let in and what the owner can do.
func TestFind_saysWhyAForeignerSeesNothing(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		_, err := Find(t.Context(), stage.Abroad(otherID, ""), Query{Name: "web", Owner: ownerID})
		missing, ok := errors.AsType[*NotPublishedError](err)
		if !ok {
			t.Fatal(err)
		}
		missing.Caller = otherID
		for _, want := range []string{"golden image web of account " + ownerID, "account " + otherID, "us-east-1", "distribute.account_ids", "distribute.regions"} {
			if !strings.Contains(missing.Error(), want) {
				t.Errorf("%q does not say %q", missing, want)
			}
		}
	})
}
