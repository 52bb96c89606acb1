package fleet

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	if err := spec.volumesOn(image); err != nil {
		return err
	}
	if err := spec.addressesIn(ctx, aws); err != nil {
		return err
	}
	return spec.typesFor(ctx, aws, image)
}

// addressesIn refuses addresses that their subnets do not have: a slot with an address loses its
// server before EC2 is asked for another. Whoever may not read the subnets is told by the launch.
func (s Spec) addressesIn(ctx context.Context, aws AWS) error {
	if s.Slots == nil {
		return nil
	}
	subnetOf := map[int]string{}
	for slot, override := range s.Slots.Overrides {
		subnet := override.SubnetID
		if subnet == "" && len(s.SubnetIDs) == 1 {
			subnet = s.SubnetIDs[0]
		}
		if override.PrivateIP != "" && subnet != "" {
			subnetOf[slot] = subnet
		}
	}
	if len(subnetOf) == 0 {
		return nil
	}
	subnets, err := aws.Subnets(ctx, slices.Compact(slices.Sorted(maps.Values(subnetOf))))
	if err != nil {
		return ctx.Err()
	}
	for _, slot := range slices.Sorted(maps.Keys(subnetOf)) {
		i := slices.IndexFunc(subnets, func(subnet cloud.Subnet) bool { return subnet.ID == subnetOf[slot] })
		if i < 0 {
			continue
		}
		address, wrong := netip.ParseAddr(s.Slots.Overrides[slot].PrivateIP)
		block, unread := netip.ParsePrefix(subnets[i].CIDR)
		if wrong == nil && unread == nil && !block.Contains(address) {
			return &SpecError{
				fmt.Sprintf("slots.overrides[%q].private_ip", strconv.Itoa(slot)),
				fmt.Sprintf("%s is not in %s, which has the addresses of %s", address, subnets[i].ID, block),
			}
		}
	}
	return nil
}

// typesFor refuses instance types that the image does not run on. Whoever may not ask for
// their architectures is told by the launch.
func (s Spec) typesFor(ctx context.Context, aws AWS, image cloud.Image) error {
	fields := map[string]string{}
	for _, name := range s.InstanceTypes {
		fields[name] = "instance_types"
	}
	if s.Slots != nil {
		for slot, override := range s.Slots.Overrides {
			if _, there := fields[override.InstanceType]; override.InstanceType != "" && !there {
				fields[override.InstanceType] = fmt.Sprintf("slots.overrides[%q].instance_type", strconv.Itoa(slot))
			}
		}
	}
	architectures, err := aws.Architectures(ctx, slices.Sorted(maps.Keys(fields)))
	if err != nil {
		return ctx.Err()
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		has := architectures[name]
		switch {
		case len(has) == 0:
			return &SpecError{fields[name], fmt.Sprintf("%s has no instance type %s", aws.Name(), name)}
		case image.Architecture != "" && !slices.Contains(has, image.Architecture):
			return &SpecError{fields[name], fmt.Sprintf("%s is of the architecture %s, and image %s of %s: choose types of the image's architecture",
				name, strings.Join(has, " or "), image.ID, image.Architecture)}
		}
	}
	return nil
}

// dataDevice are the names that EC2 takes for volumes beside the root volume.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
var dataDevice = regexp.MustCompile(`^(/dev/sd[b-z]|/dev/xvd[b-z]|/dev/xvd[a-d][a-z]|xvd[b-z]|xvd[a-d][a-z])$`)

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
		case of(volume.DeviceName).DeviceName == "" && !dataDevice.MatchString(volume.DeviceName):
			return &SpecError{field, fmt.Sprintf("%q is not a device name for a data volume: like /dev/sdf or /dev/xvdb, on Windows xvdf", volume.DeviceName)}
		case volume.Size == 0 && of(volume.DeviceName).Size == 0:
			return &SpecError{field + ".size", image.ID + " has no volume " + volume.DeviceName + ": say how large it is to be"}
		}
		if wrong := tooSmall(volume, volume.DeviceName); wrong != "" {
			return &SpecError{field + ".size", wrong}
		}
	}
	return nil
}
