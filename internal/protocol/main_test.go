package protocol

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// TestMain takes away what the machine says about AWS, once for all tests, which run at the
// same time.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "protocol")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "STAMP_") && name != "STAMP_THOROUGH" || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{"HOME": home, "XDG_CACHE_HOME": home, "AWS_EC2_METADATA_DISABLED": "true"} {
		_ = os.Setenv(name, value)
	}
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		_ = flag.Set("rapid.checks", map[bool]string{true: "150", false: "12"}[thorough()])
	}
	code := labtest.Main(m)
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// thorough asks for all that there is to try; by itself, go test looks at some of it.
func thorough() bool { return os.Getenv("STAMP_THOROUGH") != "" }
