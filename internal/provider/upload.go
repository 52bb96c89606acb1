package provider

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// spec is an upload whose source is yet to be read.
func (m uploadModel) spec() *guest.Upload {
	upload := &guest.Upload{
		Destination: m.Destination.ValueString(),
		Mode:        m.Mode.ValueString(),
		Owner:       m.Owner.ValueString(),
	}
	if !m.Content.IsNull() {
		upload.Files = []guest.File{{Mode: modeOr(upload.Mode, "0644"), Content: []byte(m.Content.ValueString())}}
	}
	return upload
}

// maxUpload is how much one upload may hold in all: what is larger belongs into a bucket or a
// package of its own.
const maxUpload = 512 << 20

// findFiles looks what there is to upload. It reads no file.
func findFiles(upload *guest.Upload, source string, exclude []string) error {
	found := uploadFinder{upload: upload, left: maxUpload, exclude: exclude}
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if len(exclude) > 0 {
			return fmt.Errorf("%s is a file: exclude is for directories", source)
		}
		return found.file(source, "")
	}
	upload.Directory = true
	if found.root, err = filepath.EvalSymlinks(source); err != nil {
		return err
	}
	if found.root, err = filepath.Abs(found.root); err != nil {
		return err
	}
	return found.directory(found.root, "")
}

// uploadFinder finds the files of one upload.
type uploadFinder struct {
	upload  *guest.Upload
	left    int64
	exclude []string
	// root is where the source really is; inside are the directories that we are in, links
	// followed.
	root   string
	inside []string
}

// directory finds what is in a directory that really is at that place. The files of a
// directory come in the order in which filepath.WalkDir finds them, which is part of the
// fingerprint.
func (f *uploadFinder) directory(place, below string) error {
	if slices.Contains(f.inside, place) {
		return fmt.Errorf("%s is a symbolic link to a directory that it is in: it has no end", filepath.Join(f.root, filepath.FromSlash(below)))
	}
	f.inside = append(f.inside, place)
	defer func() { f.inside = f.inside[:len(f.inside)-1] }()
	entries, err := os.ReadDir(place)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		relative := path.Join(below, entry.Name())
		if excluded(f.exclude, relative) {
			continue
		}
		if err := f.entry(filepath.Join(place, entry.Name()), relative, entry); err != nil {
			return err
		}
	}
	return nil
}

func (f *uploadFinder) entry(name, relative string, entry fs.DirEntry) error {
	isDirectory := entry.IsDir()
	if entry.Type()&fs.ModeSymlink != 0 {
		to, err := f.follow(name)
		if err != nil {
			return err
		}
		info, err := os.Stat(to)
		if err != nil {
			return err
		}
		if isDirectory = info.IsDir(); isDirectory {
			name = to
		}
	}
	if !isDirectory {
		return f.file(name, relative)
	}
	f.upload.Folders = append(f.upload.Folders, relative)
	return f.directory(name, relative)
}

// follow says where a link leads, and refuses one that leads out of an uploaded directory. A
// directory of somebody else's, a module's for instance, could name any file of the person
// who runs Terraform.
func (f *uploadFinder) follow(link string) (to string, err error) {
	if to, err = filepath.EvalSymlinks(link); err != nil {
		return "", err
	}
	if relative, err := filepath.Rel(f.root, to); err != nil || !filepath.IsLocal(relative) {
		return "", fmt.Errorf("%s is a symbolic link to %s, out of the directory that is uploaded: put a copy in its place, "+
			"leave it out with exclude, or upload what it leads to by a step of its own", link, to)
	}
	return to, nil
}

// unsizedFile is how long a file may be whose length the system does not tell, as in /proc.
const unsizedFile = 1 << 20

// file notes one file, which is seen to be one before it is opened: to open a pipe waits for
// whoever writes to it, and a device has no end. Stat follows symbolic links: what they point
// to is uploaded.
func (f *uploadFinder) file(name, relative string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file nor a directory", name)
	}
	if f.left -= info.Size(); f.left < 0 {
		return fmt.Errorf("with %s the upload is larger than %d MiB, which is the most: fetch large files by a script, from a bucket or a package repository", name, maxUpload>>20)
	}
	file := guest.File{Path: relative, Mode: modeOr(f.upload.Mode, portableMode(info)), Disk: &guest.Disk{Name: name, Size: info.Size()}}
	if info.Size() == 0 {
		if file.Content, err = readUnsized(name); err != nil {
			return err
		}
		file.Disk = nil
	}
	f.upload.Files = append(f.upload.Files, file)
	return nil
}

// readUnsized reads a file that seems to be empty.
func readUnsized(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, unsizedFile+1))
	if err == nil && len(content) > unsizedFile {
		err = fmt.Errorf("%s does not say how long it is: upload a copy of it", name)
	}
	return content, err
}

// excluded reports whether a pattern leaves out what is at a path below the source. A pattern
// without a slash is for a name at any depth, one with a slash for a path from the source on,
// in which ** stands for any number of directories.
func excluded(patterns []string, relative string) bool {
	for _, pattern := range patterns {
		pattern = strings.TrimSuffix(pattern, "/")
		if !strings.Contains(pattern, "/") {
			pattern = "**/" + pattern
		}
		if matches(strings.Split(strings.TrimPrefix(pattern, "/"), "/"), strings.Split(relative, "/")) {
			return true
		}
	}
	return false
}

func matches(pattern, names []string) bool {
	switch {
	case len(pattern) == 0:
		return len(names) == 0
	case pattern[0] == "**":
		return matches(pattern[1:], names) || len(names) > 0 && matches(pattern, names[1:])
	case len(names) == 0:
		return false
	}
	same, _ := path.Match(pattern[0], names[0]) // the schema has refused what is no pattern
	return same && matches(pattern[1:], names[1:])
}

// portableMode is what git keeps of a mode: whether the file is executable. The
// rest depends on the umask of a checkout and must not change the fingerprint.
func portableMode(info fs.FileInfo) string {
	if info.Mode()&0o111 != 0 {
		return "0755"
	}
	return "0644"
}

func modeOr(mode, otherwise string) string {
	if mode == "" {
		return otherwise
	}
	return mode
}
