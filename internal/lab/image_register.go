package lab

import "slices"

type registerImageInput struct {
	Name, Description, Architecture, RootDeviceName, VirtualizationType string
	BootMode, ImdsSupport, TpmSupport, SriovNetSupport                  string
	EnaSupport                                                          *bool
	BlockDeviceMapping                                                  []mappingParam
	TagSpecification                                                    []tagSpecification
}

// registerImage makes an image of snapshots. It is available at once.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html
func (r *region) registerImage(in *registerImageInput) (*createImageOutput, *apiError) {
	if err := r.checkImageName(in.Name, in.Description); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	for _, asked := range in.BlockDeviceMapping {
		if asked.Ebs != nil && asked.Ebs.SnapshotId != "" && asked.Ebs.Encrypted != nil {
			return nil, fail("InvalidBlockDeviceMapping", "the encrypted flag cannot be specified since device %s has a snapshot specified.",
				asked.DeviceName)
		}
	}
	mappings, err := r.merge(nil, in.BlockDeviceMapping)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "image")
	if err != nil {
		return nil, err
	}
	made := &image{
		region: r, owner: r.account.id, name: in.Name, description: in.Description, created: r.now(),
		state: imageAvailable, architecture: in.Architecture, rootDevice: in.RootDeviceName, bootMode: in.BootMode,
		imdsSupport: in.ImdsSupport, tpmSupport: in.TpmSupport, withoutENA: !isTrue(in.EnaSupport), mappings: mappings,
	}
	root := made.root()
	if root == nil || root.snapshotID == "" {
		return nil, fail("InvalidBlockDeviceMapping", "The root device %s has no mapping with a snapshot", in.RootDeviceName)
	}
	kept := r.place.snapshots.get(root.snapshotID)
	if kept.state != snapshotCompleted {
		return nil, fail("IncorrectState", "Snapshot is in invalid state - %s", kept.state)
	}
	made.disk, made.object = kept.disk, r.object("ami", tagMap{}.with(tags["image"]))
	r.place.images.put(made)
	return &createImageOutput{ImageID: made.id}, nil
}

// check refuses values that cannot be, and kinds of image that no type of the lab
// runs: 32 bit and paravirtual ones, which are what EC2 takes without a word.
func (in *registerImageInput) check() *apiError {
	for _, choice := range []struct {
		name, value string
		values      []string
	}{
		{"architecture", in.Architecture, []string{"", "i386", x86, arm}},
		{"virtualizationType", in.VirtualizationType, []string{"", "paravirtual", "hvm"}},
		{"bootMode", in.BootMode, []string{"", "legacy-bios", "uefi", "uefi-preferred"}},
		{"imdsSupport", in.ImdsSupport, []string{"", imdsV2}},
		{"tpmSupport", in.TpmSupport, []string{"", "v2.0"}},
		{"sriovNetSupport", in.SriovNetSupport, []string{"", "simple"}},
	} {
		if !slices.Contains(choice.values, choice.value) {
			return invalid("Value (%s) for parameter %s is invalid.", choice.value, choice.name)
		}
	}
	switch {
	case in.RootDeviceName == "":
		return missing("RootDeviceName")
	case in.Architecture != x86 && in.Architecture != arm:
		return fail("UnsupportedOperation", "The lab has no instance types for the architecture i386")
	case in.VirtualizationType != "hvm":
		return fail("UnsupportedOperation", "The lab has no instance types for paravirtual images")
	}
	return nil
}
