//go:build linux

package crash

import (
	"net/http/httptest"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// beside looks at a lab beside Terraform, without a gate.
func beside(t *testing.T, inside *lab.Lab) *cloud.Region {
	t.Helper()
	server := httptest.NewServer(inside)
	t.Cleanup(server.Close)
	account, _, err := cloud.New(t.Context(), cloud.Config{
		Region: "us-east-1", AccessKey: "lab", SecretKey: "lab",
		Endpoints: map[string]string{"ec2": server.URL, "ssm": server.URL, "sts": server.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.Region("")
	if err != nil {
		t.Fatal(err)
	}
	return region
}

// handedOut fails the test unless the parameter holds the current image, all instances are
// made from it, and those may launch it who are to.
func (l *life) handedOut(t *testing.T, where string, s shop, state known) {
	t.Helper()
	if kept, err := l.region.Parameter(t.Context(), parameter); err != nil || kept != state.current {
		t.Errorf("%s: the parameter holds %q, %v; the current image is %s", where, kept, err, state.current)
	}
	instances, err := l.region.Instances(t.Context(), cloud.InstanceQuery{IDs: state.instances})
	if err != nil {
		t.Fatal(err)
	}
	for _, instance := range instances {
		if instance.ImageID != state.current {
			t.Errorf("%s: instance %s is made from %s; the current image is %s", where, instance.ID, instance.ImageID, state.current)
		}
	}
	for _, image := range state.images {
		may, err := l.region.ImagePermissions(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		if may.Empty() == s.shared {
			t.Errorf("%s: accounts %v may launch %s; shared is to be %t", where, may.AccountIDs, image, s.shared)
		}
	}
}
