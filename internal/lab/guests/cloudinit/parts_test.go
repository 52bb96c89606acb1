package cloudinit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func gzipped(text string) string {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, _ = writer.Write([]byte(text)) // a bytes.Buffer takes everything
	_ = writer.Close()
	return out.String()
}

func TestParse(t *testing.T) {
	const head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n"
	cases := []struct {
		name, userData string
		want           []Part
		wantErr        string
	}{
		{name: "nothing"},
		{name: "blank", userData: " \n"},
		{
			name: "script", userData: "#!/bin/sh\necho\n",
			want: []Part{{TypeScript, "text/x-shellscript", "part-001", []byte("#!/bin/sh\necho\n")}},
		},
		{
			name: "zipped script", userData: gzipped("#!/bin/sh\r\necho\r\n"),
			want: []Part{{TypeScript, "text/x-shellscript", "part-001", []byte("#!/bin/sh\necho\n")}},
		},
		{
			name: "CRLF below a first line of Unix", userData: "#!/bin/sh\nprintf 'a\r\n'\r\n",
			want: []Part{{TypeScript, "text/x-shellscript", "part-001", []byte("#!/bin/sh\nprintf 'a\r\n'\r\n")}},
		},
		{
			name: "hook loses its mark", userData: "#cloud-boothook\n#!/bin/sh\n",
			want: []Part{{TypeBootHook, "text/cloud-boothook", "part-001", []byte("#!/bin/sh\n")}},
		},
		{
			name: "unknown", userData: "hello",
			want: []Part{{TypeUnknown, "text/x-not-multipart", "part-001", []byte("hello")}},
		},
		{
			name: "encodings, names and telling by the first line",
			userData: head +
				"--b\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\nContent-Disposition: attachment; filename=\"../one.sh\"\n\n#!1\n" +
				"--b\nContent-Type: text/plain\nContent-Transfer-Encoding: BASE64\n\n" + base64.StdEncoding.EncodeToString([]byte("#!2")) + "\n" +
				"--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(gzipped("#cloud-config\n{}"))) + "\n" +
				"--b\nContent-Type: text/x-shellscript\nContent-Transfer-Encoding: quoted-printable\n\n#!4=3D\n" +
				"--b--\n",
			want: []Part{
				{TypeScript, "text/x-shellscript", "one.sh", []byte("#!1")},
				{TypeScript, "text/x-shellscript", "part-002", []byte("#!2")},
				{TypeConfig, "text/cloud-config", "part-003", []byte("#cloud-config\n{}")},
				{TypeScript, "text/x-shellscript", "part-004", []byte("#!4=")},
			},
		},
		{
			name: "a message in a message",
			userData: head + "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/x-shellscript\n\n#!1\n--c--\n" +
				"--b\nContent-Type: text/x-shellscript\n\n#!2\n--b--\n",
			want: []Part{
				{TypeScript, "text/x-shellscript", "part-001", []byte("#!1")},
				{TypeScript, "text/x-shellscript", "part-002", []byte("#!2")},
			},
		},
		{
			name:     "a damaged part leaves the others",
			userData: head + "--b\nContent-Transfer-Encoding: base64\n\n???\n--b\nContent-Type: text/x-shellscript\n\n#!2\n--b--\n",
			want:     []Part{{TypeScript, "text/x-shellscript", "part-001", []byte("#!2")}},
			wantErr:  "decoding a part",
		},
		{name: "cut off", userData: head + "--b\nContent-Type: text/x-shellscript\n\n#!1", wantErr: "reading a part"},
		{name: "no boundary", userData: "Content-Type: multipart/mixed\n\n", wantErr: "no boundary"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.userData))
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("error %v, want %q", err, c.wantErr)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_namesStayInTheirDirectory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[./a-z]{1,12}`).Draw(t, "name")
		parts, err := Parse([]byte("Content-Type: text/x-shellscript; name=\"" + name + "\"\n\n#!"))
		if err != nil || len(parts) != 1 {
			t.Fatalf("%v, %v", parts, err)
		}
		if got := parts[0].Name; got == "" || got == "." || got == ".." || strings.Contains(got, "/") {
			t.Fatalf("the file name %q became %q", name, got)
		}
	})
}
