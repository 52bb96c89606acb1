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

// found lists what an upload has: paths, modes and contents.
func found(t *testing.T, source string, exclude ...string) (upload guest.Upload, files []string) {
	t.Helper()
	if err := findFiles(&upload, source, exclude); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	for i := range upload.Files {
		var content strings.Builder
		if err := upload.Files[i].CopyTo(&content); err != nil {
			t.Fatal(err)
		}
		files = append(files, upload.Files[i].Path+" "+upload.Files[i].Mode+" "+content.String())
	}
	return upload, files
}

// A directory is uploaded with what a checkout keeps of the modes; a link stands for what it
// points to, the source itself too.
func TestFindFiles_directory(t *testing.T) {
	root := t.TempDir()
	site := filepath.Join(root, "site")
	write(t, filepath.Join(site, "bin", "run it"), "#!/bin/sh\n", 0o700)
	write(t, filepath.Join(site, "b.txt"), "b", 0o600)
	write(t, filepath.Join(site, "z", "elsewhere.txt"), "there", 0o644)
	write(t, filepath.Join(site, "bin.txt"), "after bin", 0o644)
	link(t, "z/elsewhere.txt", filepath.Join(site, "a.txt"))
	link(t, "../z", filepath.Join(site, "bin", "to z"))
	link(t, "site", filepath.Join(root, "current"))
	if err := os.Mkdir(filepath.Join(site, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.txt 0644 there", "b.txt 0644 b", "bin/run it 0755 #!/bin/sh\n", "bin/to z/elsewhere.txt 0644 there", "bin.txt 0644 after bin", "z/elsewhere.txt 0644 there",
	}
	for _, source := range []string{site, filepath.Join(root, "current")} {
		upload, files := found(t, source)
		if diff := cmp.Diff(want, files); diff != "" || !upload.Directory {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
		if diff := cmp.Diff([]string{"bin", "bin/to z", "empty", "z"}, upload.Folders); diff != "" {
			t.Errorf("%s: folders (-want +got):\n%s", source, diff)
		}
		if diff := cmp.Diff([]string{"empty"}, upload.EmptyFolders()); diff != "" {
			t.Errorf("%s: empty folders (-want +got):\n%s", source, diff)
		}
	}
}

// What is excluded is not looked at: not even a pipe or a link that would be refused.
func TestFindFiles_exclude(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{".DS_Store", "a/.DS_Store", "a/b/cache/x", "cache/x", "docs/readme.md", "docs/deep/readme.md", "keep/[x]", "main.pyc"} {
		write(t, filepath.Join(root, filepath.FromSlash(name)), "", 0o644)
	}
	link(t, "/", filepath.Join(root, "out"))
	for name, test := range map[string]struct{ exclude, want []string }{
		"names at any depth":     {[]string{"out", ".DS_Store", "cache", "*.md", "main.py[co]"}, []string{"keep/[x]"}},
		"paths from the source":  {[]string{"/out", "a/**/cache/", "docs/*.md", "*.pyc", ".DS_Store"}, []string{"cache/x", "docs/deep/readme.md", "keep/[x]"}},
		"with any directories":   {[]string{"out", "**/x", "docs/**", "**/.DS_Store", "?ain.pyc"}, []string{"keep/[x]"}},
		"everything of a folder": {[]string{"out", "a/**", "cache/*", "docs", "main.pyc", ".DS_Store", "keep/\\[x]"}, nil},
	} {
		upload, _ := found(t, root, test.exclude...)
		var got []string
		for _, file := range upload.Files {
			got = append(got, file.Path)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := findFiles(&guest.Upload{}, filepath.Join(root, "main.pyc"), []string{"x"}); err == nil {
		t.Error("exclude was taken for a file")
	}
}

// What cannot be uploaded is named.
func TestFindFiles_refuses(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "elsewhere"), "a key", 0o600)
	for name, test := range map[string]struct{ to, says string }{
		"a link to where it is": {".", "it has no end"},
		"a link to nowhere":     {"nowhere", "no such file"},
		"a link out of it":      {"../elsewhere", "out of the directory that is uploaded"},
		"a link to the parent":  {"..", "out of the directory that is uploaded"},
		"a device":              {os.DevNull, "out of the directory that is uploaded"},
		"a link by an absolute": {filepath.Join(root, "elsewhere"), "out of the directory that is uploaded"},
	} {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(root, name)
			write(t, filepath.Join(source, "fine"), "", 0o644)
			link(t, test.to, filepath.Join(source, "link"))
			if err := findFiles(&guest.Upload{}, source, nil); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want something of %q", err, test.says)
			}
		})
	}
}
