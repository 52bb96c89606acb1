package guests

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// part is one part of a MIME message, as it is.
func part(mediaType, body string) string {
	return fmt.Sprintf("Content-Type: %s\nMIME-Version: 1.0\n\n%s\n", mediaType, body)
}

// packed is a part with a gzipped body in base64.
func packed(mediaType, body string) string {
	return fmt.Sprintf("Content-Type: %s\nContent-Transfer-Encoding: base64\n\n%s\n",
		mediaType, base64.StdEncoding.EncodeToString(zipped(body)))
}

func zipped(text string) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = writer.Write([]byte(text)) // a bytes.Buffer takes everything
	_ = writer.Close()
	return out.Bytes()
}

func mimeMessage(parts ...string) []byte {
	const boundary = "==edge=="
	text := "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n\n"
	for _, p := range parts {
		text += "--" + boundary + "\n" + p + "\n"
	}
	return []byte(text + "--" + boundary + "--\n")
}

func TestReal_userDataForms(t *testing.T) {
	cases := []struct {
		name     string
		userData []byte
		want     []string
	}{
		{"gzip", zipped("#!/bin/sh\necho :zipped\n"), []string{":zipped"}},
		{
			"parts: hooks first, then scripts, runcmd last",
			mimeMessage(
				part("text/x-shellscript", "#!/bin/sh\necho :first $(cat /etc/motd)"),
				packed("text/x-shellscript", "#!/bin/bash\necho :second ${BASH_VERSION:+in bash}\n"),
				part("text/cloud-boothook", "#cloud-boothook\n#!/bin/sh\necho :hook $INSTANCE_ID $(hostname)\n"),
				part("text/cloud-config", "#cloud-config\nhostname: named\nwrite_files:\n- path: /etc/motd\n  content: welcome\n  permissions: '0600'\n"+
					"runcmd:\n- echo :run $(stat -c %a /etc/motd)\n- [echo, ':list  of', words]\n"),
			),
			[]string{":hook i-0123456789abcdef0 named", ":first welcome", ":second in bash", ":run 600", ":list  of words"},
		},
		{"config alone", []byte("#cloud-config\nruncmd: [echo :alone]\n"), []string{":alone"}},
		{"hook alone", []byte("#cloud-boothook\n#!/bin/sh\necho :hook\n"), []string{":hook"}},
		{"Windows line ends", []byte("#!/bin/sh\r\necho :dos\r\n"), []string{":dos"}},
		{"a failing part does not stop the next", mimeMessage(
			part("text/x-shellscript", "#!/bin/sh\necho :fails; exit 1"),
			part("text/x-shellscript", "#!/bin/sh\necho :goes on"),
		), []string{":fails", ":goes on"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{UserData: c.userData})
			g.screen.await(t, finished, 1)
			if diff := cmp.Diff(c.want, g.screen.lines(":")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, g.screen)
			}
		})
	}
}

func TestReal_saysWhatItDoesNotUnderstand(t *testing.T) {
	cases := []struct{ name, userData, want string }{
		{"plain text", "just words", "unhandled text/x-not-multipart userdata part part-001, starting \"just words\""},
		{"no interpreter", string(mimeMessage(part("text/x-shellscript", "echo :never"))), "Missing #! in script?"},
		{"cloud-config key", "#cloud-config\npackages: [nginx]\n", `does not understand "packages"`},
		{"broken config", "#cloud-config\nruncmd: [\n", "yaml line 2"},
		{"include", "#include\nhttps://example.com/\n", "unhandled text/x-include-url"},
		{"damaged gzip", "\x1f\x8b\x08broken", "unpacking gzip"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{UserData: []byte(c.userData)})
			g.screen.await(t, finished, 1)
			if !strings.Contains(g.screen.String(), c.want) {
				t.Errorf("the console lacks %q:\n%s", c.want, g.screen)
			}
		})
	}
}

func TestReal_preservedHostname(t *testing.T) {
	host := sharedHost(t)
	builder := start(t, host, Spec{InstanceID: "i-builder", Hostname: "builder"})
	builder.screen.await(t, finished, 1)
	builder.sh(t, "echo golden > /etc/hostname")
	forgets := builder.freeze(t)
	if err := builder.Boot(); err != nil {
		t.Fatal(err)
	}
	builder.screen.await(t, finished, 2)
	builder.sh(t, "echo 'preserve_hostname: true' > /etc/cloud/cloud.cfg.d/99-hostname.cfg")
	preserves := builder.freeze(t)

	for want, layer := range map[string]Layer{"clone": forgets, "golden": preserves} {
		clone := start(t, host, Spec{InstanceID: "i-clone", Hostname: "clone", Layers: []Layer{layer}})
		clone.screen.await(t, finished, 1)
		if got := clone.sh(t, "hostname"); got != want {
			t.Errorf("the clone is called %q, want %q", got, want)
		}
	}
}
