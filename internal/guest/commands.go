package guest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// Kinds of a command.
const (
	// CommandOpen comes first, also when a run is taken up again: it waits until the
	// machine is ready and tells what is done already.
	CommandOpen = "open"
	// CommandRun does one item.
	CommandRun = "run"
	// CommandReboot restarts the machine; it is sent again until it has passed.
	CommandReboot = "reboot"
	// CommandLocal notes that something was done beside the provider, which comes before.
	CommandLocal = "local"
	// CommandClose cleans up and, behind the agent's back, switches the machine off.
	CommandClose = "close"
)

// Command is one script of a run that is carried by many. Each may be sent again: what is
// done is not done twice, only told again, and what is under way is waited for.
type Command struct {
	Kind string
	// Title is `step "install"`; for people.
	Title string
	// Number is the item's; 0 for none.
	Number int
	Script []byte
	// Windows is set when the script is one of PowerShell.
	Windows bool
	// Secret is set when the script takes the sealed secrets.
	Secret bool
	// Step is what a local one does, and one with an upload.
	Step Step
	// Parcel is the upload whose files travel apart: Deliver says from where.
	Parcel *Upload
}

// Commands composes a bake in commands. Errors are *InputError, and those of reading files.
func (b Bake) Commands() ([]Command, error) { return b.commands(server) }

// Commands composes a proof in commands. Errors are *InputError.
func (p Proof) Commands() ([]Command, error) { return p.commands(server) }

func (b Bake) commands(around surroundings) ([]Command, error) {
	if b.Windows {
		return b.windowsCommands()
	}
	if err := b.validate(); err != nil {
		return nil, err
	}
	c := commander{nonce: b.Nonce, around: around, apart: b.Apart}
	c.open(len(b.Secrets) > 0)
	for i, step := range b.Steps {
		c.step(i+1, step, len(b.Secrets) > 0)
	}
	number := c.checks(len(b.Steps)+1, b.Checks)
	c.close(number, b.CleanUp)
	return c.made, c.err
}

func (p Proof) commands(around surroundings) ([]Command, error) {
	if p.Windows {
		return p.windowsCommands()
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	c := commander{nonce: p.Nonce, around: around}
	c.open(false)
	number := 1
	for _, kind := range slices.Sorted(maps.Keys(p.Identity)) {
		if len(p.Identity[kind]) > 0 {
			title := fmt.Sprintf("%s %q", PhaseIdentity, kind)
			c.add(Command{Kind: CommandRun, Title: title, Number: number}, func(w *scriptWriter) {
				w.differ(number, Identity{kind: p.Identity[kind]})
			})
			number++
		}
	}
	c.checks(number, p.Checks)
	return c.made, nil
}

// commander puts commands together.
type commander struct {
	nonce  string
	around surroundings
	apart  bool
	made   []Command
	err    error
}

func (c *commander) add(command Command, write func(*scriptWriter)) {
	w := newScript(c.nonce, c.around)
	w.remote, w.apart = true, c.apart
	w.line("stamp_open")
	if command.Secret {
		w.need(partSecrets)
		w.line(secretsHere)
	}
	write(w)
	w.line("stamp_close ok")
	command.Script = w.end()
	c.made, c.err = append(c.made, command), cmp.Or(c.err, w.err)
}

func (c *commander) open(secrets bool) {
	c.add(Command{Kind: CommandOpen, Title: "the machine to be ready"}, func(w *scriptWriter) {
		w.need(partSettle, partRemote)
		w.line("stamp_stay")
		w.line("stamp_settle")
		w.line("stamp_survey")
		if secrets {
			w.need(partSecrets)
			w.line("stamp_key")
		}
	})
}

func (c *commander) step(number int, step Step, secrets bool) {
	command := Command{Kind: CommandRun, Title: fmt.Sprintf("%s %q", PhaseStep, step.Name), Number: number}
	write := func(w *scriptWriter) { w.step(number, step) }
	switch {
	case step.Reboot:
		command.Kind = CommandReboot
		write = func(w *scriptWriter) {
			w.need(partSettle)
			w.step(number, step)
		}
	case step.Local != "":
		command.Kind, command.Step = CommandLocal, step
		write = func(w *scriptWriter) {
			w.need(partRemote)
			w.line("stamp_mark", fmt.Sprint(number), PhaseStep, quote(step.Name))
		}
	case step.Upload != nil:
		command.Step = step
		if c.apart && step.Upload.Bulky() {
			command.Parcel = step.Upload
		}
	default:
		command.Secret = secrets
	}
	c.add(command, write)
}

func (c *commander) checks(number int, checks []Check) (next int) {
	for _, check := range checks {
		title := fmt.Sprintf("%s %q", PhaseCheck, check.Name)
		c.add(Command{Kind: CommandRun, Title: title, Number: number}, func(w *scriptWriter) { w.check(number, check) })
		number++
	}
	return number
}

// close cleans up in two parts: what the agent may see, and what it may not.
func (c *commander) close(number int, cleanUp CleanUp) {
	c.add(Command{Kind: CommandClose, Title: "the clean-up"}, func(w *scriptWriter) {
		w.need(partCleanUp, partRemote)
		// A restart that is on its way would not wait for what comes.
		w.line("stamp_stay")
		w.identify(cleanUp)
		w.line("stamp_depart")
		later := "stamp_last=yes\nstamp_open\nstamp_await\n"
		for _, part := range cleanUp.parts() {
			switch part {
			case cleanSSM, cleanOwn, cleanLogs:
				later += fmt.Sprintf("stamp_clean %d %s\n", number, part)
			default:
				w.clean(number, part)
			}
			number++
		}
		later += "stamp_remote=\nstamp_close ok\n"
		w.otherwise = map[string]string{"depart": later}
		w.line("stamp_left")
	})
}

// secretsHere stands in a script where the sealed secrets go.
const secretsHere = "# secrets"

// commandLimit is how long one command's text may be. A document together with its
// parameters may have 64 KB; half of that leaves room for JSON around it.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
const commandLimit = 32 << 10

// Carry puts the command's script into lines, one a Run Command, to be sent in order. It is
// packed, since braces in it would mean parameters to Systems Manager; a long one is sent
// in pieces that the last line puts together.
func (c Command) Carry(nonce string) ([]string, error) {
	packed, err := pack(c.Script)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(packed)
	if c.Windows {
		return carryWindows(nonce, c.Number, c.Script, text), nil
	}
	return carryShell(nonce, c.Number, c.Script, text), nil
}

// carryShell puts a packed script into lines for a shell.
func carryShell(nonce string, number int, script []byte, text string) []string {
	if len(text) <= commandLimit {
		// $$ makes the name unique: two commands of a run may overlap.
		return []string{"umask 077; d=/run/stamp-command; mkdir -p $d && printf %s " + quote(text) +
			" | base64 -d | gzip -dc >$d/$$ && /bin/sh $d/$$; c=$?; rm -f $d/$$; exit $c"}
	}
	var lines []string
	dir := fmt.Sprintf("/run/stamp-command/parts-%d", number)
	for piece := range slices.Chunk([]byte(text), commandLimit) {
		at := fmt.Sprintf("%s/%d", dir, len(lines))
		lines = append(lines, fmt.Sprintf("umask 077; mkdir -p %s && printf %%s %s >%s.new && mv %s.new %s && echo %send ok",
			dir, quote(string(piece)), at, at, at, markerPrefix(nonce)))
	}
	return append(lines, fmt.Sprintf(
		`umask 077; d=%s; i=0; while [ $i -lt %d ]; do cat $d/$i || exit; i=$((i + 1)); done | base64 -d | gzip -dc >$d/script && `+
			`[ "$(sha256sum <$d/script | cut -d " " -f 1)" = %s ] && /bin/sh $d/script; c=$?; rm -rf $d; exit $c`,
		dir, len(lines), hexDigest(script)))
}

func hexDigest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
