package image

import (
	"os"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
