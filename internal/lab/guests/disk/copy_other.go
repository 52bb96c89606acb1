//go:build !linux

package disk

import "errors"

// Copy copies a tree; only on Linux are there guests whose trees could be copied.
func Copy(dst, src string) error {
	return errors.ErrUnsupported
}
