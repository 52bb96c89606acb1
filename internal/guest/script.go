package guest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Script composes one self-contained script that bakes, reports and powers off; it goes
// on by itself after a restart. Errors are *InputError, and those of reading files.
func (b Bake) Script() ([]byte, error) { return b.render(server) }

// Script composes one self-contained script that runs the checks, reports and powers
// off. Errors are *InputError.
func (p Proof) Script() ([]byte, error) { return p.render(server) }

// checkScript refuses what no script can be composed of.
func (b Bake) checkScript() error {
	if b.Windows {
		return errWindowsScript
	}
	if err := b.validate(); err != nil {
		return err
	}
	if len(b.Secrets) > 0 {
		return &InputError{"secrets", "user data is no place for them: they need the transport \"ssm\""}
	}
	for _, step := range b.Steps {
		if step.Local != "" {
			return &InputError{fmt.Sprintf("step %q", step.Name), "a local step needs the transport \"ssm\": a builder that runs by itself waits for nobody"}
		}
	}
	return nil
}

func (b Bake) render(around surroundings) ([]byte, error) {
	if err := b.checkScript(); err != nil {
		return nil, err
	}
	w := newScript(b.Nonce, around)
	w.telling = b.Telling
	w.apart = b.Apart
	w.need(partSettle, partCleanUp)
	w.guarded = true
	w.line("stamp_open")
	w.line("stamp_hold")
	w.fetchParcels(b.Steps)
	w.line("stamp_settle")
	for i, step := range b.Steps {
		w.step(i+1, step)
	}
	number := len(b.Steps) + 1
	for _, check := range b.Checks {
		w.check(number, check)
		number++
	}
	w.identify(b.CleanUp)
	for _, part := range b.CleanUp.parts() {
		w.clean(number, part)
		number++
	}
	w.line("stamp_close ok")
	return w.end(), w.err
}

// errWindowsScript says that there is no script for Windows that works by itself.
var errWindowsScript = &InputError{"the machine", "Windows is driven by Run Command only: it needs the transport \"ssm\""}

func (p Proof) render(around surroundings) ([]byte, error) {
	if p.Windows {
		return nil, errWindowsScript
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	w := newScript(p.Nonce, around)
	w.guarded = true
	w.telling = p.Telling
	w.line("stamp_open")
	w.line("stamp_hold")
	number := w.differ(1, p.Identity)
	for _, check := range p.Checks {
		w.check(number, check)
		number++
	}
	w.line("stamp_close ok")
	return w.end(), nil
}

// scriptWriter puts a script together.
type scriptWriter struct {
	nonce  string
	around surroundings
	// remote is set for a command of several: it reports and ends, and the machine stays.
	remote bool
	// guarded is set for a script that runs by itself: should it be killed, it goes on.
	guarded bool
	// telling is set when it tells what good items print; a command does in any case.
	telling bool
	// apart is set when large uploads are fetched, and are not in the script.
	apart bool
	// err is why a file could not be put into the script.
	err   error
	parts map[string]bool
	body  bytes.Buffer
	// otherwise is the body for a script that is run with that word.
	otherwise map[string]string
}

func newScript(nonce string, around surroundings) *scriptWriter {
	return &scriptWriter{nonce: nonce, around: around, parts: map[string]bool{partBase: true}}
}

// need adds parts of the runtime.
func (w *scriptWriter) need(parts ...string) {
	for _, part := range parts {
		w.parts[part] = true
	}
}

// end puts the script together. Call and exit stand on one line, the last one that the
// shell reads.
func (w *scriptWriter) end() []byte {
	var b bytes.Buffer
	yes := func(is bool) string {
		if is {
			return "yes"
		}
		return ""
	}
	fmt.Fprintf(&b, "#!/bin/sh\n# Written by terraform-provider-stamp. It reports on the serial console.\n")
	fmt.Fprintf(&b, "stamp_nonce=%s\nstamp_root=%s\nstamp_console=%s\n", quote(w.nonce), quote(w.around.root), quote(w.around.console))
	fmt.Fprintf(&b, "stamp_remote=%s\nstamp_telling=%s\nstamp_imds=%s\nstamp_pause=%d\n", yes(w.remote), yes(w.remote || w.telling), quote(w.around.imds), w.around.pause)
	for _, part := range runtimeParts {
		if w.parts[part] {
			b.Write(runtimePart(part))
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "stamp_power_off() {\n%s\n}\n\nstamp_restart() {\n%s\n}\n\n", w.around.powerOff, w.around.restart)
	fmt.Fprintf(&b, "stamp_main() {\n%s}\n\n", w.body.Bytes())
	for _, word := range slices.Sorted(maps.Keys(w.otherwise)) {
		fmt.Fprintf(&b, "stamp_main_%s() {\n%s}\n\n", word, w.otherwise[word])
		fmt.Fprintf(&b, "[ \"$1\" != %s ] || { stamp_main_%s; exit; }\n", word, word)
	}
	if w.guarded {
		b.WriteString("stamp_guard; ")
	}
	b.WriteString("stamp_main; exit\n")
	return b.Bytes()
}

// line writes one command; words are quoted already.
func (w *scriptWriter) line(words ...string) {
	w.body.WriteString(strings.Join(words, " "))
	w.body.WriteByte('\n')
}

func (w *scriptWriter) step(number int, step Step) {
	switch {
	case step.Reboot:
		w.need(partReboot)
		w.line("stamp_reboot", fmt.Sprint(number), quote(step.Name))
		// After the restart others may be at work again.
		w.line("stamp_settle")
	case step.Upload != nil:
		w.upload(number, step.Name, *step.Upload)
	default:
		w.run(number, PhaseStep, step.Name, step.Script, running{
			environment: step.Environment, user: step.User, timeout: step.Timeout,
			attempts: step.Retries + 1, interval: step.Interval, codes: step.ExitCodes,
		})
	}
}

func (w *scriptWriter) check(number int, check Check) {
	w.run(number, PhaseCheck, check.Name, check.Script, running{
		environment: check.Environment, user: check.User, timeout: check.Timeout, attempts: max(check.Attempts, 1), interval: check.Interval,
	})
}

// running is how a script is run.
type running struct {
	environment map[string]string
	user        string
	timeout     time.Duration
	attempts    int
	interval    time.Duration
	codes       []int
}

// accepted are the exit codes of success, in one word.
func (r running) accepted() string {
	if len(r.codes) == 0 {
		return "0"
	}
	return strings.Trim(fmt.Sprint(r.codes), "[]")
}

func (w *scriptWriter) run(number int, phase, name, script string, how running) {
	w.need(partRun)
	if how.user != "" {
		w.need(partUser)
	}
	if how.timeout == 0 {
		how.timeout = DefaultTimeout
	}
	environment := ""
	if len(how.environment) > 0 {
		environment = "env"
		for _, variable := range slices.Sorted(maps.Keys(how.environment)) {
			environment += " " + quote(variable+"="+how.environment[variable])
		}
	}
	encoding, content := word([]byte(unixLines(script)))
	w.line("stamp_do", fmt.Sprint(number), phase, quote(name), seconds(how.timeout), fmt.Sprint(how.attempts), seconds(how.interval),
		quote(how.accepted()), quote(how.user), quote(environment), encoding, content)
}

// seconds rounds up: sleep takes whole seconds everywhere.
func seconds(d time.Duration) string {
	return fmt.Sprint(int64((d + time.Second - 1) / time.Second))
}

// identify tells what the clean-up is about to remove, so that a proof can see that the
// next boot has made it anew.
func (w *scriptWriter) identify(c CleanUp) {
	if kinds := c.identities(); len(kinds) > 0 {
		w.need(partIdentity)
		w.line(append([]string{"stamp_identify"}, kinds...)...)
	}
}

// identities are the kinds of identity that are removed.
func (c CleanUp) identities() []string {
	var kinds []string
	if c.MachineID {
		kinds = append(kinds, MachineID)
	}
	if c.HostKeys {
		kinds = append(kinds, HostKey)
	}
	return kinds
}

// differ compares with the builder's identity, and returns the next item's number.
func (w *scriptWriter) differ(number int, identity Identity) int {
	for _, kind := range slices.Sorted(maps.Keys(identity)) {
		if len(identity[kind]) > 0 {
			w.need(partIdentity)
			w.line(append([]string{"stamp_differ", fmt.Sprint(number), kind}, identity[kind]...)...)
			number++
		}
	}
	return number
}

func (w *scriptWriter) clean(number int, part string) {
	w.need(partCleanUp)
	if part == cleanKeys {
		w.need(partKeys)
	}
	w.line("stamp_clean", fmt.Sprint(number), part)
}

// Parts of the clean-up that are told apart here.
const (
	cleanKeys = "authorized_keys"
	cleanSSM  = "ssm"
	cleanLogs = "logs"
	cleanOwn  = "own"
)

// parts are the parts of the clean-up that are on, in the order in which they are done.
func (c CleanUp) parts() []string {
	var parts []string
	for _, part := range []struct {
		on   bool
		name string
	}{
		{c.HostKeys, "host_keys"},
		{c.MachineID, "machine_id"},
		{c.RandomSeed, "random_seed"},
		{c.DHCPLeases, "dhcp_leases"},
		{c.AuthorizedKeys, cleanKeys},
		{c.Histories, "histories"},
		{c.SSMRegistration, cleanSSM},
		{c.CloudInit, "cloud_init"},
		{true, cleanOwn},
		// The last: it puts memory over what is logged from then on.
		{c.Logs, cleanLogs},
	} {
		if part.on {
			parts = append(parts, part.name)
		}
	}
	return parts
}
