package lab

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestWildcard_isARegularExpression holds the matcher against regexp, on a small
// alphabet so that matches happen.
func TestWildcard_isARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		form := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got, want := wildcard([]rune(pattern), []rune(text)), form.MatchString(text); got != want {
			t.Fatalf("wildcard(%q, %q) = %t, want %t", pattern, text, got, want)
		}
	})
}

func TestWildcard_escapes(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{`a\*`, "a*", true}, {`a\*`, "ab", false}, {`a\?b`, "a?b", true}, {`*\*`, "x*", true}, {`a\`, "a", false}, {"caf?", "café", true},
	} {
		if got := wildcard([]rune(test.pattern), []rune(test.text)); got != test.want {
			t.Errorf("wildcard(%q, %q) = %t", test.pattern, test.text, got)
		}
	}
}

func TestDecode_readsTheTree(t *testing.T) {
	form := url.Values{
		"Name": {"x"}, "Count": {"3"}, "On": {"true"}, "Blob": {"aGk="},
		"Filter.2.Name": {"b"}, "Filter.1.Name": {"a"}, "Filter.1.Value.10": {"z"}, "Filter.1.Value.9": {"y"},
	}
	type input struct {
		Name   string
		Count  *int
		On     *bool
		Blob   []byte
		Filter []filterParam
	}
	var got input
	if err := parameterTree(form).decode(reflect.ValueOf(&got)); err != nil {
		t.Fatal(err)
	}
	three, yes := 3, true
	want := input{
		Name: "x", Count: &three, On: &yes, Blob: []byte("hi"),
		Filter: []filterParam{{Name: "a", Value: []string{"y", "z"}}, {Name: "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecode_refusals(t *testing.T) {
	type input struct {
		Count  int
		On     bool
		Blob   []byte
		Filter []filterParam
		pageParams
	}
	for name, want := range map[string]string{
		"Colour": "UnknownParameter", "Filter.x": "UnknownParameter", "Filter.1.Colour": "UnknownParameter",
		"Count.1": "UnknownParameter", "Count": "InvalidParameterValue", "On": "InvalidParameterValue",
		"Filter.01.Name": "UnknownParameter", "Filter.+1.Name": "UnknownParameter", "Filter.-1.Name": "UnknownParameter",
		"Filter": "UnknownParameter", "Filter.1": "UnknownParameter", "Blob.1": "UnknownParameter",
		"pageParams.NextToken": "UnknownParameter", "pageParams": "UnknownParameter",
	} {
		err := parameterTree(url.Values{name: {"red"}}).decode(reflect.ValueOf(&input{}))
		if err == nil || err.code != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestClock_runsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(60)
		begun := c.now()
		<-time.After(time.Minute)
		if got := c.now().Sub(begun); got != time.Hour {
			t.Errorf("a minute took %s of the lab's time, want an hour", got)
		}
	})
}

func TestAgenda_keepsTheOrder(t *testing.T) {
	var a agenda
	var done []string
	begin := time.Unix(0, 0)
	note := func(what string) func(time.Time) { return func(time.Time) { done = append(done, what) } }
	a.add(begin.Add(2), note("third"))
	a.add(begin.Add(1), func(at time.Time) { note("first")(at); a.add(at, note("second")) })
	a.add(begin.Add(5), note("not yet"))
	a.settle(begin.Add(4))
	if diff := cmp.Diff([]string{"first", "second", "third"}, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestZoneIDPrefix(t *testing.T) {
	for region, want := range map[string]string{"us-east-1": "use1", "eu-central-1": "euc1", "ap-southeast-2": "apse2", "ap-northeast-1": "apne1"} {
		if got := zoneIDPrefix(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
