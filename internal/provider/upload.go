package provider

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// spec reads what is to be uploaded.
func (m uploadModel) spec(at path.Path, diags *diag.Diagnostics) *guest.Upload {
	upload := &guest.Upload{
		Destination: m.Destination.ValueString(),
		Mode:        m.Mode.ValueString(),
		Owner:       m.Owner.ValueString(),
	}
	if !m.Content.IsNull() {
		upload.Files = []guest.File{{Mode: modeOr(upload.Mode, "0644"), Content: []byte(m.Content.ValueString())}}
		return upload
	}
	source := m.Source.ValueString()
	if err := readUpload(upload, source); err != nil {
		attributeError(diags, at.AtName("source"), "The file to upload cannot be read",
			fmt.Sprintf("%v\n\nThe plan hashes the files to upload, so they must exist when it is made. "+
				"The path is relative to the directory in which Terraform runs; use \"${path.module}/…\" for a file beside the configuration.", err))
	}
	return upload
}

// maxUpload is how much one upload may hold in all. Files travel in user data (16 KiB), in
// Run Commands of 64 KB, or as one script through the staging bucket, and are held in memory
// on their way: what is larger belongs into a bucket or a package of its own.
const maxUpload = 512 << 20

func readUpload(upload *guest.Upload, source string) error {
	reader := uploadReader{upload: upload, left: maxUpload}
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return reader.file(source, "")
	}
	upload.Directory = true
	if source, err = filepath.EvalSymlinks(source); err != nil { // WalkDir would stay before a link
		return err
	}
	return filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(source, name)
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			if err := staysIn(source, name); err != nil {
				return err
			}
		}
		return reader.file(name, filepath.ToSlash(relative))
	})
}

// staysIn refuses a link that leads out of an uploaded directory. A directory of somebody
// else's, a module's for instance, could name any file of the person who runs Terraform.
func staysIn(source, link string) error {
	to, err := filepath.EvalSymlinks(link)
	if err != nil {
		return err
	}
	if relative, err := filepath.Rel(source, to); err != nil || !filepath.IsLocal(relative) {
		return fmt.Errorf("%s is a symbolic link to %s, out of the directory that is uploaded: put a copy in its place, or upload that file by a step of its own", link, to)
	}
	return nil
}

// uploadReader reads the files of one upload.
type uploadReader struct {
	upload *guest.Upload
	left   int64
}

// file reads one file, which is seen to be one before it is opened: to open a pipe waits for
// whoever writes to it, and a device has no end. Stat follows symbolic links: what they point
// to is uploaded.
func (r *uploadReader) file(name, relative string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a symbolic link to a directory: only links to files are followed", name)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file nor a directory", name)
	}
	if info.Size() > r.left {
		return r.tooLarge(name)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	// It may have grown since, and what /proc shows has no size.
	content, err := io.ReadAll(io.LimitReader(file, r.left+1))
	if err != nil {
		return err
	}
	if r.left -= int64(len(content)); r.left < 0 {
		return r.tooLarge(name)
	}
	r.upload.Files = append(r.upload.Files, guest.File{Path: relative, Mode: modeOr(r.upload.Mode, portableMode(info)), Content: content})
	return nil
}

func (r *uploadReader) tooLarge(name string) error {
	return fmt.Errorf("with %s the upload is larger than %d MiB, which is the most: fetch large files by a script, from a bucket or a package repository", name, maxUpload>>20)
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
