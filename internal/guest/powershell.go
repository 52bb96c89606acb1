package guest

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed powershell
var powershell embed.FS

// Parts of the runtime for Windows that scripts hold only where they need them: the base
// and what is always there come before them.
const (
	windowsSettle   = "settle"
	windowsRun      = "run"
	windowsUpload   = "upload"
	windowsReboot   = "reboot"
	windowsIdentity = "identity"
	windowsCleanUp  = "cleanup"
	windowsRemote   = "remote"
	windowsSecrets  = "secrets"
	windowsStaged   = "staged"
)

var windowsParts = []string{
	windowsSettle, windowsRun, windowsUpload, windowsReboot, windowsIdentity, windowsCleanUp, windowsRemote, windowsSecrets, windowsStaged,
}

// windowsConsole is the serial port whose output EC2 shows.
const windowsConsole = "COM1"

// windowsPause is how many seconds the agent has to tell that the last command has ended.
const windowsPause = 15

// singleQuotes are the characters that PowerShell takes for a single quote.
// https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_quoting_rules
var singleQuotes = strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")

// psQuote makes one word of PowerShell out of any text without NUL.
func psQuote(text string) string { return "'" + singleQuotes.Replace(text) + "'" }

// psWord is content as a word of PowerShell, with the name of its encoding.
func psWord(content []byte) (encoding, quoted string) {
	if isText(content) {
		return "text", psQuote(string(content))
	}
	return "base64", psQuote(base64.StdEncoding.EncodeToString(content))
}

// psWriter puts one command for Windows together.
type psWriter struct {
	nonce string
	parts map[string]bool
	body  bytes.Buffer
	// depart is what is done behind the agent's back.
	depart bytes.Buffer
	// err is why a file could not be put into the script.
	err error
}

func newPSWriter(nonce string) *psWriter { return &psWriter{nonce: nonce, parts: map[string]bool{}} }

// need adds parts of the runtime.
func (w *psWriter) need(parts ...string) {
	for _, part := range parts {
		w.parts[part] = true
	}
}

// line writes one command; words are quoted already.
func (w *psWriter) line(words ...string) { fmt.Fprintln(&w.body, strings.Join(words, " ")) }

// end puts the script together.
func (w *psWriter) end() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by terraform-provider-stamp.\n$stamp_nonce=%s\n$stamp_console=%s\n$stamp_pause=%d\n",
		psQuote(w.nonce), psQuote(windowsConsole), windowsPause)
	if w.parts[windowsSecrets] {
		fmt.Fprintf(&b, "$stamp_key_before=%s\n$stamp_key_after=%s\n", psQuote(spkiBefore), psQuote(spkiAfter))
	}
	b.Write(windowsPart("base"))
	for _, part := range windowsParts {
		if w.parts[part] {
			b.WriteByte('\n')
			b.Write(windowsPart(part))
		}
	}
	fmt.Fprintf(&b, "\nfunction stamp_main {\n%s}\n\n", w.body.Bytes())
	if w.depart.Len() > 0 {
		fmt.Fprintf(&b, "function stamp_main_depart {\n%s}\n\n", w.depart.Bytes())
		b.WriteString("if ($args[0] -eq 'depart') {\n    try { stamp_main_depart } catch { stamp_late $_ }\n    exit 0\n}\n")
	}
	b.WriteString("stamp_main\nexit 0\n")
	return b.Bytes()
}

func windowsPart(name string) []byte {
	content, err := powershell.ReadFile("powershell/" + name + ".ps1")
	if err != nil {
		panic(fmt.Sprintf("the runtime for Windows has no part %s", name)) // the names are the constants above
	}
	return content
}

// psCommander puts commands for Windows together.
type psCommander struct {
	nonce string
	made  []Command
	err   error
}

func (b Bake) windowsCommands() ([]Command, error) {
	if err := b.validateWindows(); err != nil {
		return nil, err
	}
	c := psCommander{nonce: b.Nonce}
	c.open(len(b.Secrets) > 0)
	for i, step := range b.Steps {
		c.step(i+1, step, len(b.Secrets) > 0)
	}
	c.close(c.checks(len(b.Steps)+1, b.Checks), b.CleanUp)
	return c.made, c.err
}

func (p Proof) windowsCommands() ([]Command, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if err := validateWindowsChecks(p.Checks); err != nil {
		return nil, err
	}
	c := psCommander{nonce: p.Nonce}
	c.open(false)
	number := 1
	for _, kind := range slices.Sorted(maps.Keys(p.Identity)) {
		if digests := p.Identity[kind]; len(digests) > 0 {
			command := Command{Kind: CommandRun, Title: fmt.Sprintf("%s %q", PhaseIdentity, kind), Number: number}
			c.add(command, func(w *psWriter) {
				w.need(windowsIdentity)
				words := []string{"stamp_differ", fmt.Sprint(number), psQuote(kind)}
				for _, digest := range digests {
					words = append(words, psQuote(digest))
				}
				w.line(words...)
			})
			number++
		}
	}
	c.checks(number, p.Checks)
	return c.made, nil
}

func (c *psCommander) add(command Command, write func(*psWriter)) {
	w := newPSWriter(c.nonce)
	w.line("stamp_open")
	if command.Secret {
		w.need(windowsSecrets)
		w.line(secretsHere)
	}
	write(w)
	w.line("stamp_close ok")
	command.Windows = true
	command.Script = w.end()
	c.made, c.err = append(c.made, command), cmp.Or(c.err, w.err)
}

func (c *psCommander) open(secrets bool) {
	c.add(Command{Kind: CommandOpen, Title: "the machine to be ready"}, func(w *psWriter) {
		w.need(windowsSettle, windowsRemote)
		w.line("stamp_settle")
		w.line("stamp_survey")
		if secrets {
			w.need(windowsSecrets)
			w.line("stamp_key")
		}
	})
}

func (c *psCommander) step(number int, step Step, secrets bool) {
	command := Command{Kind: CommandRun, Title: fmt.Sprintf("%s %q", PhaseStep, step.Name), Number: number}
	item := []string{fmt.Sprint(number), PhaseStep, psQuote(step.Name)}
	switch {
	case step.Reboot:
		command.Kind = CommandReboot
		c.add(command, func(w *psWriter) {
			w.need(windowsReboot, windowsSettle)
			w.line("stamp_reboot", item[0], item[2])
			// After the restart others may be at work again.
			w.line("stamp_settle")
		})
	case step.Local != "":
		command.Kind, command.Step = CommandLocal, step
		c.add(command, func(w *psWriter) {
			w.need(windowsRemote)
			w.line(append([]string{"stamp_mark"}, item...)...)
		})
	case step.Upload != nil:
		c.add(command, func(w *psWriter) { w.upload(item, *step.Upload) })
	default:
		command.Secret = secrets
		c.add(command, func(w *psWriter) {
			w.run(item, step.Script, running{
				environment: step.Environment, timeout: step.Timeout, attempts: step.Retries + 1, interval: step.Interval, codes: step.ExitCodes,
			})
		})
	}
}

func (c *psCommander) checks(number int, checks []Check) (next int) {
	for _, check := range checks {
		command := Command{Kind: CommandRun, Title: fmt.Sprintf("%s %q", PhaseCheck, check.Name), Number: number}
		item := []string{fmt.Sprint(number), PhaseCheck, psQuote(check.Name)}
		c.add(command, func(w *psWriter) {
			w.run(item, check.Script, running{
				environment: check.Environment, timeout: check.Timeout, attempts: max(check.Attempts, 1), interval: check.Interval,
			})
		})
		number++
	}
	return number
}

// close cleans up in two parts: what the agent may see, with Sysprep at its end, and what
// it may not.
func (c *psCommander) close(number int, cleanUp CleanUp) {
	c.add(Command{Kind: CommandClose, Title: "the clean-up"}, func(w *psWriter) {
		w.need(windowsCleanUp, windowsIdentity, windowsRemote)
		if kinds := cleanUp.identities(); len(kinds) > 0 {
			w.line("stamp_identify", strings.Join(kinds, " "))
		}
		fmt.Fprintln(&w.depart, "$stamp.last = $true\nstamp_open\nstamp_away")
		for _, part := range cleanUp.windowsParts() {
			line := fmt.Sprintf("stamp_clean %d %s", number, part)
			switch part {
			case cleanSSM, cleanOwn, cleanLogs:
				fmt.Fprintln(&w.depart, line)
			default:
				w.line(line)
			}
			number++
		}
		if cleanUp.MachineID {
			fmt.Fprintln(&w.depart, "stamp_sealed")
		}
		fmt.Fprintln(&w.depart, "stamp_off")
		w.line("stamp_depart")
	})
}

// windowsParts are the parts of the clean-up that mean something on Windows and are on, in
// the order in which they are done. Sysprep comes last of what the agent sees; with it,
// EC2Launch begins anew at the next boot anyway.
func (c CleanUp) windowsParts() []string {
	var parts []string
	for _, part := range []struct {
		on   bool
		name string
	}{
		{c.HostKeys, "host_keys"},
		{c.Histories, "histories"},
		{c.CloudInit && !c.MachineID, "cloud_init"},
		{c.MachineID, "machine_id"},
		{c.SSMRegistration, cleanSSM},
		{c.Logs, cleanLogs},
		{true, cleanOwn},
	} {
		if part.on {
			parts = append(parts, part.name)
		}
	}
	return parts
}

func (w *psWriter) run(item []string, script string, how running) {
	w.need(windowsRun)
	if how.timeout == 0 {
		how.timeout = DefaultTimeout
	}
	var variables []string
	for _, variable := range slices.Sorted(maps.Keys(how.environment)) {
		variables = append(variables, psQuote(variable)+"="+psQuote(how.environment[variable]))
	}
	encoding, content := psWord([]byte(script))
	words := append([]string{"stamp_do"}, item...)
	w.line(append(words, seconds(how.timeout), fmt.Sprint(how.attempts), seconds(how.interval), psQuote(how.accepted()),
		"@{"+strings.Join(variables, ";")+"}", encoding, content)...)
}

func (w *psWriter) upload(item []string, upload Upload) {
	w.need(windowsUpload)
	w.line("if (stamp_begin", strings.Join(item, " ")+") {")
	w.line("stamp_unbroken")
	if upload.Directory {
		w.line("stamp_folder", psQuote(upload.Destination))
	}
	for _, folder := range upload.EmptyFolders() {
		w.line("stamp_folder", psQuote(windowsPath(upload.Destination, folder)))
	}
	for i := range upload.Files {
		file := &upload.Files[i]
		content, err := file.bytes()
		if err != nil {
			w.err = err
			return
		}
		encoding, text := psWord(content)
		w.line("stamp_place", psQuote(windowsPath(upload.Destination, file.Path)), fmt.Sprint(len(content)), encoding, text)
	}
	w.line("stamp_pass")
	w.line("}")
}

// windowsPath is a path below another, as Windows writes it.
func windowsPath(destination, below string) string {
	return strings.ReplaceAll(path.Join(strings.ReplaceAll(destination, `\`, "/"), below), "/", `\`)
}

// psRun runs the script that is in $s, as bytes, and keeps its text for a part that needs
// it.
const psRun = `$stamp_source=[Text.Encoding]::UTF8.GetString($s);& ([ScriptBlock]::Create($stamp_source))`

// psUnpack makes the bytes $s of the packed ones in $b.
const psUnpack = `$m=[IO.MemoryStream]::new();$g=[IO.Compression.GZipStream]::new([IO.MemoryStream]::new($b),[IO.Compression.CompressionMode]::Decompress);` +
	`$g.CopyTo($m);$s=$m.ToArray();`

// carryWindows puts a packed script into lines for PowerShell. They hold ASCII only: the
// agent's script file has no encoding of its own.
func carryWindows(nonce string, number int, script []byte, text string) []string {
	const begin = "$ErrorActionPreference='Stop';"
	if len(text) <= commandLimit {
		return []string{begin + "$b=[Convert]::FromBase64String('" + text + "');" + psUnpack + psRun}
	}
	var lines []string
	dir := fmt.Sprintf(`$d=Join-Path $env:ProgramData 'stamp-bake\parts-%d';`, number)
	for piece := range slices.Chunk([]byte(text), commandLimit) {
		lines = append(lines, fmt.Sprintf(
			`%s%s[void][IO.Directory]::CreateDirectory($d);[IO.File]::WriteAllText("$d\%d.$PID",'%s');`+
				`Move-Item -LiteralPath "$d\%d.$PID" -Destination "$d\%d" -Force;[Console]::Out.WriteLine('%send ok')`,
			begin, dir, len(lines), piece, len(lines), len(lines), markerPrefix(nonce)))
	}
	return append(lines, fmt.Sprintf(
		`%s%s$t='';for($i=0;$i -lt %d;$i++){$t+=[IO.File]::ReadAllText("$d\$i")};$b=[Convert]::FromBase64String($t);%s`+
			`$h=[BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($s)).Replace('-','');`+
			`if($h -ne '%s'){throw 'what has arrived is not what was sent'};try{%s}finally{Remove-Item -LiteralPath $d -Recurse -Force -ErrorAction SilentlyContinue}`,
		begin, dir, len(lines), psUnpack, hexDigest(script), psRun))
}

// What stands before and after the 384 bytes of the modulus in the public key of RFC 5280,
// 4.1, of 3072 bits, with the usual exponent.
const (
	spkiBefore = "MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEA"
	spkiAfter  = "AgMBAAE="
)
