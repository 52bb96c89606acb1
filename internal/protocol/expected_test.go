package protocol

import (
	"regexp"
	"testing"
)

// refusedByCore are faults that core calls a bug in the provider.
var refusedByCore = regexp.MustCompile(`^Provider (produced inconsistent final plan|changed the planned action)`)

// expected are faults that are known. An entry goes as soon as its fault is mended.
var expected = []struct {
	// input and fault are what is said of them.
	input, fault *regexp.Regexp
	why          string
}{
	{
		regexp.MustCompile(`vpc_security_group_ids = \[\]interface \{\}\{interface \{\}\(nil\)\}`), regexp.MustCompile(`^a plan of what was applied`),
		"a null in vpc_security_group_ids is accepted and never converges",
	},
	{regexp.MustCompile(`\[between a file changes\]`), refusedByCore, "an uploaded file changes between plan and apply"},
	{regexp.MustCompile(`\[between a newer source\]`), refusedByCore, "a newer source appears between plan and apply"},
	{regexp.MustCompile(`\[between months pass\]`), refusedByCore, "the current version becomes too old between plan and apply"},
	{regexp.MustCompile(`\[between the (oldest|newest) version goes\]`), refusedByCore, "a kept version goes between plan and apply"},
	{
		regexp.MustCompile(`late map\[region:eu-west-1\]$`), refusedByCore,
		"a region that is unknown in the plan of an update turns out to be another one",
	},
	{
		// In a random life the edit may be any of those that change what is watched.
		regexp.MustCompile(`(health|target_group_arns|replace_unhealthy|a stopped instance, ).*\[between an instance (stops|is impaired)\]`), refusedByCore,
		"an instance breaks between plan and apply, and what counts as broken changes",
	},
	{
		regexp.MustCompile(`late map\[region:us-east-1 tags|region = "us-east-1" \(unknown when planned\)`),
		regexp.MustCompile(`^Provider produced inconsistent final plan: ready_size: was \d+, but now`),
		"a fleet's region that is unknown in the plan of an update, and stays, beside another change",
	},
	{
		regexp.MustCompile(`( of its slot|slots).*\[between an instance (ends|stops|is impaired)\]`),
		regexp.MustCompile(`^Provider produced inconsistent final plan: instances\["\d+"\]\.(instance_type|subnet_id|private_ip|hostname): was`),
		"an instance ends between plan and apply whose slot gets another type, subnet, address or hostname",
	},
}

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
