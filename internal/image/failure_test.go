package image

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

var update = flag.Bool("update", false, "write the messages of failures to testdata instead of comparing them")

// said is what a boot of a builder and of a proof says, line by line; a line "off" switches
// the machine off, and without one it goes on for ever.
type said struct{ builder, proof []string }

// fine is a boot that ends well.
var fine = []string{"begin", "start step install", "pass step install", "end ok", "off"}

func (s said) boot(proof bool, say func(format string, args ...any), m *guests.Machine) {
	lines := s.builder
	if proof {
		lines = s.proof
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.Context().Done():
		return
	}
	for _, line := range lines {
		if line == "off" {
			m.PowerOff()
			return
		}
		say("%s", line)
	}
}

// failures are the ways in which an apply may fail, each with what a person is told.
var failures = map[string]struct {
	said     said
	troubles []lab.Trouble
	change   func(*Spec)
	// limit is how long the apply may take; zero is long enough.
	limit time.Duration
	// stop is when the user stops it; zero is never.
	stop time.Duration
	// later fails the second version, with a first one current.
	later bool
}{
	"step": {said: said{builder: []string{"begin", "start step install", "fail step exit=100 how=exit attempts=3 install", "out 1 E: Unable to locate package nginx", "end failed", "off"}}},
	"step, with a current version": {later: true, said: said{builder: []string{
		"begin", "start step install", "fail step exit=1 how=exit attempts=1 install", "out 1 make: *** [all] Error 1", "end failed", "off",
	}}},
	"step that must not end with 0": {
		change: func(s *Spec) { s.Bake.Steps[1].ExitCodes = []int{10, 3010} },
		said:   said{builder: []string{"begin", "fail step exit=0 how=exit attempts=1 install", "out 1 installed", "end failed", "off"}},
	},
	"step that takes too long": {said: said{builder: []string{"begin", "fail step exit=143 how=late attempts=1 install", "out 1 Do you want to continue? [Y/n]", "end failed", "off"}}},
	"step that restarts":       {said: said{builder: []string{"begin", "fail step exit=0 how=reboot attempts=1 install", "end failed", "off"}}},
	"step, kept":               {change: keepFailed, said: said{builder: []string{"begin", "fail step exit=100 how=exit attempts=1 install", "out 1 oh no", "end failed", "off"}}},
	"clean-up":                 {said: said{builder: []string{"begin", "fail clean-up exit=1 how=exit attempts=1 host_keys", "out 1 still there: /etc/ssh/ssh_host_rsa_key", "end failed", "off"}}},
	"check on the builder":     {said: said{builder: []string{"begin", "fail check exit=22 how=exit attempts=5 ok", "out 1 curl: (22) 503", "end failed", "off"}}},
	"check on the proof":       {said: said{fine, []string{"begin", "fail check exit=7 how=exit attempts=5 ok", "out 1 curl: (7) connection refused", "end failed", "off"}}},
	"check on the proof, kept": {change: keepFailed, said: said{fine, []string{"begin", "fail check exit=7 how=exit attempts=5 ok", "out 1 curl: (7) connection refused", "end failed", "off"}}},
	"twin": {said: said{fine, []string{
		"begin", "fail identity exit=1 how=exit attempts=1 machine-id",
		"out 1 this server's machine-id is the builder's: all servers of the image would share it", "end failed", "off",
	}}},
	"silence":                   {limit: 10 * time.Minute},
	"too long in all":           {limit: 10 * time.Minute, said: said{builder: []string{"begin", "start step app", "pass step app", "start step install"}}},
	"stopped before its end":    {said: said{builder: []string{"begin", "start step install", "off"}}},
	"stopped by the user":       {stop: 2 * time.Minute, said: said{builder: []string{"begin", "start step install"}}},
	"ended by EC2":              {troubles: []lab.Trouble{lab.FailLaunch{Code: "Server.InternalError", Message: "Client.InternalError: Client error on launch"}}},
	"image":                     {said: said{fine, fine}, troubles: []lab.Trouble{lab.FailImage{Code: "Server.InternalError", Message: "Server.InternalError: the snapshot could not be made"}}},
	"no capacity":               {change: twoTypes, troubles: []lab.Trouble{lab.NoCapacity{}}},
	"no capacity for the proof": {change: proofOnBig, said: said{fine, fine}, troubles: []lab.Trouble{lab.NoCapacity{Type: "m5.large"}}},
	"quota":                     {change: twoTypes, troubles: []lab.Trouble{lab.FailCall{Action: "RunInstances", Times: -1, Code: "VcpuLimitExceeded", Message: tooManyCPUs}}},
	"denied":                    {change: twoTypes, troubles: []lab.Trouble{lab.FailCall{Action: "RunInstances", Times: -1, Code: "UnauthorizedOperation", Message: notAuthorized}}},
	"capture denied":            {said: said{fine, fine}, troubles: []lab.Trouble{lab.FailCall{Action: "CreateImage", Times: -1, Code: "UnauthorizedOperation", Message: notAuthorized}}},
	"promotion denied": {
		later: true, said: said{fine, fine}, troubles: []lab.Trouble{lab.FailCall{Action: "CreateTags", Times: -1, Code: "UnauthorizedOperation", Message: notAuthorized}},
	},
	"builder that does not leave": {
		said:     said{builder: []string{"begin", "fail step exit=1 how=exit attempts=1 install", "end failed", "off"}},
		troubles: []lab.Trouble{lab.FailCall{Action: "TerminateInstances", Times: -1, Code: "UnauthorizedOperation", Message: notAuthorized}},
	},
}

// What AWS says.
const (
	notAuthorized = "You are not authorized to perform this operation."
	tooManyCPUs   = "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to."
)

func keepFailed(s *Spec) { s.KeepFailed, s.Bake.InstanceProfile = true, "" }

func twoTypes(s *Spec) { s.Bake.InstanceTypes = []string{"t3.small", "t3a.small"} }

func proofOnBig(s *Spec) { s.Verify.InstanceTypes = []string{"t3.small", "m5.large"} }

// What people read when something fails: reviewed by eye, then kept.
func TestFailures_readWell(t *testing.T) {
	for name, test := range failures {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				if test.later {
					b.apply(script("a"))
				}
				b.boots = test.said.boot
				for _, trouble := range test.troubles {
					if _, err := b.Lab.Order(trouble); err != nil {
						t.Fatal(err)
					}
				}
				spec := script("b")
				if test.change != nil {
					test.change(&spec)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.limit)
					defer cancel()
				}
				if test.stop > 0 {
					time.AfterFunc(test.stop, cancel)
				}
				options := b.options()
				_, err := Apply(ctx, b.Region, spec, options)
				failure, ok := errors.AsType[*report.Failure](err)
				if !ok {
					t.Fatalf("no failure: %v", err)
				}
				golden(t, name, failure.Summary+"\n\n"+failure.Detail()+"\n")
			})
		})
	}
}

// changing are the parts of a message that differ from run to run.
var changing = []struct {
	found *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`\b(i|ami|snap|subnet|sg)-[0-9a-f]{8,17}\b`), "$1-…"},
	{regexp.MustCompile(`\bo-[0-9a-f]{20}\b`), "o-…"},
	{regexp.MustCompile(`request [0-9a-f-]{36}`), "request …"},
	{regexp.MustCompile(`stamp-[0-9a-f]{12} `), "stamp-… "},
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, each := range changing {
		got = each.found.ReplaceAllString(got, each.shown)
	}
	file := filepath.Join("testdata", "failures", strings.ReplaceAll(name, " ", "_")+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("people read something else (go test -run %s -update writes it, then read it) (-want +got):\n%s", t.Name(), diff)
	}
}

// Quota and permission do not go round in circles; capacity tries every pool once.
func TestLaunch_triesWhatIsWorthTrying(t *testing.T) {
	for name, wantLaunches := range map[string]int{"no capacity": 6, "quota": 1, "denied": 1} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				if _, err := b.Lab.Order(failures[name].troubles[0]); err != nil {
					t.Fatal(err)
				}
				spec := script("a")
				twoTypes(&spec)
				begun := time.Now()
				if _, err := b.try(spec); err == nil {
					t.Fatal("it worked")
				}
				if got := b.Lab.Books().Requests["RunInstances"]; got != wantLaunches {
					t.Errorf("%d launches were tried, want %d", got, wantLaunches)
				}
				if took := time.Since(begun); took > time.Minute {
					t.Errorf("it took %s", took)
				}
				b.only(0)
			})
		})
	}
}

// The next subnet is tried, then the next type, for builder and proof.
func TestLaunch_goesWhereThereIsRoom(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		if _, err := b.Lab.Order(lab.NoCapacity{Type: "t3.small"}); err != nil {
			t.Fatal(err)
		}
		spec := script("a")
		twoTypes(&spec)
		b.apply(spec)
		if got := b.Lab.Books().Requests["RunInstances"]; got != 3+1+1 {
			t.Errorf("%d launches: want three subnets of the first type tried, then one of the second; the proof knows", got)
		}
		b.only(1)
	})
}

// Kept, an instance is there to be looked at until the next apply.
func TestApply_keepsWhatFailed(t *testing.T) {
	for role, phase := range map[string]string{"builder": guest.PhaseStep, "proof": guest.PhaseCheck} {
		t.Run(role, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				spec := script("a")
				spec.KeepFailed = true
				b.breaks(phase)
				result, err := b.try(spec)
				if !errorIs[*guest.Failure](err) || result.Line.Empty() {
					t.Fatalf("want a failure and something left, have %v and %+v", err, result.Line)
				}
				kept := b.instances()
				if len(kept) != 1 || kept[0].Tags["stamp:role"] != role || !strings.Contains(kept[0].Tags["stamp:kept"], "failed") || kept[0].State != "running" {
					t.Fatalf("kept is %+v", kept)
				}
				failure, _ := asFailure(err)
				if !strings.Contains(failure.Next, "--instance-id "+kept[0].ID) {
					t.Errorf("the message does not lead to it: %s", failure.Next)
				}
				b.breaks("")
				b.apply(spec)
				b.only(1)
				b.destroy()
			})
		})
	}
}

// The checks run on every type that is asked for, and one that fails is enough.
func TestProve_onSeveralTypes(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := script("a")
		spec.Verify.InstanceTypes = []string{"t3.small", "c5.large", "m5.large"}
		b.apply(spec)
		if got := b.Lab.Books().Requests["RunInstances"]; got != 1+3 {
			t.Errorf("%d launches, want a builder and three proofs", got)
		}
		b.only(1)
		b.breaks(guest.PhaseCheck)
		spec.Verify.Checks[0].Script = "false"
		if _, err := b.try(spec); !errorIs[*guest.Failure](err) {
			t.Errorf("the proofs fail, and the apply does not: %v", err)
		}
		b.only(1)
		b.destroy()
	})
}

// What the builder was goes with the image, and a proof is told to be something else,
// now and when it is proved again.
func TestProve_isToldWhatTheBuilderWas(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		digest := "0123456789abcdef"
		var told []string
		b.boots = said{
			[]string{"begin", "identity machine-id " + digest, "end ok", "off"}, fine,
		}.boot
		b.sees = func(proof bool, script string) {
			if proof {
				told = append(told, script)
			}
		}
		spec := script("a")
		b.apply(spec)
		spec.Verify.Checks[0].Script = "true # again"
		b.apply(spec)
		if len(told) != 2 {
			t.Fatalf("%d proofs", len(told))
		}
		for _, script := range told {
			if !strings.Contains(script, "stamp_differ 1 machine-id "+digest) {
				t.Error("a proof was not told what the builder was")
			}
		}
	})
}
