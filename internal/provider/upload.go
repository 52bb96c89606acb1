package provider

import (
	"fmt"
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

func readUpload(upload *guest.Upload, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		content, err := os.ReadFile(source)
		upload.Files = []guest.File{{Mode: modeOr(upload.Mode, portableMode(info)), Content: content}}
		return err
	}
	upload.Directory = true
	if source, err = filepath.EvalSymlinks(source); err != nil { // WalkDir would stay before a link
		return err
	}
	return filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		// Stat follows symbolic links: what they point to is uploaded.
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
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, name)
		if err != nil {
			return err
		}
		upload.Files = append(upload.Files, guest.File{
			Path:    filepath.ToSlash(relative),
			Mode:    modeOr(upload.Mode, portableMode(info)),
			Content: content,
		})
		return nil
	})
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
