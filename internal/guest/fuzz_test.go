package guest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzIdentity reads any tag: what is taken is well-formed, and can be written again.
func FuzzIdentity(f *testing.F) {
	f.Add("machine-id=0123456789abcdef host-key=0123456789abcdef")
	f.Add("machine-id=0123456789abcde\n' host-key=$(id) x=0123456789abcdef")
	f.Fuzz(func(t *testing.T, text string) {
		identity := ParseIdentity(text)
		for kind, digests := range identity {
			for _, digest := range digests {
				if kind != MachineID && kind != HostKey || !digestFormat.MatchString(digest) {
					t.Fatalf("%s %q was taken of %q", kind, digest, text)
				}
			}
		}
		// It goes into a script.
		if _, err := (Proof{Nonce: "n", Identity: identity}).Commands(); err != nil {
			t.Fatalf("of %q: %v", text, err)
		}
		again := ParseIdentity(identity.String())
		for kind, digests := range again {
			if len(digests) > len(identity[kind]) {
				t.Fatalf("%v became %v", identity, again)
			}
		}
	})
}

// FuzzUserData takes any user data, and any name of a fleet: it is an archive, or an error
// of ours, and is the same each time.
func FuzzUserData(f *testing.F) {
	f.Add([]byte("#!/bin/sh\necho"), "web", "it's")
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x\n\n--x--"), "it's (a) [line]", "$(id)\n`id`")
	f.Add([]byte("MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n"), "", "\x1b")
	f.Add([]byte{0x1f, 0x8b, 0}, "\xff", "")
	f.Fuzz(func(t *testing.T, user []byte, fleet, value string) {
		preamble := Preamble{Fleet: fleet, Slots: []int{0}, Environments: map[int]map[string]string{0: {"A": value}}}
		data, err := preamble.UserData(user)
		if err != nil {
			_, input := errors.AsType[*InputError](err)
			if _, large := errors.AsType[*TooLargeError](err); !input && !large {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if again, _ := preamble.UserData(user); !bytes.Equal(data, again) || len(data) > UserDataLimit {
			t.Fatalf("%d bytes, and other ones the next time: %t", len(data), !bytes.Equal(data, again))
		}
	})
}

// FuzzLoader takes any URL: it stands in the script as one word, for either shell.
func FuzzLoader(f *testing.F) {
	f.Add("https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1&x=2")
	f.Add("'; rm -rf / #")
	f.Add("’; Remove-Item C:\\ #\n")
	f.Fuzz(func(t *testing.T, url string) {
		script := string(Staged{SHA256: "00"}.Loader("n", url, true))
		if want := "stamp_load script 00 '" + strings.ReplaceAll(url, "'", `'\''`) + "'\n"; strings.Count(script, want) == 0 {
			t.Errorf("%q stands otherwise than as %q", url, want)
		}
		word := psQuote(url)
		inner := word[1 : len(word)-1]
		for _, quote := range []string{"'", "‘", "’", "‚", "‛"} {
			inner = strings.ReplaceAll(inner, quote+quote, "")
			if utf8.ValidString(url) && strings.Contains(inner, quote) {
				t.Errorf("%q ends the word early: %q", url, word)
			}
		}
	})
}
