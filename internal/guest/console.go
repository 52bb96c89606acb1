package guest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ParseConsole reads what a run has said so far. It takes a console as EC2 gives it:
// with the prefixes of kernel and cloud-init before our lines, with lines twice, and
// with the beginning cut off.
func ParseConsole(nonce, console string) Report {
	var report Report
	outputs := map[int]string{}
	prefix := markerPrefix(nonce)
	for line := range strings.Lines(console) {
		_, marker, found := strings.Cut(strings.TrimRight(line, "\r\n"), prefix)
		if !found {
			continue
		}
		report.Started = true
		kind, rest, _ := strings.Cut(marker, " ")
		switch kind {
		case markerStart:
			report.Current = titled(rest)
		case markerPass:
			if title := titled(rest); !slices.Contains(report.Passed, title) {
				report.Passed = append(report.Passed, title)
			}
			report.Current = ""
		case markerFail:
			report.Failure = parseFailure(rest)
		case markerOut:
			number, text, _ := strings.Cut(rest, " ")
			if at, err := strconv.Atoi(number); err == nil {
				outputs[at] = text
			}
		case markerEnd:
			report.Done, report.Current = true, ""
		}
	}
	if report.Failure != nil {
		report.Failure.Output = joinOutput(outputs)
	}
	return report
}

// titled turns "step install" into `step "install"`.
func titled(text string) string {
	phase, name, _ := strings.Cut(text, " ")
	return fmt.Sprintf("%s %q", phase, name)
}

// parseFailure reads "check exit=3 late=no attempts=5 health".
func parseFailure(text string) *Failure {
	fields := strings.SplitN(text, " ", 5)
	for len(fields) < 5 {
		fields = append(fields, "")
	}
	failure := &Failure{Phase: fields[0], Name: fields[4], TimedOut: fields[2] == "late=yes"}
	// A number that the console has garbled reads as zero.
	failure.ExitCode, _ = strconv.Atoi(strings.TrimPrefix(fields[1], "exit="))
	failure.Attempts, _ = strconv.Atoi(strings.TrimPrefix(fields[3], "attempts="))
	return failure
}

func joinOutput(outputs map[int]string) string {
	lines := make([]string, 0, len(outputs))
	for number := 1; len(lines) < len(outputs) && number <= outputLines; number++ {
		if text, there := outputs[number]; there {
			lines = append(lines, strings.ToValidUTF8(text, "\uFFFD"))
		}
	}
	return strings.Join(lines, "\n")
}

// outputLines is how many lines of a failing script are reported; runtime.sh knows
// it too.
const outputLines = 50
