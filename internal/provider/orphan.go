package provider

import (
	"context"
	"os"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// EndWithTerraform ends this process once the one that has started it is gone. Terraform
// that is killed leaves its providers behind, and nobody would write down in a state what
// they still make. The next apply picks up what is there.
func EndWithTerraform(ctx context.Context) {
	const lookEvery = time.Second
	timer := time.NewTicker(lookEvery)
	for !ownership.Orphaned() {
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	os.Exit(1)
}
