package protocol

import (
	"os"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// thorough asks for all that there is to try; by itself, go test looks at some of it.
func thorough() bool { return os.Getenv("STAMP_THOROUGH") != "" }
