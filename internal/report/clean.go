package report

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Clean returns text that a terminal shows and does not obey. Output of instances, their
// consoles and messages of others reach people through this package, and whoever writes
// them must not be able to move the cursor, set a title or hide text. Removed are control
// characters (but line breaks and tabs) and the characters that change the direction of
// text, whole control sequences (colours) with what they are written with; bytes that are not UTF-8 become U+FFFD, since some terminals take 0x9B alone for
// the beginning of an escape sequence.
// https://www.ecma-international.org/publications-and-standards/standards/ecma-48/
// https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
func Clean(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, obeyed) < 0 {
		return text
	}
	text = sequences.ReplaceAllString(text, "")
	return strings.Map(func(c rune) rune {
		if obeyed(c) {
			return -1
		}
		return c // strings.Map makes U+FFFD of each invalid byte
	}, text)
}

// sequences are ECMA-48's control sequences, 5.4, in seven bits; the guest's scripts remove
// them too.
var sequences = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]")

// obeyed reports whether a terminal may do something else with a character than show it.
func obeyed(c rune) bool {
	switch {
	case c == '\n' || c == '\t':
		return false
	case c < ' ' || c >= 0x7f && c <= 0x9f:
		return true
	case c == '\u061c' || c == '\u200e' || c == '\u200f':
		return true
	default:
		return c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
	}
}
