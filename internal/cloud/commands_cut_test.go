package cloud

import (
	"strings"
	"testing"
)

// Half a line may be half a secret, and nobody would know it.
func TestWholeLines(t *testing.T) {
	long := strings.Repeat("x", 30)
	for name, test := range map[string]struct{ output, want string }{
		"whole":                  {"one\ntwo", "one\ntwo"},
		"cut by the agent":       {"one\nhunter2-hun--output truncated--", "one\n"},
		"and with a line break":  {"one\nhunter2-hun\n--output truncated--\n", "one\nhunter2-hun\n"},
		"cut by Systems Manager": {"one\n" + long, "one\n"},
		"one line":               {long, ""},
		"nothing":                {"", ""},
	} {
		if got := wholeLines(test.output, len(long)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
