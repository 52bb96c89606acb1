package cloudinit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type (
	table = map[string]any
	list  = []any
)

func TestParseYAML(t *testing.T) {
	cases := []struct {
		name, text string
		want       any
		wantErr    string
	}{
		{name: "nothing", text: "#cloud-config\n", want: table{}},
		{name: "scalars", text: "a: 1\nb: true # yes\nc:\nd: \"x\\ty\"\ne: 'it''s'\nf: http://x/#y\n", want: table{
			"a": "1", "b": "true", "c": "", "d": "x\ty", "e": "it's", "f": "http://x/#y",
		}},
		{name: "nested", text: "---\na:\n  b:\n    - c\n    - d: e\n      f: g\n  h: i\n", want: table{
			"a": table{"b": list{"c", table{"d": "e", "f": "g"}}, "h": "i"},
		}},
		{name: "sequence indented as its key", text: "a:\n- b\n-\n  - c\n- - d\n  - e\nf: g", want: table{
			"a": list{"b", list{"c"}, list{"d", "e"}}, "f": "g",
		}},
		{name: "flow", text: "a: [b, 'c, d', [e], {f: g, h: \"i\"}]  # end\nj: []\nk: {}\n", want: table{
			"a": list{"b", "c, d", list{"e"}, table{"f": "g", "h": "i"}}, "j": list{}, "k": table{},
		}},
		{name: "literal text", text: "a: |\n  #!/bin/sh\n    two  # not a comment\n\n  three: 3\nb: |-\n  x\n\nc: >\n  folded\n  text\n", want: table{
			"a": "#!/bin/sh\n  two  # not a comment\n\nthree: 3\n", "b": "x", "c": "folded text\n",
		}},
		{name: "literal text of an item", text: "- |\n  a\n  b\n- c\n", want: list{"a\nb\n", "c"}},
		{name: "scalar over two lines", text: "- echo one\n  two\n- three\n", want: list{"echo one two", "three"}},
		{name: "quoted key", text: "\"a b\": c\n", want: table{"a b": "c"}},
		{name: "JSON", text: `{"a": ["b"], "c": "d"}`, want: table{"a": list{"b"}, "c": "d"}},
		{name: "anchor", text: "a: &x y\n", wantErr: "line 1"},
		{name: "tab", text: "a:\n\tb: c\n", wantErr: "yaml line 2"},
		{name: "no key", text: "a: b\nc\n", wantErr: "line 2"},
		{name: "deeper all of a sudden", text: "- a\n   - b: c\n  d\ne: f\n", wantErr: "line"},
		{name: "open list", text: "a: [b\n", wantErr: "line 1"},
		{name: "open quote", text: "a: 'b\n", wantErr: "closing quote"},
		{name: "after the end", text: "a: [b] c\n", wantErr: "follows"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseYAML(c.text)
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("got %v, error %v, want %q", got, err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseYAML_anythingEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[ ]{0,4}(- )?[a#"'\[\]{}|>:,&\t ]{0,8}`)).Draw(t, "lines")
		value, err := parseYAML(strings.Join(lines, "\n"))
		if err == nil && value == nil {
			t.Fatal("neither a value nor an error")
		}
	})
}

// JSON is YAML: whatever JSON says, the parser must read in the same way.
func TestParseYAML_readsJSON(t *testing.T) {
	texts := rapid.StringMatching(`[ -~]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		var fields, values list
		for i, text := range rapid.SliceOfN(texts, 1, 5).Draw(t, "texts") {
			fields = append(fields, fmt.Sprint("k", i))
			values = append(values, text)
		}
		want := table{"list": values, "fields": fields}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseYAML(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}
