package guest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func packed(t *testing.T, text string) string {
	t.Helper()
	content, err := pack([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// broken is base64 as base64(1) writes it.
func broken(text string) string {
	return regexp.MustCompile(".{1,76}").ReplaceAllString(encoded(text), "$0\n")
}

const multi = "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--b--\n"

func TestUserData_arrivesAsAServerShouldFindIt(t *testing.T) {
	long := "#!/bin/sh\n" + strings.Repeat("echo a line that is there often\n", 1000)
	powershell := "<powershell>\nWrite-Host hello\n</powershell>"
	ignition := `{"ignition": {"version": "3.4.0"}}`
	tests := map[string]struct{ user, want string }{
		"a script":              {"#!/bin/sh\necho\n", "#!/bin/sh\necho\n"},
		"base64 of a script":    {encoded("#!/bin/sh\necho\n"), "#!/bin/sh\necho\n"},
		"base64 of many lines":  {broken("#!/bin/sh\n" + strings.Repeat("echo\n", 50)), "#!/bin/sh\n" + strings.Repeat("echo\n", 50)},
		"base64 of config":      {encoded("#cloud-config\n{}\n"), "#cloud-config\n{}\n"},
		"base64gzip":            {encoded(packed(t, long)), packed(t, long)},
		"cloudinit_config":      {encoded(packed(t, multi)), packed(t, multi)},
		"base64 of a multipart": {encoded(multi), multi},
		"base64 for Windows":    {encoded(powershell), powershell},
		"base64 of Ignition":    {encoded(ignition), ignition},
		"base64 of who knows":   {encoded("hello, world"), encoded("hello, world")},
		"a word of four":        {"test", "test"},
		"a byte order mark":     {"\ufeff#!/bin/sh\necho\n", "#!/bin/sh\necho\n"},
		"a mark before config":  {"\ufeff#cloud-config\n{}\n", "#cloud-config\n{}\n"},
		"a blank line":          {"\n  #!/bin/sh\necho\n", "#!/bin/sh\necho\n"},
		"encoded with a mark":   {encoded("\ufeff\n#!/bin/sh\necho\n"), "#!/bin/sh\necho\n"},
		"Windows and its mark":  {"\ufeff" + powershell, "\ufeff" + powershell},
		"an appliance's":        {"\n license = 1\n", "\n license = 1\n"},
		"CRLF":                  {"#!/bin/sh\r\necho\r\n", "#!/bin/sh\r\necho\r\n"},
		"nothing":               {"", ""},
		"too long as it is":     {long, packed(t, long)},
		"too long when decoded": {encoded(long), packed(t, long)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := UserData([]byte(test.user))
			if err != nil || string(got) != test.want {
				t.Errorf("%q became %q, %v; want %q", test.user, got, err, test.want)
			}
		})
	}
}

// What is too large says so truly, and why it was not compressed.
func TestUserData_tooLarge(t *testing.T) {
	noise := string(incompressible(3 * UserDataLimit))
	tests := map[string]struct{ user, want string }{
		"a script":        {noise, "compressed"},
		"compressed":      {encoded(packed(t, noise)), "compressed already"},
		"for Windows":     {"<powershell>\n" + strings.Repeat(" ", UserDataLimit), "Windows reads no compressed"},
		"for Ignition":    {`{"ignition": {}, "a": "` + strings.Repeat(" ", UserDataLimit) + `"}`, "Ignition reads no compressed"},
		"an appliance's":  {strings.Repeat("x", UserDataLimit+1), "16385 bytes; EC2 takes at most 16384, and only cloud-init"},
		"just too long":   {"#!/bin/sh\n" + noise[10:], "EC2 takes at most 16384"},
		"encoded, base64": {encoded(noise), "compressed"},
	}
	for name, test := range tests {
		_, err := UserData([]byte(test.user))
		if large, ok := errors.AsType[*TooLargeError](err); !ok || !strings.Contains(large.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// With slots the same comes in as the part that it would be, and a script in it sees its
// slot.
func TestPreamble_takesWhatIsEncoded(t *testing.T) {
	preamble := Preamble{Fleet: "web", Slots: []int{0}}
	const script = "#!/bin/sh\necho hello\n"
	plain, err := preamble.UserData([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]string{
		"base64": encoded(script), "base64gzip": encoded(packed(t, script)), "gzip": packed(t, script), "marked": "\ufeff" + script, "CRLF": "#!/bin/sh\r\necho hello\r\n",
		"all of it": encoded(packed(t, encoded("\ufeff\n"+script))),
	} {
		if got, err := preamble.UserData([]byte(user)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %v, and not what a plain script makes:\n%s", name, err, got)
		}
	}
	for _, user := range []string{encoded(multi), encoded(packed(t, multi)), strings.Replace(multi, "Content-Type", "content-type", 1)} {
		data, err := preamble.UserData([]byte(user))
		if err != nil {
			t.Fatal(err)
		}
		if last := parts(t, data)[1]; last.contentType != `multipart/mixed; boundary="b"` {
			t.Errorf("a multipart became %+v", last)
		}
	}
	// What only looks like gzip is cloud-init's to refuse.
	if data, err := preamble.UserData([]byte("\x1f\x8bnone")); err != nil || parts(t, data)[1].contentType != "application/gzip" {
		t.Errorf("%v\n%s", err, data)
	}
	for _, user := range []string{`{"ignition": {"version": "3.4.0"}}`, encoded(`{"ignition":{}}`), "<powershell>\n</powershell>"} {
		_, err := preamble.UserData([]byte(user))
		if wrong, ok := errors.AsType[*InputError](err); !ok || !strings.Contains(wrong.Reason, "cloud-init") {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// systemd is what systemd reads of a line of an EnvironmentFile: the rules of systemd.exec(5)
// that matter to what is written here.
func systemd(line string) (string, bool) {
	_, value, _ := strings.Cut(line, "=")
	if inner, quoted := strings.CutPrefix(value, `"`); quoted {
		inner, closed := strings.CutSuffix(inner, `"`)
		var read strings.Builder
		for i := 0; i < len(inner); i++ {
			if inner[i] == '"' || inner[i] == '\\' && i+1 == len(inner) {
				return "", false // it would end in the middle
			}
			if inner[i] == '\\' && strings.IndexByte("\"\\`$", inner[i+1]) >= 0 {
				i++
			}
			read.WriteByte(inner[i])
		}
		return read.String(), closed
	}
	return value, !strings.ContainsAny(value, "'\"\\ \t\n")
}

// A slot's environment file means the same to a shell and to systemd.
func TestEnvQuote_readAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.SampledFrom([]rune("ab=-'\"\\$` \n\t~#;!%ü"))).Draw(t, "value")
		line := "A=" + envQuote(value)
		if got, ok := systemd(line); !ok || got != value {
			t.Fatalf("systemd reads %q of %s, %t; want %q", got, line, ok, value)
		}
		told, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", line+"\nprintf %s \"$A\"").Output()
		if err != nil || string(told) != value {
			t.Fatalf("a shell reads %q of %s, %v; want %q", told, line, err, value)
		}
	})
	for value, want := range map[string]string{"": "", "leader": "leader", "a/b:c@1.2,3": "a/b:c@1.2,3", "it's": `"it's"`, "~": `"~"`} {
		if got := envQuote(value); got != want {
			t.Errorf("%q is written %s, want %s", value, got, want)
		}
	}
}
