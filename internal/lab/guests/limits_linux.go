package guests

import (
	"fmt"
	"os"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/pid1"
)

// limits are what one guest may use of the host.
type limits struct {
	guest pid1.Limits
	// disk is how much a guest may write, in bytes.
	disk uint64
	// memory is how much memory a guest may have where control groups can be had.
	memory uint64
}

var defaultLimits = limits{
	guest:  pid1.Limits{Processes: 2048, OpenFiles: 65536, FileSize: 16 << 30, Memory: 256 << 20},
	disk:   16 << 30,
	memory: 4 << 30,
}

// preferToKill lets the kernel end the guest first when the host's memory is used up,
// whoever asks for more. With root's rights the guest cannot take that back (proc(5) on
// oom_score_adj).
func preferToKill(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0); err != nil {
		return fmt.Errorf("making a guest the first to end without memory: %w", err)
	}
	return nil
}
