package lab

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// every has a field of each form that the actions' inputs have.
type every struct {
	Name   string
	Count  *int
	On     *bool
	Share  *float64
	Blob   []byte
	IDs    []string
	Filter []filterParam
	Deep   *struct {
		Deeper []struct{ Deepest *metadataParam }
	}
	metadataParam
	pageParams
}

// FuzzDecode holds the query decoder to three things: it never panics, it refuses
// with an error of AWS's, and what it takes says the same when it is read again in
// another order.
func FuzzDecode(f *testing.F) {
	for _, form := range []string{
		"Name=x&Count=3&On=true&Blob=aGk%3D&Share=0.5&IDs.1=a&IDs.2=b&MaxResults=5&HttpTokens=required",
		"Filter.2.Name=b&Filter.1.Name=a&Filter.1.Value.10=z&Filter.1.Value.9=y",
		"Deep.Deeper.1.Deepest.HttpEndpoint=enabled",
		"Filter.01.Name=a", "Filter.%2B1.Name=a", "Filter.-1=", "Filter=x", "Filter.1=x", "Blob.1=aGk%3D", "Blob=%",
		"pageParams=", "pageParams.MaxResults=7", "metadataParam.HttpTokens=x", "Count.1=2", "On=1", "Name.=x", "..=", "=", "Filter.=x",
		"A.B.C.D.E.F.G.H.I.J.K.L.M.N.O.P.Q.R.S.T=1", "IDs.4294967297=x", "IDs.99999999999999999999=x",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Skip()
		}
		checkDecoded(t, values)
	})
}

func checkDecoded(t *testing.T, form url.Values) {
	t.Helper()
	var first, second every
	refused := parameterTree(form).decode(reflect.ValueOf(&first))
	again := parameterTree(form).decode(reflect.ValueOf(&second))
	if !reflect.DeepEqual(refused, again) || refused == nil && !reflect.DeepEqual(first, second) {
		t.Fatalf("read twice: %+v, %v; then %+v, %v", first, refused, second, again)
	}
	if refused != nil {
		if refused.code != "UnknownParameter" && refused.code != "InvalidParameterValue" || refused.status != 400 {
			t.Fatalf("%d %v", refused.status, refused)
		}
		return
	}
	if first.Name != form.Get("Name") {
		t.Fatalf("the name is %q", first.Name)
	}
	for name, value := range form {
		if strings.HasPrefix(name, "pageParams") || strings.HasPrefix(name, "metadataParam") || name == "Filter" && value[0] != "" {
			t.Fatalf("%s=%s was taken", name, value[0])
		}
	}
}

// FuzzFilter holds filters with wildcards against regular expressions.
func FuzzFilter(f *testing.F) {
	for _, pair := range [][2]string{
		{"a*b?c", "axxbyc"}, {`a\*`, "a*"}, {`\\`, `\`}, {`*\?`, "what?"}, {"caf?", "café"}, {"**", ""}, {"?", ""}, {`a\`, "a"}, {"", ""}, {"*a*b", "ababab"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) || len(pattern) > 200 {
			t.Skip()
		}
		form, ok := expression(pattern)
		want := ok && form.MatchString(text)
		fields := filterable[tagMap]{}
		match, err := fields.matcher([]filterParam{{Name: "tag:k", Value: []string{pattern}}}, func(t tagMap) tagMap { return t })
		if err != nil {
			t.Fatal(err)
		}
		if got := match(tagMap{"k": text}); got != want {
			t.Fatalf("%q matches %q: %t, want %t by %v", pattern, text, got, want, form)
		}
		if match(tagMap{}) || match(tagMap{"other": text}) {
			t.Fatalf("%q matches what has no such tag", pattern)
		}
		// Whatever the filter's name is, it is known or refused.
		if _, err := fields.matcher([]filterParam{{Name: pattern, Value: []string{text}}}, func(t tagMap) tagMap { return t }); err != nil && err.code != "InvalidParameterValue" {
			t.Fatal(err)
		}
	})
}

// expression translates a filter's pattern. A backslash at its end takes nothing as
// it is, and such a pattern matches nothing.
func expression(pattern string) (form *regexp.Regexp, ok bool) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for rest := []rune(pattern); len(rest) > 0; rest = rest[1:] {
		switch rest[0] {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '\\':
			if rest = rest[1:]; len(rest) == 0 {
				return nil, false
			}
			b.WriteString(regexp.QuoteMeta(string(rest[0])))
		default:
			b.WriteString(regexp.QuoteMeta(string(rest[0])))
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String()), true
}
