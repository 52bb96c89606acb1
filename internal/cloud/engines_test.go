package cloud_test

import (
	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// A region is what the engines ask for.
var (
	_ image.AWS = (*cloud.Region)(nil)
	_ fleet.AWS = (*cloud.Region)(nil)
)
