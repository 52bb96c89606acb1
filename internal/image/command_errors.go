package image

import (
	"fmt"
	"strings"
)

// brokenOff says that a command has ended without an answer.
type brokenOff struct{ command, instance, state, details, output string }

// Error says how, with what it has printed.
func (e *brokenOff) Error() string {
	text := fmt.Sprintf("command %s on %s ended as %s (%s) without an answer", e.command, e.instance, e.state, e.details)
	if strings.TrimSpace(e.output) == "" {
		return text + "; it printed nothing"
	}
	return text + "; its output ends with:\n\n" + e.output
}
