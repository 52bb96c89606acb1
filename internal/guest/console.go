package guest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ParseConsole reads what a run has said so far. It takes a console as EC2 gives it:
// with the prefixes of kernel and cloud-init before our lines, with lines twice, and
// with the beginning cut off.
func ParseConsole(nonce, console string) Report {
	reading := reading{outputs: map[int]string{}}
	prefix := markerPrefix(nonce)
	for line := range strings.Lines(console) {
		if _, marker, found := strings.Cut(strings.TrimRight(line, "\r\n"), prefix); found {
			reading.Started = true
			kind, rest, _ := strings.Cut(marker, " ")
			reading.take(kind, rest)
		}
	}
	output := joinOutput(reading.outputs)
	if reading.Failure != nil {
		reading.Failure.Output = output
	} else {
		reading.Output = output
	}
	return reading.Report
}

// reading is a report under way.
type reading struct {
	Report
	outputs map[int]string
}

// take takes one marker in.
func (r *reading) take(kind, rest string) {
	switch kind {
	case markerStart:
		r.Current = titled(rest)
		clear(r.outputs)
	case markerPass:
		// The clean-up is one thing to people; that it has many parts is nobody's business.
		if title := titled(rest); !strings.HasPrefix(rest, PhaseCleanUp+" ") && !slices.Contains(r.Passed, title) {
			r.Passed = append(r.Passed, title)
			r.keepOutput(title)
		}
		r.Current = ""
	case markerFail:
		r.Failure = parseFailure(rest)
		clear(r.outputs)
	case markerOut:
		number, text, _ := strings.Cut(rest, " ")
		if at, err := strconv.Atoi(number); err == nil {
			r.outputs[at] = text
		}
	case markerIdentity:
		r.identify(rest)
	case markerDone:
		if number, err := strconv.Atoi(rest); err == nil {
			if r.Finished == nil {
				r.Finished = map[int]bool{}
			}
			r.Finished[number] = true
		}
	case markerKey:
		r.Key = rest
	case markerEnd:
		r.Done, r.Current, r.Rebooting = true, "", rest == endRebooting
	}
}

// keepOutput keeps what an item has told of its output.
func (r *reading) keepOutput(title string) {
	if len(r.outputs) == 0 {
		return
	}
	if r.Outputs == nil {
		r.Outputs = map[string]string{}
	}
	r.Outputs[title] = joinOutput(r.outputs)
}

func (r *reading) identify(text string) {
	kind, digest, found := strings.Cut(text, " ")
	if !found || !digestFormat.MatchString(digest) || slices.Contains(r.Identity[kind], digest) {
		return
	}
	if r.Identity == nil {
		r.Identity = Identity{}
	}
	r.Identity[kind] = append(r.Identity[kind], digest)
}

// endRebooting is the result of a run that a restart continues.
const endRebooting = "rebooting"

// digestFormat is what identity.sh cuts digests to.
var digestFormat = regexp.MustCompile(`^[0-9a-f]{16}$`)

// titled turns "step install" into `step "install"`.
func titled(text string) string {
	phase, name, _ := strings.Cut(text, " ")
	return fmt.Sprintf("%s %q", phase, name)
}

// parseFailure reads "check exit=3 how=exit attempts=5 health".
func parseFailure(text string) *Failure {
	fields := strings.SplitN(text, " ", 5)
	for len(fields) < 5 {
		fields = append(fields, "")
	}
	failure := &Failure{
		Phase: fields[0], Name: fields[4],
		TimedOut: fields[2] == "how=late", Rebooted: fields[2] == "how=reboot", CutOff: fields[2] == "how=cut",
		SwitchedOff: fields[2] == "how=off", Unwritten: fields[2] == "how=disk",
	}
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

// outputLines is how many lines of a failing script are reported; shell/base.sh
// knows it too.
const outputLines = 50
