package guest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// Upload is a file or a directory to put on the builder.
type Upload struct {
	// Destination is an absolute path: the file itself, or the directory that
	// receives the files when Directory is set.
	Destination string
	Directory   bool
	// Mode is octal, like "0644". For a directory it applies to every file; empty
	// keeps each file's own.
	Mode string
	// Owner is "user" or "user:group"; empty means root.
	Owner string
	// Files has one entry, with an empty path, for a single file.
	Files []File
	// Folders are all directories below the destination, each before what is in it.
	Folders []string
	// Digest identifies the step and what it puts there, once that was read.
	Digest string
	// Parcel is where the files are fetched from, when they travel apart.
	Parcel *Parcel
}

// File is one uploaded file.
type File struct {
	// Path is relative to the destination directory, with forward slashes.
	Path string
	// Mode is octal, like "0755".
	Mode string
	// Content is the file's, unless it is on the disk.
	Content []byte
	// Disk is where the content is that is not held in memory.
	Disk *Disk
	// SHA256 is the content's, in hexadecimal digits; empty until it was read.
	SHA256 string
}

// Disk is a file of the machine that the provider runs on.
type Disk struct {
	Name string
	Size int64
}

// ChangedError says that a file is not what it was when it was looked at first.
type ChangedError struct{ Name string }

// Error names it.
func (e *ChangedError) Error() string {
	return e.Name + " was changed while it was read: do not write to it while Terraform runs, and run terraform apply again"
}

// Size is how many bytes the content has.
func (f *File) Size() int64 {
	if f.Disk != nil {
		return f.Disk.Size
	}
	return int64(len(f.Content))
}

// CopyTo writes the content, and looks whether it is what was read before. The first reading
// fills in the digest.
func (f *File) CopyTo(w io.Writer) error {
	if f.Disk == nil {
		if f.SHA256 == "" {
			f.SHA256 = hexDigest(f.Content)
		}
		_, err := w.Write(f.Content)
		return err
	}
	file, err := os.Open(f.Disk.Name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	// One byte more shows that the file has grown.
	n, err := io.Copy(io.MultiWriter(hash, w), io.LimitReader(file, f.Disk.Size+1))
	if err != nil {
		return err
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	if n != f.Disk.Size || f.SHA256 != "" && f.SHA256 != sum {
		return &ChangedError{f.Disk.Name}
	}
	f.SHA256 = sum
	return nil
}

// bytes returns the whole content.
func (f *File) bytes() ([]byte, error) {
	if f.Disk == nil {
		return f.Content, nil
	}
	var b bytes.Buffer
	b.Grow(int(f.Disk.Size))
	if err := f.CopyTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// leadsOut reports whether a path would not be below the destination.
func leadsOut(below string) bool {
	return below != "" && path.Clean("/"+below) != "/"+below || strings.Contains(below, "\x00")
}

// Size is how many bytes all files have together.
func (u *Upload) Size() int64 {
	var all int64
	for i := range u.Files {
		all += u.Files[i].Size()
	}
	return all
}

// EmptyFolders are the directories that are there for themselves: nothing is in them.
func (u *Upload) EmptyFolders() []string {
	used := map[string]bool{}
	for i := range u.Files {
		used[path.Dir(u.Files[i].Path)] = true
	}
	for _, folder := range u.Folders {
		used[path.Dir(folder)] = true
	}
	return slices.DeleteFunc(slices.Clone(u.Folders), func(folder string) bool { return used[folder] })
}

// made are the directories that are made one by one where files are put one by one: with an
// owner all of them, since to make a file makes its directory root's.
func (u *Upload) made() []string {
	if u.Owner != "" {
		return u.Folders
	}
	return u.EmptyFolders()
}

// What is more than this travels as one archive: each file that is put by itself costs a
// guest 10 to 25 ms, and a shell is slow to read a long script.
const (
	bulkyBytes = 32 << 10
	bulkyFiles = 32
)

// Bulky reports whether the upload is better sent as one archive.
func (u *Upload) Bulky() bool { return u.Size() > bulkyBytes || len(u.Files) > bulkyFiles }

// UploadSize is how many bytes all uploads have together.
func (b Bake) UploadSize() int64 {
	var all int64
	for _, step := range b.Steps {
		if step.Upload != nil {
			all += step.Upload.Size()
		}
	}
	return all
}

// uploadLimit is how much of uploads goes through Run Commands without an object store: at
// about 24 KiB a command and a second each, more takes longer than anybody waits for.
const uploadLimit = 16 << 20

// CheckCommands says, without composing them, whether the bake can be carried by commands.
// staged is set when there is an object store beside them. Errors are *InputError.
func (b Bake) CheckCommands(staged bool) error {
	validate := b.validate
	if b.Windows {
		validate = b.validateWindows
	}
	if err := validate(); err != nil || staged {
		return err
	}
	for _, step := range b.Steps {
		if step.Upload != nil && step.Upload.Size() > uploadLimit {
			return &InputError{fmt.Sprintf("step %q", step.Name), fmt.Sprintf("the upload has %d bytes, and Run Commands alone carry at most %d MiB. "+
				"Set bake.staging_bucket to an S3 bucket of the line's region, through which it goes then", step.Upload.Size(), uploadLimit>>20)}
		}
	}
	return nil
}

// CheckScript says, without composing more than can fit, whether the bake can be carried by
// user data. With an object store any size can be. Errors are *InputError and *TooLargeError.
func (b Bake) CheckScript(staged bool) error {
	if err := b.checkScript(); err != nil || staged {
		return err
	}
	size := b.UploadSize()
	if size > UserDataLimit*deflateMost {
		return &TooLargeError{Size: size, Beyond: true}
	}
	if size > bulkyBytes {
		if fits, err := b.uploadsFit(); err != nil || !fits {
			return cmp.Or[error](err, &TooLargeError{Size: size, Beyond: true})
		}
	}
	script, err := b.Script()
	if err != nil {
		return err
	}
	_, err = Encode(script)
	return err
}
