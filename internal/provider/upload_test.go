package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Skip(err)
	}
}

// A directory is uploaded file by file, with what a checkout keeps of their modes; a link
// stands for what it points to, the source itself too.
func TestReadUpload_directory(t *testing.T) {
	root := t.TempDir()
	site := filepath.Join(root, "site")
	write(t, filepath.Join(site, "bin", "run it"), "#!/bin/sh\n", 0o700)
	write(t, filepath.Join(site, "b.txt"), "b", 0o600)
	write(t, filepath.Join(site, "z", "elsewhere.txt"), "there", 0o644)
	link(t, "z/elsewhere.txt", filepath.Join(site, "a.txt"))
	link(t, "site", filepath.Join(root, "current"))
	if err := os.Mkdir(filepath.Join(site, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := []guest.File{
		{Path: "a.txt", Mode: "0644", Content: []byte("there")},
		{Path: "b.txt", Mode: "0644", Content: []byte("b")},
		{Path: "bin/run it", Mode: "0755", Content: []byte("#!/bin/sh\n")},
		{Path: "z/elsewhere.txt", Mode: "0644", Content: []byte("there")},
	}
	for _, source := range []string{site, filepath.Join(root, "current")} {
		var upload guest.Upload
		if err := readUpload(&upload, source); err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if diff := cmp.Diff(want, upload.Files); diff != "" || !upload.Directory {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

// What cannot be uploaded is named.
func TestReadUpload_refuses(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "elsewhere"), "a key", 0o600)
	for name, test := range map[string]struct{ to, says string }{
		"a link to a directory": {".", "is a symbolic link to a directory"},
		"a link to nowhere":     {"nowhere", "no such file"},
		"a link out of it":      {"../elsewhere", "out of the directory that is uploaded"},
		"a device":              {os.DevNull, "out of the directory that is uploaded"},
		"a link by an absolute": {filepath.Join(root, "elsewhere"), "out of the directory that is uploaded"},
	} {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(root, name)
			write(t, filepath.Join(source, "fine"), "", 0o644)
			link(t, test.to, filepath.Join(source, "link"))
			if err := readUpload(&guest.Upload{}, source); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want something of %q", err, test.says)
			}
		})
	}
}
