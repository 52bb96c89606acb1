package guest

import (
	"bytes"
	"compress/gzip"
)

// Encode makes user data out of a script: as it is while it fits, compressed above
// that, which cloud-init undoes. The result is the same for the same script. When it
// does not fit even so, the error is a *TooLargeError.
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html#gzip-compressed-content
func Encode(script []byte) ([]byte, error) {
	if len(script) <= UserDataLimit {
		return script, nil
	}
	packed, err := pack(script)
	if err != nil {
		return nil, err
	}
	if len(packed) > UserDataLimit {
		return nil, &TooLargeError{Size: len(script), Compressed: len(packed)}
	}
	return packed, nil
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
