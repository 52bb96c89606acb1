package guest

import (
	"bytes"
	_ "embed" // the runtime
	"fmt"
	"maps"
	"path"
	"slices"
	"time"
)

//go:embed runtime.sh
var runtime string

// surroundings are what a script finds around it. Tests set their own.
type surroundings struct {
	// root is put before every path that the runtime touches.
	root string
	// console is a character device, beside standard output.
	console string
	// powerOff is the body of the function that ends the machine.
	powerOff string
}

// server is where scripts run. Having asked for the end, they wait for it.
var server = surroundings{
	console: "/dev/console",
	powerOff: `	if command -v shutdown >/dev/null 2>&1; then shutdown -h now; elif command -v poweroff >/dev/null 2>&1; then poweroff; else halt -p; fi
	sleep 600`,
}

// Script composes one self-contained script that bakes, reports and powers off.
// Errors are *InputError.
func (b Bake) Script() ([]byte, error) { return b.render(server) }

// Script composes one self-contained script that runs the checks, reports and powers
// off. Errors are *InputError.
func (p Proof) Script() ([]byte, error) { return p.render(server) }

func (b Bake) render(around surroundings) ([]byte, error) {
	if err := b.validate(); err != nil {
		return nil, err
	}
	w := newScript(b.Nonce, around)
	w.line("stamp_settle")
	for _, step := range b.Steps {
		w.step(step)
	}
	for _, check := range b.Checks {
		w.check(check)
	}
	w.cleanUp(b.CleanUp)
	return w.end(), nil
}

func (p Proof) render(around surroundings) ([]byte, error) {
	if err := (Bake{Nonce: p.Nonce, Checks: p.Checks}).validate(); err != nil {
		return nil, err
	}
	w := newScript(p.Nonce, around)
	for _, check := range p.Checks {
		w.check(check)
	}
	return w.end(), nil
}

// scriptWriter puts a script together.
type scriptWriter struct {
	bytes.Buffer
	scripts int
}

func newScript(nonce string, around surroundings) *scriptWriter {
	w := &scriptWriter{}
	fmt.Fprintf(w, "#!/bin/sh\n# Written by terraform-provider-stamp. It reports on the serial console and powers off.\n")
	fmt.Fprintf(w, "stamp_nonce=%s\nstamp_root=%s\nstamp_console=%s\n", quote(nonce), quote(around.root), quote(around.console))
	w.WriteString(runtime)
	fmt.Fprintf(w, "\nstamp_power_off() {\n%s\n}\n\nstamp_main() {\nstamp_open\n", around.powerOff)
	return w
}

// end closes the script. Call and exit stand on one line, the last one that the
// shell reads.
func (w *scriptWriter) end() []byte {
	w.line("stamp_close ok")
	w.WriteString("}\n\nstamp_main; exit\n")
	return w.Bytes()
}

// line writes one command; words are quoted already.
func (w *scriptWriter) line(words ...string) {
	for i, each := range words {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(each)
	}
	w.WriteByte('\n')
}

func (w *scriptWriter) step(step Step) {
	if step.Upload != nil {
		w.upload(step.Name, *step.Upload)
		return
	}
	w.run(PhaseStep, step.Name, step.Script, step.Environment, step.Timeout, 1, 0)
}

func (w *scriptWriter) check(check Check) {
	w.run(PhaseCheck, check.Name, check.Script, check.Environment, check.Timeout, max(check.Attempts, 1), check.Interval)
}

func (w *scriptWriter) run(phase, name, script string, environment map[string]string, timeout time.Duration, attempts int, interval time.Duration) {
	w.scripts++
	number := fmt.Sprint(w.scripts)
	encoding, content := word([]byte(script))
	w.line("stamp_script", number, encoding, content)
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	words := []string{"stamp_do", phase, quote(name), seconds(timeout), fmt.Sprint(attempts), seconds(interval), number}
	for _, variable := range slices.Sorted(maps.Keys(environment)) {
		words = append(words, quote(variable+"="+environment[variable]))
	}
	w.line(words...)
}

// seconds rounds up: sleep takes whole seconds everywhere.
func seconds(d time.Duration) string {
	return fmt.Sprint(int64((d + time.Second - 1) / time.Second))
}

func (w *scriptWriter) upload(name string, upload Upload) {
	w.line("stamp_upload", quote(name))
	if upload.Directory {
		w.line("mkdir", "-p", `"$stamp_root"`+quote(upload.Destination))
	}
	for _, file := range upload.Files {
		encoding, content := word(file.Content)
		w.line("stamp_place", quote(path.Join(upload.Destination, file.Path)), quote(file.Mode), quote(upload.Owner),
			fmt.Sprint(len(file.Content)), encoding, content)
	}
	w.line(`stamp_say "pass step $stamp_name"`)
}

func (w *scriptWriter) cleanUp(c CleanUp) {
	for _, part := range []struct {
		on   bool
		name string
	}{
		{c.HostKeys, "host_keys"},
		{c.MachineID, "machine_id"},
		{c.Histories, "histories"},
		{c.Logs, "logs"},
		{true, "own"},
		{c.CloudInit, "cloud_init"},
	} {
		if part.on {
			w.line("stamp_clean", part.name, "stamp_clean_"+part.name)
		}
	}
}
