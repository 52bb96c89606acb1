package protocol

import "testing"

// report fails the test for each fault.
func report(t *testing.T, input string, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Errorf("%s\n    %s", input, fault)
	}
}
