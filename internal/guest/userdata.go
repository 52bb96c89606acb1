package guest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
)

// Encode makes user data out of a script: as it is while it fits, compressed above
// that, which cloud-init undoes. The result is the same for the same script. When it
// does not fit even so, the error is a *TooLargeError.
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html#gzip-compressed-content
func Encode(script []byte) ([]byte, error) {
	if len(script) <= UserDataLimit {
		return script, nil
	}
	if len(script) > UserDataLimit*deflateMost {
		return nil, &TooLargeError{Size: int64(len(script)), Beyond: true}
	}
	packed, err := pack(script)
	if err != nil {
		return nil, err
	}
	if len(packed) > UserDataLimit {
		return nil, &TooLargeError{Size: int64(len(script)), Compressed: len(packed)}
	}
	return packed, nil
}

// TooLargeError says that user data exceeds UserDataLimit.
type TooLargeError struct {
	// Size is in bytes, before base64.
	Size int64
	// Compressed is the size after compression; 0 when it was not compressed.
	Compressed int
	// Beyond is set when not all of it was counted, or compressed, since a part alone is too
	// much even compressed.
	Beyond bool
	// Why is the reason for which it was not compressed; empty where it was.
	Why string
}

// Error says by how much.
func (e *TooLargeError) Error() string {
	switch {
	case e.Beyond:
		return fmt.Sprintf("the user data has more than %d bytes, and more than %d compressed; EC2 takes at most %d", e.Size, UserDataLimit, UserDataLimit)
	case e.Compressed > 0:
		return fmt.Sprintf("the user data has %d bytes, %d compressed; EC2 takes at most %d", e.Size, e.Compressed, UserDataLimit)
	case e.Why != "":
		return fmt.Sprintf("the user data has %d bytes; EC2 takes at most %d, and %s", e.Size, UserDataLimit, e.Why)
	default:
		return fmt.Sprintf("the user data has %d bytes and is sent as it is; EC2 takes at most %d", e.Size, UserDataLimit)
	}
}

// deflateMost is how many times smaller deflate makes anything at most.
// https://zlib.net/zlib_tech.html
const deflateMost = 1032

// errFull ends a writing that has come to its limit.
var errFull = errors.New("the limit is reached")

// limited takes so many bytes, and no more.
type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// uploadsFit reports whether the files alone fit into user data once they are compressed. It
// stops reading as soon as they do not.
func (b Bake) uploadsFit() (bool, error) {
	writer, err := gzip.NewWriterLevel(&limited{UserDataLimit}, gzip.BestCompression)
	if err != nil {
		return false, err
	}
	for _, step := range b.Steps {
		if step.Upload == nil {
			continue
		}
		for i := range step.Upload.Files {
			if err := step.Upload.Files[i].CopyTo(writer); err != nil {
				return false, ignoreFull(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		return false, ignoreFull(err)
	}
	return true, nil
}

func ignoreFull(err error) error {
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// pack compresses; the same content gives the same bytes.
func pack(content []byte) ([]byte, error) {
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
