package guest

import (
	"fmt"
	"regexp"
	"strings"
)

// patternFormat is the letters, digits, hyphens and dots of host names with at most
// one %d or %0Nd.
var patternFormat = regexp.MustCompile(`^[A-Za-z0-9.-]*(%(0[1-9])?d)?[A-Za-z0-9.-]*$`)

var labelFormat = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// ValidHostnamePattern says what is wrong with a pattern, if anything: it must be a
// host name (RFC 1123) with at most one %d, or %03d for leading zeros, in it.
func ValidHostnamePattern(pattern string) error {
	if !patternFormat.MatchString(pattern) {
		return fmt.Errorf("%q is not a host name of letters, digits, hyphens and dots with one %%d or, for leading zeros, %%03d", pattern)
	}
	// The number with the most digits that a slot may have.
	rendered := Hostname(pattern, 99999)
	if len(rendered) > 253 {
		return fmt.Errorf("%q makes host names of more than 253 characters", pattern)
	}
	for label := range strings.SplitSeq(rendered, ".") {
		if !labelFormat.MatchString(label) {
			return fmt.Errorf("%q makes the host name %q, and %q is not a label: 1 to 63 letters, digits and inner hyphens",
				pattern, rendered, label)
		}
	}
	return nil
}

// PatternHasNumber reports whether the pattern makes a host name of its own for each
// slot.
func PatternHasNumber(pattern string) bool { return strings.Contains(pattern, "%") }

// Hostname is the host name of a slot.
func Hostname(pattern string, slot int) string {
	if !PatternHasNumber(pattern) {
		return pattern
	}
	return fmt.Sprintf(pattern, slot)
}
