package guest

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// minHidden is the length of the shortest line of a secret that is hidden. To hide shorter
// ones would make output unreadable; shell/secrets.sh and powershell/base.ps1 know it too.
const minHidden = 3

// mask stands in place of what is hidden.
const mask = "***"

// Mask hides the secrets in a text, as the guest does: each line of a secret on its own,
// wherever it is, also where two overlap. Control characters go first, since a text that
// has them inside of a secret would show the secret once they are removed. It knows a
// secret only as it is: encoded (base64, hexadecimal, percent signs) or cut into pieces,
// it is not found.
func Mask(text string, secrets map[string]string) string {
	return maskFrom(0, report.Clean(text), hiddenLines(secrets))
}

// MaskEnd is Mask for a text whose beginning is missing: what may be the second half of a
// secret there is left out.
func MaskEnd(text string, secrets map[string]string) string {
	text = report.Clean(text)
	if _, whole, found := strings.Cut(text, "\n"); found {
		return maskFrom(0, whole, hiddenLines(secrets))
	}
	hidden := hiddenLines(secrets)
	from := 0
	if len(hidden) > 0 {
		from = len(hidden[0]) - 1
	}
	return maskFrom(from, text, hidden)
}

// hiddenLines are the lines that must not be seen, the longest first, as they look when
// they are cleaned.
func hiddenLines(secrets map[string]string) []string {
	var hidden []string
	for _, secret := range secrets {
		for line := range strings.SplitSeq(report.Clean(secret), "\n") {
			if len(line) >= minHidden {
				hidden = append(hidden, line)
			}
		}
	}
	slices.SortFunc(hidden, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(hidden)
}

// maskFrom masks a cleaned text, and returns it from a byte on.
func maskFrom(from int, text string, hidden []string) string {
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	covered := make([]bool, len(text))
	for _, line := range hidden {
		done := 0
		for at := 0; ; at++ {
			found := strings.Index(text[at:], line)
			if found < 0 {
				break
			}
			at += found
			for i := max(at, done); i < at+len(line); i++ {
				covered[i] = true
			}
			done = at + len(line)
		}
	}
	var shown strings.Builder
	for i := min(from, len(text)); i < len(text); i++ {
		switch {
		case !covered[i]:
			shown.WriteByte(text[i])
		case i == from || !covered[i-1]:
			shown.WriteString(mask)
		}
	}
	return shown.String()
}

// Masked is the report without the secrets that a guest may have told all the same.
func (r Report) Masked(secrets map[string]string) Report {
	r.Output = Mask(r.Output, secrets)
	outputs := r.Outputs
	r.Outputs = nil
	for title, output := range outputs {
		if r.Outputs == nil {
			r.Outputs = map[string]string{}
		}
		r.Outputs[title] = Mask(output, secrets)
	}
	if r.Failure != nil {
		failure := *r.Failure
		failure.Output = Mask(failure.Output, secrets)
		r.Failure = &failure
	}
	return r
}
