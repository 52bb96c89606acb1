package guest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"strconv"
)

// Parcel is where the files of an upload are fetched from.
type Parcel struct {
	URL string
	// SHA256 is that of what is stored there, in hexadecimal digits.
	SHA256 string
}

// Pack writes the files of the upload as they travel: a directory as an archive, a single
// file as it is, both compressed. The same files give the same bytes. No more is held in
// memory than what is on its way.
func (u *Upload) Pack(w io.Writer) error {
	// Most of what is large is packed already, so speed is worth more than size.
	packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if u.Directory {
		err = u.archive(packed)
	} else {
		err = u.Files[0].CopyTo(packed)
	}
	if err != nil {
		return err
	}
	return packed.Close()
}

// archive writes a tar in GNU's format, which busybox knows as well. Directories come before
// what is in them.
// https://www.gnu.org/software/tar/manual/html_node/Formats.html
func (u *Upload) archive(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, folder := range u.Folders {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, Format: tar.FormatGNU}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
	}
	for i := range u.Files {
		file := &u.Files[i]
		mode, err := strconv.ParseInt(file.Mode, 8, 32)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: file.Path, Mode: mode, Size: file.Size(), Format: tar.FormatGNU}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if err := file.CopyTo(archive); err != nil {
			return err
		}
	}
	return archive.Close()
}

// parcelHere stands in a command where it is said from where its files are fetched.
const parcelHere = "# parcel"

// Deliver says in a command with an upload from where its files are fetched.
func (c Command) Deliver(parcel Parcel) Command {
	line := "\n" + parcelLine(c.Number, c.Step.Name, parcel) + "\n"
	c.Script = bytes.Replace(c.Script, []byte("\n"+parcelHere+"\n"), []byte(line), 1)
	c.Parcel = nil
	return c
}

func parcelLine(number int, name string, parcel Parcel) string {
	return fmt.Sprintf("stamp_parcel %d %s %s %s", number, parcel.SHA256, quote(parcel.URL), quote(name))
}

// fetchParcels fetches at the beginning what comes from elsewhere: a URL is good for a boot,
// and not for a bake.
func (w *scriptWriter) fetchParcels(steps []Step) {
	for i, step := range steps {
		if step.Upload != nil && step.Upload.Parcel != nil {
			w.need(partStaged)
			w.line(parcelLine(i+1, step.Name, *step.Upload.Parcel))
		}
	}
}

func (w *scriptWriter) upload(number int, name string, upload Upload) {
	w.need(partUpload)
	w.line("if stamp_begin", fmt.Sprint(number), PhaseStep, quote(name)+"; then")
	w.line("stamp_unbroken")
	switch {
	case w.apart && upload.Bulky():
		w.need(partStaged)
		if w.remote {
			w.line(parcelHere)
		}
		w.unpack(number, upload)
	case w.remote && upload.Directory && len(upload.Files) > bulkyFiles:
		w.enclose(number, upload)
		w.unpack(number, upload)
	default:
		w.place(upload)
	}
	w.line("stamp_pass")
	w.line("fi")
}

// enclose puts the archive into the script.
func (w *scriptWriter) enclose(number int, upload Upload) {
	var b bytes.Buffer
	if w.err = upload.Pack(&b); w.err == nil {
		w.line("stamp_enclosed", fmt.Sprint(number), quote(base64.StdEncoding.EncodeToString(b.Bytes())))
	}
}

// unpack takes the files from a parcel that is there.
func (w *scriptWriter) unpack(number int, upload Upload) {
	if upload.Directory {
		w.line("stamp_folder", quote(upload.Destination), quote(upload.Owner))
		w.line("stamp_unpack", quote(upload.Destination), quote(upload.Owner), fmt.Sprint(number), quote(upload.lostMode()))
	} else {
		file := &upload.Files[0]
		w.line("stamp_place", quote(upload.Destination), quote(file.Mode), quote(upload.Owner), fmt.Sprint(file.Size()), "parcel", fmt.Sprint(number))
	}
	w.line(fmt.Sprintf(`rm -f "$stamp_parcels/%d"`, number))
}

// lostMode is the mode of all files where a change of their owner takes a part of it away:
// the kernel drops set-user-ID and set-group-ID.
// https://man7.org/linux/man-pages/man2/chown.2.html
func (u *Upload) lostMode() string {
	if u.Owner != "" && len(u.Mode) == 4 && u.Mode[0] != '0' {
		return u.Mode
	}
	return ""
}

// place puts file by file, with the contents in the script.
func (w *scriptWriter) place(upload Upload) {
	if upload.Directory {
		w.line("stamp_folder", quote(upload.Destination), quote(upload.Owner))
	}
	for _, folder := range upload.made() {
		w.line("stamp_folder", quote(path.Join(upload.Destination, folder)), quote(upload.Owner))
	}
	for i := range upload.Files {
		file := &upload.Files[i]
		content, err := file.bytes()
		if err != nil {
			w.err = err
			return
		}
		encoding, text := word(content)
		w.line("stamp_place", quote(path.Join(upload.Destination, file.Path)), quote(file.Mode), quote(upload.Owner),
			fmt.Sprint(len(content)), encoding, text)
	}
}
