package protocol

import (
	"regexp"
	"testing"
)

// expected are faults that are known. An entry goes as soon as its fault is mended.
var expected = []struct {
	// input and fault are what is said of them.
	input, fault *regexp.Regexp
	why          string
}{}

// report fails the test for each fault that is not expected.
func report(t *testing.T, input string, faults []string) {
	t.Helper()
	for _, fault := range faults {
		if why := expectedWhy(input, fault); why != "" {
			t.Logf("expected (%s): %s\n    %s", why, input, fault)
			continue
		}
		t.Errorf("%s\n    %s", input, fault)
	}
}

func expectedWhy(input, fault string) string {
	for _, e := range expected {
		if e.input.MatchString(input) && e.fault.MatchString(fault) {
			return e.why
		}
	}
	return ""
}
