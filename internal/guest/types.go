package guest

import (
	"fmt"
	"strings"
	"time"
)

// UserDataLimit is what EC2 takes as user data, in bytes before base64.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const UserDataLimit = 16384

// DefaultTimeout ends a step or one attempt of a check that says nothing else.
const DefaultTimeout = 15 * time.Minute

// Step is one thing done on a builder: exactly one of Script, Upload, Local and Reboot is
// set.
type Step struct {
	// Name is unique among the steps.
	Name string
	// Script is run by its #! line, by /bin/sh without one. Where its first line ends in CRLF,
	// a machine of Unix finds LF everywhere.
	Script string
	// Upload puts files there.
	Upload *Upload
	// Local is run beside the provider, not on the builder; only Run Command leaves room
	// for that.
	Local string
	// Reboot restarts the builder and goes on.
	Reboot bool
	// Environment is added to the script's environment.
	Environment map[string]string
	// User runs the script, with its login's environment, in its home; empty means root,
	// in /.
	User string
	// Timeout ends one run of the script; zero means DefaultTimeout.
	Timeout time.Duration
	// Retries is how often the script is run again when it fails.
	Retries int
	// Interval is the pause before a retry.
	Interval time.Duration
	// ExitCodes are those of success; none means 0.
	ExitCodes []int
}

// Check is one proof that a server works: a script whose exit code is zero.
type Check struct {
	// Name is unique among the checks.
	Name   string
	Script string
	// Environment is added to the script's environment.
	Environment map[string]string
	// User runs the script, as a step's does.
	User string
	// Attempts is how often it may be tried; zero means once.
	Attempts int
	// Interval is the pause between attempts.
	Interval time.Duration
	// Timeout ends one attempt; zero means DefaultTimeout.
	Timeout time.Duration
}

// CleanUp says what is removed before the capture: what clones must not share.
type CleanUp struct {
	// HostKeys are the SSH server's keys; the next boot makes new ones.
	HostKeys bool
	// MachineID is /etc/machine-id and D-Bus's copy of it.
	MachineID bool
	// CloudInit is cloud-init's state, so that it runs again on the next boot.
	CloudInit bool
	// Logs are the contents of /var/log.
	Logs bool
	// Histories are the shells' histories of root and of all users.
	Histories bool
	// DHCPLeases are the addresses that were leased.
	DHCPLeases bool
	// RandomSeed is what the next boot's randomness begins with.
	RandomSeed bool
	// AuthorizedKeys are the public keys that EC2 has handed to the builder.
	AuthorizedKeys bool
	// SSMRegistration is what the SSM agent takes the machine for.
	SSMRegistration bool
}

// Bake is what a builder does.
type Bake struct {
	// Windows is set when scripts are PowerShell's, which Commands composes alone.
	Windows bool
	// Nonce marks this run's lines on the console: letters and digits.
	Nonce   string
	Steps   []Step
	Checks  []Check
	CleanUp CleanUp
	// Secrets are variables of the steps' environment. Only Run Command carries them.
	Secrets map[string]string
	// Telling has the script tell what steps and checks print that end well; commands always
	// do.
	Telling bool
	// Apart is set when large uploads travel by themselves, through an object store, and not
	// inside the script. On Windows they never do.
	Apart bool
}

// Proof is what a proof does.
type Proof struct {
	// Windows is the builder's.
	Windows bool
	Nonce   string
	Checks  []Check
	// Identity is the builder's, which the proof must not share.
	Identity Identity
	// Telling is as with a Bake.
	Telling bool
}

// Identity are digests of what no two servers may share, by kind.
type Identity map[string][]string

// Kinds of an identity.
const (
	MachineID = "machine-id"
	HostKey   = "host-key"
)

// Phases of a report.
const (
	PhaseStep     = "step"
	PhaseCheck    = "check"
	PhaseCleanUp  = "clean-up"
	PhaseIdentity = "identity"
	PhaseSecrets  = "secrets"
	PhaseStaging  = "staging"
)

// Report is what a run says of itself so far.
type Report struct {
	// Started is set once the script has spoken.
	Started bool
	// Done is set once the script has ended, well or not.
	Done bool
	// Rebooting is set when it has ended because the machine restarts.
	Rebooting bool
	// Current is the step or check that runs, with its phase before it: `step "app"`.
	Current string
	// Passed are the steps and checks that ended well, in order, written like Current.
	Passed []string
	// Failure is why the run ended badly.
	Failure *Failure
	// Output is the end of what the last item has printed, where it was asked for.
	Output string
	// Outputs are the ends of what those have printed that ended well, by what is in Passed,
	// where it was asked for.
	Outputs map[string]string
	// Identity is the builder's, told before the clean-up.
	Identity Identity
	// Finished are the numbers of the items that earlier commands have done.
	Finished map[int]bool
	// Key is the public key that secrets are sealed with.
	Key string
}

// Failure is a step or check that failed.
type Failure struct {
	// Phase is one of the Phase… constants.
	Phase string
	Name  string
	// ExitCode is the script's own.
	ExitCode int
	// Accepted are the exit codes of success; none means 0.
	Accepted []int
	TimedOut bool
	// Rebooted is set when the machine restarted while it ran.
	Rebooted bool
	// SwitchedOff is set when it asked for the machine to be switched off.
	SwitchedOff bool
	// Unwritten is set when it had ended, and the disk did not take the note of it.
	Unwritten bool
	// CutOff is set when it vanished while it ran, without a restart.
	CutOff bool
	// Attempts is how often it was tried.
	Attempts int
	// Output is the end of what it printed: at most 50 lines.
	Output string
}

// Error says which, how, and what it printed.
func (f *Failure) Error() string {
	switch f.Phase {
	case PhaseIdentity:
		return "the fresh instance is the builder's twin: " + f.Output
	case PhaseSecrets:
		return fmt.Sprintf("the secret %s did not arrive: %s", f.Name, f.Output)
	}
	text := fmt.Sprintf("%s %q failed: %s", f.Phase, f.Name, f.how())
	if f.Output == "" {
		return text + "; it printed nothing"
	}
	return text + "; the end of its output:\n\n" + f.Output
}

func (f *Failure) how() string {
	how := fmt.Sprintf("exit code %d", f.ExitCode)
	if len(f.Accepted) > 0 {
		how += ", and exit_codes has only " + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(f.Accepted)), ", "), "[]")
	}
	switch {
	case f.TimedOut:
		how = "timed out"
	case f.Rebooted:
		how = "the machine restarted while it ran (a script that restarts it must end at once after it has asked for that; a step with reboot = true waits)"
	case f.SwitchedOff:
		how = "it switched the machine off, and nothing would go on after that (a step with reboot = true restarts it)"
	case f.Unwritten:
		how = "its end could not be noted on the disk"
	case f.CutOff:
		how = "its process was killed"
	}
	if f.Attempts > 1 {
		how += fmt.Sprintf(" in each of %d attempts", f.Attempts)
	}
	return how
}

// Preamble tells every server of a batch which slot it is: the entry at its AMI
// launch index.
type Preamble struct {
	Fleet string
	// Hostname is a pattern that ValidHostnamePattern accepts; empty leaves EC2's.
	Hostname string
	// Size is the fleet's at the launch, for STAMP_SIZE.
	Size int
	// Slots are the batch's, in launch order.
	Slots []int
	// Environments are the slots' own, by slot; others than the batch's are left out.
	Environments map[int]map[string]string
}
