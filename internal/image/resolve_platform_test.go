package image

import (
	"context"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// windowsOnly is a region whose images are all for Windows.
type windowsOnly struct{ AWS }

func (windowsOnly) Name() string { return "us-east-1" }

func (windowsOnly) Images(_ context.Context, query cloud.ImageQuery) ([]cloud.Image, error) {
	return []cloud.Image{{ID: query.IDs[0], State: cloud.ImageAvailable, Platform: windows}}, nil
}

// What could only end after an hour, in silence, is refused at once.
func TestDescribeSource_refusesWindows(t *testing.T) {
	_, err := DescribeSource(t.Context(), windowsOnly{}, Source{ImageID: "ami-1"}, "ami-1")
	if !errorIs[*SourceError](err) || !strings.Contains(err.Error(), "Windows") {
		t.Errorf("got %v", err)
	}
}
