package fleet

import (
	"context"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Preflight refuses in the plan what EC2 would refuse at the launch: an image that is not
// there for this account, in this region, and volumes that do not go with it. Errors are
// *SpecError.
func Preflight(ctx context.Context, aws AWS, spec Spec) error {
	image, err := describeImage(ctx, aws, spec.ImageID)
	if err != nil {
		return &SpecError{"image_id", err.Error()}
	}
	if image.State != cloud.ImageAvailable {
		return &SpecError{"image_id", fmt.Sprintf("image %s is %s in %s, and nothing can be launched from it", spec.ImageID, image.State, aws.Name())}
	}
	return spec.volumesOn(image)
}

// volumesOn compares the volumes with those of an image. A volume cannot be smaller than
// the snapshot that it is made from.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
func (s Spec) volumesOn(image cloud.Image) error {
	of := func(device string) cloud.ImageVolume {
		i := slices.IndexFunc(image.Volumes, func(v cloud.ImageVolume) bool { return v.DeviceName == device })
		if i < 0 {
			return cloud.ImageVolume{}
		}
		return image.Volumes[i]
	}
	tooSmall := func(volume cloud.Volume, device string) string {
		if volume.Size == 0 || volume.Size >= of(device).Size {
			return ""
		}
		return fmt.Sprintf("image %s has %d GiB there, and a volume cannot be smaller than its snapshot; %d GiB is asked for", image.ID, of(device).Size, volume.Size)
	}
	if wrong := tooSmall(s.RootVolume, image.RootDeviceName); wrong != "" {
		return &SpecError{"root_volume.size", wrong}
	}
	for _, volume := range s.Volumes {
		field := fmt.Sprintf("volumes[%q]", volume.DeviceName)
		switch {
		case volume.DeviceName == image.RootDeviceName:
			return &SpecError{field, volume.DeviceName + " is the root volume of " + image.ID + ": say in root_volume how it is to be"}
		case volume.Size == 0 && of(volume.DeviceName).Size == 0:
			return &SpecError{field + ".size", image.ID + " has no volume " + volume.DeviceName + ": say how large it is to be"}
		}
		if wrong := tooSmall(volume, volume.DeviceName); wrong != "" {
			return &SpecError{field + ".size", wrong}
		}
	}
	return nil
}
