package guest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// metadata answers as the instance metadata service does, with session tokens only.
func metadata(t *testing.T, launchIndex int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			fmt.Fprint(w, "token")
		case r.URL.Path == "/latest/meta-data/ami-launch-index" && r.Header.Get("X-aws-ec2-metadata-token") == "token":
			fmt.Fprint(w, launchIndex)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPreamble_everyServerLearnsItsSlot(t *testing.T) {
	preamble := Preamble{
		Fleet: `it's "web"`, Hostname: "web-%03d", Slots: []int{0, 1, 2, 7, 10, 13, 16, 12},
		Environments: map[int]map[string]string{7: {"ROLE": "it's\n$(leader)"}, 3: {"NOT": "mine"}},
	}
	inShells(t, func(t *testing.T, shell []string) {
		for index, slot := range preamble.Slots {
			root := scratch(t, map[string]string{"etc/hosts": "127.0.0.1 localhost\n", "etc/stamp/slot.env": "STAMP_SLOT=stale\n"})
			hook := run(t, shell, root, preamble.bootHook(root, metadata(t, index)))
			if hook.code != 0 {
				t.Fatalf("the hook ended with %d: %s", hook.code, hook.console)
			}
			user := []byte("#!/bin/sh\nprintf '%s|' \"$STAMP_FLEET\" \"$STAMP_SLOT\" \"$STAMP_HOSTNAME\" \"$ROLE\" \"$NOT\"")
			got := run(t, shell, root, userScript(user, root)).console
			role := ""
			if slot == 7 {
				role = "it's\n$(leader)"
			}
			if want := fmt.Sprintf("it's \"web\"|%d|%s|%s||", slot, Hostname(preamble.Hostname, slot), role); got != want {
				t.Errorf("index %d: the user's script saw %q, want %q", index, got, want)
			}
			if got, want := read(t, root, "etc/hostname"), Hostname(preamble.Hostname, slot)+"\n"; got != want {
				t.Errorf("host name %q, want %q", got, want)
			}
			if info, err := os.Stat(filepath.Join(root, "etc/stamp/slot.env")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("slot.env: %v, %v", info, err)
			}
			// A second boot changes nothing.
			before := read(t, root, "etc/hosts")
			run(t, shell, root, preamble.bootHook(root, metadata(t, index)))
			if after := read(t, root, "etc/hosts"); after != before {
				t.Errorf("a second boot changed /etc/hosts to %q", after)
			}
		}
	})
}

// A name with dots has its short form beside it in /etc/hosts.
func TestPreamble_wholeNames(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/hosts": "127.0.0.1 localhost\n"})
		hook := Preamble{Fleet: "web", Hostname: "web-%d.example.com", Slots: []int{4}}.bootHook(root, metadata(t, 0))
		for range 2 {
			if ended := run(t, shell, root, hook); ended.code != 0 {
				t.Fatalf("the hook ended with %d: %s", ended.code, ended.console)
			}
		}
		if got, want := read(t, root, "etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 web-4.example.com web-4\n"; got != want {
			t.Errorf("/etc/hosts holds %q, want %q", got, want)
		}
	})
}

// A server that cannot learn its slot must not go on as somebody else.
func TestPreamble_unknownSlotRunsNothing(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/stamp/slot.env": "STAMP_SLOT=stale\n"})
		hook := run(t, shell, root, Preamble{Fleet: "web", Slots: []int{0, 1}}.bootHook(root, metadata(t, 2)))
		if hook.code == 0 || !strings.Contains(hook.console, "slot is unknown") {
			t.Errorf("the hook ended with %d: %s", hook.code, hook.console)
		}
		user := run(t, shell, root, userScript([]byte("#!/bin/sh\necho ran"), root))
		if user.code == 0 || strings.Contains(user.console, "ran") {
			t.Errorf("the user's script ran: %s", user.console)
		}
	})
}

type decodedPart struct{ contentType, content string }

// parts takes an archive apart as cloud-init does.
func parts(t *testing.T, data []byte) []decodedPart {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var found []decodedPart
	for reader := multipart.NewReader(message.Body, parameters["boundary"]); ; {
		each, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(each)
		if err != nil {
			t.Fatal(err)
		}
		if each.Header.Get("Content-Transfer-Encoding") == "base64" {
			if content, err = base64.StdEncoding.DecodeString(string(content)); err != nil {
				t.Fatal(err)
			}
		}
		found = append(found, decodedPart{each.Header.Get("Content-Type"), string(content)})
	}
}

func TestPreamble_usersFormatsGoInAsTheyAre(t *testing.T) {
	tests := map[string]struct{ user, contentType string }{
		"cloud-config": {"#cloud-config\r\nruncmd:\r\n  - x\r\n", "text/plain"},
		"include":      {"#include\nhttps://example.com/\n", "text/plain"},
		"beyond ASCII": {"#cloud-config\n# é\n", "text/plain"},
		"compressed":   {"\x1f\x8b\x08\x00rest", "application/gzip"},
		"nothing":      {"", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			preamble := Preamble{Fleet: "web", Hostname: "web-%d", Slots: []int{0}}
			data, err := preamble.UserData([]byte(test.user))
			if err != nil {
				t.Fatal(err)
			}
			want := []decodedPart{{"text/cloud-boothook", string(preamble.bootHook("", metadataService))}}
			if test.contentType != "" {
				want = append(want, decodedPart{test.contentType, test.user})
			}
			// The last one's keys win.
			want = append(want, decodedPart{"text/cloud-config", "#cloud-config\npreserve_hostname: true\nmanage_etc_hosts: false\n"})
			if diff := cmp.Diff(want, parts(t, data), cmp.AllowUnexported(decodedPart{})); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
	nested := "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--b--\n"
	data, err := Preamble{Fleet: "web", Slots: []int{0}}.UserData([]byte(nested))
	if err != nil {
		t.Fatal(err)
	}
	last := parts(t, data)[1]
	if last.contentType != `multipart/mixed; boundary="b"` || !strings.HasPrefix(last.content, "--b\n") {
		t.Errorf("the nested archive became %+v", last)
	}
}

// 1,000 slots with a pattern and a few overrides fit easily; too much says by how much.
func TestPreamble_size(t *testing.T) {
	preamble := Preamble{Fleet: "web", Hostname: "web-%04d", Environments: map[int]map[string]string{}}
	for slot := range 1000 {
		preamble.Slots = append(preamble.Slots, slot)
	}
	for slot := range 20 {
		preamble.Environments[slot*50] = map[string]string{"ROLE": "leader"}
	}
	data, err := preamble.UserData([]byte("#!/bin/sh\necho hello\n"))
	if err != nil || len(data) > UserDataLimit/2 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	noise := make([]byte, 20000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	_, err = preamble.UserData(append([]byte("#!/bin/sh\n"), noise...))
	if large, ok := errors.AsType[*TooLargeError](err); !ok || large.Compressed <= UserDataLimit {
		t.Errorf("error %v", err)
	}
}

func TestHostname(t *testing.T) {
	for pattern, valid := range map[string]bool{
		"web-%03d": true, "web-%d.internal": true, "%d": true, "web": true,
		"web_%d": false, "web-%s": false, "%d-%d": false, "-%d": false, "web-": false, "web-%03d-": false,
		"": false, "a..b": false, strings.Repeat("a", 60) + "%05d": false, "web-%010d": false,
	} {
		if err := ValidHostnamePattern(pattern); (err == nil) != valid {
			t.Errorf("%q: %v, want valid %t", pattern, err, valid)
		}
	}
	if got := Hostname("web-%03d", 7); got != "web-007" || !PatternHasNumber("web-%d") || PatternHasNumber("web") {
		t.Errorf("host name %q", got)
	}
}

func TestSlots_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(0, 3000), 0, 40).Draw(t, "slots")
		text := FormatSlots(slots)
		got, err := ParseSlots(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]int{}, slots...), append([]int{}, got...)); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
	})
	for _, spoilt := range []string{"a", "1-", "5-2", "1,,2", "0-99999999", "-1"} {
		if got, err := ParseSlots(spoilt); err == nil {
			t.Errorf("%q was read as %v", spoilt, got)
		}
	}
}

func TestEncode_compressesOnlyWhatMustBe(t *testing.T) {
	small, large := bytes.Repeat([]byte("a"), UserDataLimit), bytes.Repeat([]byte("a"), UserDataLimit+1)
	if got, err := Encode(small); err != nil || !bytes.Equal(got, small) {
		t.Errorf("%d bytes became %d, %v", len(small), len(got), err)
	}
	first, err := Encode(large)
	second, _ := Encode(large)
	if err != nil || len(first) > 1000 || !bytes.Equal(first, second) {
		t.Errorf("%d bytes became %d, %v", len(large), len(first), err)
	}
}
