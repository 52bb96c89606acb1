package image

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// A plan and an apply take the same memory for an upload of any size: what is on its way, and
// no more.
func TestBudget_uploads(t *testing.T) {
	const budget = 8 << 20
	size := int64(64 << 20)
	if os.Getenv("STAMP_BENCH") != "" {
		size = 512 << 20
	}
	name := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{TransportUserData, TransportSSM} {
		spec := specOf(func(s *Spec) {
			s.Bake.Transport, s.Bake.StagingBucket = transport, "staging"
			s.Bake.Steps[0].Upload.Files = []guest.File{{Mode: "0644", Disk: &guest.Disk{Name: name, Size: size}}}
		})
		var before, planned, packed runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := ReadUpload(spec.Bake.Steps[0]); err != nil {
			t.Fatal(err)
		}
		fingerprint := spec.Recipe("ami-1").Fingerprint()
		if err := spec.CheckWork(fingerprint); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&planned)
		if err := spec.Bake.Steps[0].Upload.Pack(io.Discard); err != nil {
			t.Fatal(err)
		}
		if _, err := spec.builderJob(fingerprint).work.Commands(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&packed)
		plan, apply := planned.TotalAlloc-before.TotalAlloc, packed.TotalAlloc-planned.TotalAlloc
		t.Logf("%s: %d MiB are planned with %d KiB of allocations and sent with %d KiB", transport, size>>20, plan>>10, apply>>10)
		if plan > budget || apply > budget {
			t.Errorf("%s: a plan allocates %d bytes and an apply %d, more than %d", transport, plan, apply, budget)
		}
	}
}
