package guest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// onWindows is a bake with each kind of thing in it.
func onWindows() Bake {
	return Bake{
		Windows: true, Nonce: "abc123",
		Steps: []Step{
			{
				Name: "it's", Script: "Write-Output 'it is'\r\nexit 3010", Environment: map[string]string{"A": "it’s\n$B", "C": ""},
				Retries: 2, Interval: time.Second, ExitCodes: []int{0, 3010},
			},
			{Name: "app", Upload: &Upload{Destination: `C:\app`, Directory: true, Files: []File{
				{Path: "in/a b.txt", Mode: "0644", Content: []byte("a'b")}, {Path: "c", Mode: "0644", Content: []byte{0, 1}},
			}}},
			{Name: "here", Local: "true"},
			{Name: "kernel", Reboot: true},
		},
		Checks: []Check{{Name: "ok", Script: "exit 0", Attempts: 3, Interval: time.Second, Timeout: time.Minute}},
		CleanUp: CleanUp{
			HostKeys: true, MachineID: true, CloudInit: true, Logs: true, Histories: true, DHCPLeases: true, RandomSeed: true,
			AuthorizedKeys: true, SSMRegistration: true,
		},
	}
}

func windowsCommandsOf(t *testing.T, bake Bake) []Command {
	t.Helper()
	commands, err := bake.Commands()
	if err != nil {
		t.Fatal(err)
	}
	return commands
}

var mainOf = regexp.MustCompile(`(?ms)^function (stamp_main(?:_depart)?) \{\n(.*?)\n\}\n\n`)

// bodyOf is what a command does, without the runtime.
func bodyOf(command Command) string {
	text := ""
	for _, found := range mainOf.FindAllStringSubmatch(string(command.Script), -1) {
		text += found[1] + ":\n" + found[2] + "\n"
	}
	return text
}

// What is composed around the runtime, word by word: a user's values stand in single
// quotes, doubled where PowerShell takes them for one, or are base64.
func TestWindows_commands(t *testing.T) {
	var kinds []string
	text := ""
	for _, command := range windowsCommandsOf(t, onWindows()) {
		kinds = append(kinds, command.Kind)
		text += "# " + command.Title + "\n" + bodyOf(command)
	}
	want := `# the machine to be ready
stamp_main:
stamp_open
stamp_settle
stamp_survey
stamp_close ok
# step "it's"
stamp_main:
stamp_open
stamp_do 1 step 'it''s' 900 3 1 '0 3010' @{'A'='it’’s
$B';'C'=''} text 'Write-Output ''it is''` + "\r" + `
exit 3010'
stamp_close ok
# step "app"
stamp_main:
stamp_open
if (stamp_begin 2 step 'app') {
stamp_unbroken
stamp_folder 'C:\app'
stamp_place 'C:\app\in\a b.txt' 3 text 'a''b'
stamp_place 'C:\app\c' 2 base64 'AAE='
stamp_pass
}
stamp_close ok
# step "here"
stamp_main:
stamp_open
stamp_mark 3 step 'here'
stamp_close ok
# step "kernel"
stamp_main:
stamp_open
stamp_reboot 4 'kernel'
stamp_settle
stamp_close ok
# check "ok"
stamp_main:
stamp_open
stamp_do 5 check 'ok' 60 3 1 '0' @{} text 'exit 0'
stamp_close ok
# the clean-up
stamp_main:
stamp_open
stamp_identify machine-id host-key
stamp_clean 6 host_keys
stamp_clean 7 histories
stamp_clean 8 machine_id
stamp_depart
stamp_close ok
stamp_main_depart:
$stamp.last = $true
stamp_open
stamp_away
stamp_clean 9 ssm
stamp_clean 10 logs
stamp_clean 11 own
stamp_sealed
stamp_off
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{CommandOpen, CommandRun, CommandRun, CommandLocal, CommandReboot, CommandRun, CommandClose}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func TestWindows_proof(t *testing.T) {
	commands, err := Proof{Windows: true, Nonce: "n", Identity: Identity{MachineID: {"1234567890123456"}}, Checks: onWindows().Checks}.Commands()
	if err != nil {
		t.Fatal(err)
	}
	// Digests are quoted: one of digits alone would be a number.
	if got := bodyOf(commands[1]); !strings.Contains(got, "stamp_differ 1 'machine-id' '1234567890123456'\n") {
		t.Errorf("it compares by\n%s", got)
	}
	if got := bodyOf(commands[2]); !strings.Contains(got, "stamp_do 2 check 'ok'") || len(commands) != 3 {
		t.Errorf("%d commands, the last of them\n%s", len(commands), got)
	}
}

// Without Sysprep there is EC2Launch's reset, and with neither there is none.
func TestWindows_cleanUp(t *testing.T) {
	for want, cleanUp := range map[string]CleanUp{
		"cloud_init own":            {CloudInit: true},
		"machine_id own":            {MachineID: true},
		"host_keys ssm own":         {HostKeys: true, SSMRegistration: true, DHCPLeases: true, RandomSeed: true, AuthorizedKeys: true},
		"histories machine_id logs": {Histories: true, Logs: true, MachineID: true, CloudInit: true},
	} {
		if !strings.HasSuffix(want, "own") {
			want += " own"
		}
		if got := strings.Join(cleanUp.windowsParts(), " "); got != want {
			t.Errorf("%+v cleans %s, not %s", cleanUp, got, want)
		}
	}
}

// Each function that a script calls is in it.
func TestWindows_scriptsAreWhole(t *testing.T) {
	word := regexp.MustCompile(`\bstamp_[a-z0-9_]+`)
	defined := regexp.MustCompile(`(?m)^function (stamp_[a-z0-9_]+)|\$(stamp_[a-z0-9_]+) ?=`)
	bake := onWindows()
	bake.Secrets = map[string]string{"TOKEN": "x"}
	scripts := map[string]string{"loader": string(Staged{SHA256: "00"}.WindowsLoader("n", "https://bucket/key"))}
	for _, command := range windowsCommandsOf(t, bake) {
		scripts[command.Title] = string(command.Script)
	}
	for title, script := range scripts {
		known := map[string]bool{"stamp_clean_": true, "stamp_source": true}
		for _, found := range defined.FindAllStringSubmatch(script, -1) {
			known[found[1]+found[2]] = true
		}
		for _, used := range word.FindAllString(regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(script, ""), -1) {
			if !known[used] {
				t.Errorf("%s: %s is not there", title, used)
			}
		}
	}
}

// The key that a machine tells is what Seal reads, and what Seal writes is what it opens.
func TestWindows_secretsAreSealed(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := base64.StdEncoding.DecodeString(spkiBefore)
	after, _ := base64.StdEncoding.DecodeString(spkiAfter)
	told := bytes.Join([][]byte{before, private.N.FillBytes(make([]byte, 384)), after}, nil)
	parsed, err := x509.ParsePKIXPublicKey(told)
	if public, ok := parsed.(*rsa.PublicKey); !ok || public.N.Cmp(private.N) != 0 || big.NewInt(int64(public.E)).Cmp(big.NewInt(65537)) != 0 {
		t.Fatalf("the key that is told is %v, %v", parsed, err)
	}
	secret := strings.Repeat("hunter2 ’", 100)
	bake := Bake{Windows: true, Nonce: "n", Steps: []Step{{Name: "uses it", Script: "exit 0"}}, Secrets: map[string]string{"TOKEN": secret}}
	sealed, err := windowsCommandsOf(t, bake)[1].Seal(base64.StdEncoding.EncodeToString(told), bake.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`\nstamp_secret TOKEN ('[^\n]*)\n`).FindSubmatch(sealed.Script)
	if line == nil || bytes.Contains(sealed.Script, []byte("hunter2")) {
		t.Fatalf("sealed:\n%s", bodyOf(sealed))
	}
	opened := ""
	for chunk := range strings.FieldsSeq(string(line[1])) {
		content, err := base64.StdEncoding.DecodeString(strings.Trim(chunk, "'"))
		if err != nil {
			t.Fatal(err)
		}
		part, err := rsa.DecryptOAEP(sha256.New(), nil, private, content, nil)
		if err != nil {
			t.Fatal(err)
		}
		opened += string(part)
	}
	if opened != secret {
		t.Errorf("opened: %q", opened)
	}
}

// A short script is one line, a long one many, of ASCII alone and without double braces,
// and what they carry is the script.
func TestWindows_carries(t *testing.T) {
	for name, script := range map[string][]byte{"short": []byte("Write-Output '{{ ’ }}'"), "long": incompressible(3 * commandLimit)} {
		lines, err := Command{Windows: true, Number: 7, Script: script}.Carry("n1")
		if err != nil {
			t.Fatal(err)
		}
		if (len(lines) > 1) != (name == "long") {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		text := ""
		for _, line := range lines {
			if len(line) > commandLimit+700 || strings.Contains(line, "{{") || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r < 32 }) {
				t.Errorf("%s: a line of %d bytes: %.80s", name, len(line), line)
			}
			if found := regexp.MustCompile(`'([A-Za-z0-9+/=]{40,})'`).FindStringSubmatch(line); found != nil && found[1] != hexDigest(script) {
				text += found[1]
			}
		}
		packed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pack(script)
		if err != nil || !bytes.Equal(packed, want) {
			t.Errorf("%s: %d bytes arrive of %d, %v", name, len(packed), len(want), err)
		}
	}
}
