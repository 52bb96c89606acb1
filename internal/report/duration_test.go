package report_test

import (
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"100h": 100 * time.Hour, "1h30m": 90 * time.Minute, "20m": 20 * time.Minute, "30s": 30 * time.Second,
		"1h0m5s": time.Hour + 5*time.Second, "10m10s": 610 * time.Second,
	} {
		if got := report.Duration(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}
