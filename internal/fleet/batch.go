package fleet

import (
	"strconv"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// maxBatch is how many instances one call launches at most: the size of the resource
// bucket of RunInstances.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
const maxBatch = 1000

// batch is a set of slots that one call can launch: their list fits into a tag, their
// digests into the tags, and what they are told into user data.
type batch struct {
	slots    []int
	tags     cloud.Tags
	userData []byte
}

// batches divides slots into as few as possible. Errors are those of the user data.
func (s Spec) batches(slots []int) ([]batch, error) {
	if len(slots) == 0 {
		return nil, nil
	}
	if len(slots) <= maxBatch {
		tags, fits := s.batchTags(slots)
		userData, err := s.userData(slots)
		if fits && err == nil {
			return []batch{{slots, tags, userData}}, nil
		}
		if err != nil && len(slots) == 1 {
			return nil, err
		}
	}
	half := len(slots) / 2
	first, err := s.batches(slots[:half])
	if err != nil {
		return nil, err
	}
	second, err := s.batches(slots[half:])
	return append(first, second...), err
}

// batchTags are the tags that differ from batch to batch.
func (s Spec) batchTags(slots []int) (tags cloud.Tags, fit bool) {
	tags = cloud.Tags{cloud.TagSlots: guest.FormatSlots(slots)}
	if len(tags[cloud.TagSlots]) > maxTagValue {
		return nil, false
	}
	var values []string
	for _, slot := range slots {
		value := s.environmentDigest(slot)
		if value == "" {
			continue
		}
		entry := strconv.Itoa(slot) + "=" + value
		if last := len(values) - 1; last >= 0 && len(values[last])+1+len(entry) <= maxTagValue {
			values[last] += "," + entry
		} else {
			values = append(values, entry)
		}
	}
	if len(values) > environmentTags {
		return nil, false
	}
	for i, value := range values {
		tags[environmentTag(i)] = value
	}
	return tags, true
}

// launchOf is the call that launches a batch of an owner's in a pool. The name of the root device is
// the image's; it matters only where the root volume is not left to the image.
func (s Spec) launchOf(owner ownership.Owner, b batch, pool cloud.Pool, generation int, rootDevice string) cloud.Launch {
	tags := s.userTags().With(owner.Tags()).With(b.tags)
	tags[cloud.TagGeneration] = strconv.Itoa(generation)
	tags[cloud.TagConfig] = s.configDigest()
	if s.Slots != nil && s.Slots.Hostname != "" {
		tags[cloud.TagHostname] = s.Slots.Hostname
	}
	if protection := s.protection(); protection != "" {
		tags[cloud.TagProtection] = protection
	}
	launch := cloud.Launch{
		ImageID:               s.ImageID,
		InstanceType:          pool.InstanceType,
		SubnetID:              pool.SubnetID,
		MinCount:              1,
		MaxCount:              len(b.slots),
		SecurityGroupIDs:      s.SecurityGroupIDs,
		AssociatePublicIP:     s.AssociatePublicIP,
		InstanceProfile:       s.InstanceProfile,
		KeyName:               s.KeyName,
		UserData:              b.userData,
		Volumes:               s.Volumes,
		Metadata:              s.Metadata,
		Placement:             s.Placement,
		Spot:                  s.Spot,
		Monitoring:            s.Monitoring,
		EBSOptimized:          s.EBSOptimized,
		TerminationProtection: s.TerminationProtection,
		StopProtection:        s.StopProtection,
		Tags:                  tags,
	}
	if s.RootVolume != (cloud.Volume{}) {
		root := s.RootVolume
		root.DeviceName = rootDevice
		launch.Volumes = append([]cloud.Volume{root}, s.Volumes...)
	}
	if burstable(pool.InstanceType) {
		launch.Credits = s.Credits
	}
	return launch
}

// burstable types are those that take a credit specification; EC2 refuses one for
// others.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html
func burstable(instanceType string) bool {
	return len(instanceType) > 1 && instanceType[0] == 't' && instanceType[1] >= '0' && instanceType[1] <= '9'
}
