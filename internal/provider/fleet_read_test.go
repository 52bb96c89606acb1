package provider

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

// An import counts slots that have no instance, and goes by the image of the root
// volume.
func TestReadImported(t *testing.T) {
	observed := &fleet.Observation{Members: map[int]fleet.Member{
		0: {ImageID: "ami-2", Instance: cloud.Instance{ImageID: "ami-1", Type: "t3.small"}},
		2: {ImageID: "ami-2", Instance: cloud.Instance{ImageID: "ami-2", Type: "t3.small"}},
	}}
	var model fleetModel
	model.readImported(observed)
	if model.Size.ValueInt64() != 3 || model.ImageID.ValueString() != "ami-2" || len(model.InstanceTypes.Elements()) != 1 {
		t.Errorf("size %s, image %s, types %s", model.Size, model.ImageID, model.InstanceTypes)
	}
}
