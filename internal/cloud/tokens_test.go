package cloud

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestToken_staysTheSame: an apply may be begun with one release and ended with the
// next.
func TestToken_staysTheSame(t *testing.T) {
	const want = "stamp-6d434c157d1f20037b28e55eba3f1e66ddf492d1468aa1e5f67a0087"
	if got := Token("fleet", "web", "1"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestToken_fits(t *testing.T) {
	form := regexp.MustCompile(`^stamp-[0-9a-f]{56}$`)
	rapid.Check(t, func(t *rapid.T) {
		if got := Token(rapid.SliceOf(rapid.String()).Draw(t, "parts")...); !form.MatchString(got) || len(got) > 64 {
			t.Fatalf("%q is not a client token of ours", got)
		}
	})
}

func TestToken_tellsApart(t *testing.T) {
	parts := rapid.SliceOf(rapid.StringMatching(`[ab]{0,2}`))
	rapid.Check(t, func(t *rapid.T) {
		one, other := parts.Draw(t, "one"), parts.Draw(t, "other")
		if same := slices.Equal(one, other); same != (Token(one...) == Token(other...)) {
			t.Fatalf("%q and %q: equal parts %t, equal tokens %t", one, other, same, !same)
		}
	})
}

func TestTags(t *testing.T) {
	all := Tags{"Name": "web", TagFleet: "web", "aws:autoscaling:groupName": "x"}
	if diff := cmp.Diff(Tags{"Name": "web"}, all.UserTags()); diff != "" {
		t.Errorf("user tags (-want +got):\n%s", diff)
	}
	own := Tags{"a": "1", "b": "1"}
	if diff := cmp.Diff(Tags{"a": "1", "b": "2", "c": "2"}, own.With(Tags{"b": "2", "c": "2"})); diff != "" {
		t.Errorf("merged tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Tags{"a": "1", "b": "1"}, own); diff != "" {
		t.Errorf("merging has changed the tags (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(Tags{"a": "1"}, Tags(nil).With(Tags{"a": "1"})); diff != "" {
		t.Errorf("merged with none (-want +got):\n%s", diff)
	}
	if !Owned(TagSlots) || Owned("Name") {
		t.Error("ownership is told by the prefix stamp:")
	}
}
