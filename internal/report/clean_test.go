package report

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

var cleaned = map[string]struct{ text, want string }{
	"plain":               {"a line\n\tand another, with an umlaut: ü, 日本", "a line\n\tand another, with an umlaut: ü, 日本"},
	"colour":              {"\x1b[31mred\x1b[0m", "red"},
	"title":               {"\x1b]0;PWNED\a", "]0;PWNED"},
	"clear":               {"\x1b[2J\x1bc", "c"},
	"carriage return":     {"hidden\rshown\r\n", "hiddenshown\n"},
	"backspace, NUL, DEL": {"a\b\x00\x7fb", "ab"},
	"C1 as UTF-8":         {"\u009b31m\u0085\u0080", "31m"},
	"C1 as a byte":        {"a\x9b31mb", "a\ufffd31mb"},
	"bidi":                {"a\u202eb\u2066c\u2069\u200f\u061cd", "abcd"},
	"invalid UTF-8":       {"a\xc3(b\xff", "a\ufffd(b\ufffd"},
}

func TestClean(t *testing.T) {
	for name, test := range cleaned {
		if got := Clean(test.text); got != test.want {
			t.Errorf("%s: %q became %q, want %q", name, test.text, got, test.want)
		}
	}
}

// Nothing that this package hands on can drive a terminal, whichever way it goes.
func TestClean_isAtEveryDoor(t *testing.T) {
	for name, test := range cleaned {
		failure := &Failure{Summary: test.text, Subject: test.text, Cause: errors.New(test.text), Now: test.text, Next: test.text}
		warning := Warning{Summary: test.text, Detail: test.text}
		var line string
		Progress(func(said string) { line = said }).Printf("%s", test.text)
		for door, got := range map[string]string{
			"the failure's line": failure.Error(), "its summary": failure.Title(), "its detail": failure.Detail(),
			"the failure of another error": As(errors.New(test.text), test.text).Error(),
			"the warning's summary":        warning.Title(), "its text": warning.Text(), "progress": line,
		} {
			harmless(t, name+", "+door, got)
		}
	}
}

func harmless(t *testing.T, where, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not UTF-8: %q", where, text)
	}
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c <= 0x9f || strings.ContainsRune("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", c) {
			t.Errorf("%s: %U in %q", where, c, text)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, test := range cleaned {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		harmless(t, "cleaned", got)
		if again := Clean(got); again != got {
			t.Errorf("cleaned twice: %q became %q", got, again)
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") || strings.Count(got, "\t") != strings.Count(text, "\t") {
			t.Errorf("%q has other lines and tabs than %q", got, text)
		}
	})
}
