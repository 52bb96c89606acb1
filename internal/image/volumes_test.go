package image

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// What a builder is launched with beside its source's root volume ends with the builder, and
// is encrypted when the image is to be: a volume that the source makes of nothing, too.
func TestBuilderVolumes(t *testing.T) {
	source := cloud.Image{RootDeviceName: "/dev/xvda", Volumes: []cloud.ImageVolume{
		{DeviceName: "/dev/xvda", SnapshotID: "snap-1", Size: 8, Type: "gp3"},
		{DeviceName: "/dev/sdb"}, // an instance's own disk
		{DeviceName: "/dev/sdc", SnapshotID: "snap-2", Size: 10, Type: "gp3"},
		{DeviceName: "/dev/sdd", Size: 5, Type: "gp2"},
	}}
	tests := map[string]struct {
		change func(*Spec)
		want   []cloud.Volume
	}{
		"as it is": {nil, []cloud.Volume{{DeviceName: "/dev/sdc"}, {DeviceName: "/dev/sdd", Size: 5, Type: "gp2"}}},
		"encrypted": {
			func(s *Spec) { s.Capture.Encrypted, s.Capture.KMSKeyID = true, "alias/golden" },
			[]cloud.Volume{
				{DeviceName: "/dev/xvda", Encrypted: new(true), KMSKeyID: "alias/golden"},
				{DeviceName: "/dev/sdc", Encrypted: new(true), KMSKeyID: "alias/golden"},
				{DeviceName: "/dev/sdd", Size: 5, Type: "gp2", Encrypted: new(true), KMSKeyID: "alias/golden"},
			},
		},
		"changed": {
			func(s *Spec) {
				s.Bake.RootVolume.Size = 20
				s.Bake.Volumes = []cloud.Volume{{DeviceName: "/dev/sdd", Type: "gp3"}, {DeviceName: "/dev/sde", Size: 1}}
			},
			[]cloud.Volume{
				{DeviceName: "/dev/xvda", Size: 20},
				{DeviceName: "/dev/sdc"},
				{DeviceName: "/dev/sdd", Size: 5, Type: "gp3"},
				{DeviceName: "/dev/sde", Size: 1},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := run{spec: specOf(test.change)}
			if diff := cmp.Diff(test.want, r.builderVolumes(source)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
