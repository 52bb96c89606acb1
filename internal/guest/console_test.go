package guest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseConsole(t *testing.T) {
	tests := map[string]struct {
		console string
		want    Report
	}{
		"nothing yet":   {"[    0.000000] Linux version 6.1\r\n", Report{}},
		"another run's": {"stamp-other begin\nstamp-other end ok\n", Report{}},
		"under way": {
			"[   12.3] cloud-init[1234]: stamp-n begin\r\nstamp-n start step one\r\nstamp-n pass step one\r\nstamp-n start step the second\r\n",
			Report{Started: true, Current: `step "the second"`, Passed: []string{`step "one"`}},
		},
		"every line twice": {
			"stamp-n begin\nstamp-n begin\nstamp-n start check a\nstamp-n start check a\nstamp-n pass check a\nstamp-n pass check a\nstamp-n end ok\nstamp-n end ok\n",
			Report{Started: true, Done: true, Passed: []string{`check "a"`}},
		},
		"cut off at the beginning": {
			"p check old\nstamp-n fail check exit=22 how=exit attempts=5 health of it\nstamp-n out 1 curl: (22)\nstamp-n out 1 curl: (22)\nstamp-n out 2 stamp-n end ok\nstamp-n end failed\n",
			Report{Started: true, Done: true, Failure: &Failure{
				Phase: PhaseCheck, Name: "health of it", ExitCode: 22, Attempts: 5, Output: "curl: (22)\nstamp-n end ok",
			}},
		},
		"output of what ended well": {
			"stamp-n begin\nstamp-n start step a\nstamp-n out 1 one\nstamp-n out 2 two\nstamp-n pass step a\n" +
				"stamp-n start step b\nstamp-n pass step b\nstamp-n start check c\nstamp-n out 1 fine\nstamp-n pass check c\n",
			Report{
				Started: true, Passed: []string{`step "a"`, `step "b"`, `check "c"`}, Output: "fine",
				Outputs: map[string]string{`step "a"`: "one\ntwo", `check "c"`: "fine"},
			},
		},
		"output alone does not end it": {
			"stamp-n fail step exit=1 how=late attempts=1 s\nstamp-n out 1 stamp-n end ok\n",
			Report{Started: true, Failure: &Failure{Phase: PhaseStep, Name: "s", ExitCode: 1, TimedOut: true, Attempts: 1, Output: "stamp-n end ok"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParseConsole("n", test.console)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseConsole(f *testing.F) {
	f.Add("stamp-n begin\nstamp-n fail step exit=1\nstamp-n out x\nstamp-n out 999999999 y\nstamp-n end")
	f.Add("stamp-n fail step exit=x how=late attempts=-1 \x9b\nstamp-n out 1 \xff\x1b[2J\nstamp-n identity host-key 0123456789abcdef\nstamp-n key x\nstamp-n done 1\n")
	f.Fuzz(func(t *testing.T, console string) {
		report := ParseConsole("n", console).Masked(map[string]string{"A": "secret"})
		told := report.Output
		if report.Failure != nil {
			told += report.Failure.Output
		}
		if !utf8.ValidString(told) || strings.Contains(told, "secret") || strings.Count(told, "\n") >= outputLines {
			t.Errorf("it tells %q", told)
		}
	})
}
