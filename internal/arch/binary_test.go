package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxBinary is the size, in bytes, of the provider as it is released.
const maxBinary = 45_000_000

// TestBinary_staysSmall fails when an SDK client becomes reachable from an interface:
// net/rpc, which the plugin protocol's library links, looks methods up by reflection,
// so the linker then keeps all 800 calls of EC2 and the binary doubles.
func TestBinary_staysSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("links the provider, which takes a while")
	}
	binary := filepath.Join(t.TempDir(), "terraform-provider-stamp")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, module)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the provider has %.1f MB", float64(info.Size())/1e6)
	if info.Size() > maxBinary {
		t.Errorf("the provider has %d bytes, more than %d: hold AWS clients as function values (docs/decisions)", info.Size(), maxBinary)
	}
}
