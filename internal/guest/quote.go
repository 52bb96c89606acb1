package guest

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode/utf8"
)

// quote makes one word of POSIX shell out of any text without NUL.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// plainValue is what needs no quotes in an environment file.
var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)

// envQuote writes a value for a file that a shell reads with "." and systemd with
// EnvironmentFile=: both take double quotes with a backslash before four characters in
// them. A plain value has no quotes, for readers that would keep them, as "docker run
// --env-file" does.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
func envQuote(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return `"` + envEscapes.Replace(value) + `"`
}

var envEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

// isText reports whether a shell can carry the bytes in a word: no NUL, and valid
// UTF-8, since a shell may decode what it reads.
func isText(content []byte) bool {
	return !bytes.ContainsRune(content, 0) && utf8.Valid(content)
}

// word is content as a shell word, with the name of its encoding.
func word(content []byte) (encoding, quoted string) {
	if isText(content) {
		return "text", quote(string(content))
	}
	return "base64", quote(base64.StdEncoding.EncodeToString(content))
}
