package guests

import (
	"path/filepath"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/disk"
)

// Remove removes a layer from the host. No guest may run on it any more.
func (l Layer) Remove() error {
	if !filepath.IsAbs(l.Dir) {
		return nil // of a scripted guest, or of none
	}
	return disk.Remove(l.Dir)
}
