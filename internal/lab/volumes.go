package lab

import (
	"cmp"
	"strconv"
	"time"
)

// volume is one EBS volume.
type volume struct {
	object
	created                time.Time
	zone                   zone
	size, iops, throughput int
	kind, snapshotID       string
	encrypted              bool
	kmsKeyID               string
	// creating volumes are not available yet.
	creating bool
	// moving is set while the volume is on its way to or from its instance: "attaching"
	// or "detaching".
	moving string
	// modifications are all that there were, the latest last.
	modifications []*volumeModification
	// attached is the instance; nil for a volume that has none.
	attached            *instance
	device              string
	attachedAt          time.Time
	deleteOnTermination bool
	// disk is what was on it when it was made, or when it was last detached; what a
	// running guest has written since is the guest's.
	disk disk
}

func (v *volume) state() string {
	switch {
	case v.creating:
		return "creating"
	case v.attached == nil:
		return "available"
	}
	return "in-use"
}

// attachment is the state of the attachment, of a volume that has one.
func (v *volume) attachment() string { return cmp.Or(v.moving, "attached") }

// ebsParam is the EBS part of a block device mapping in a request.
type ebsParam struct {
	DeleteOnTermination          *bool
	Encrypted                    *bool
	Iops, Throughput, VolumeSize *int
	KmsKeyId                     string
	SnapshotId, VolumeType       string
}

// mappingParam is one block device mapping in a request.
type mappingParam struct {
	DeviceName, VirtualName string
	NoDevice                *string
	Ebs                     *ebsParam
}

// mapping is one block device mapping of an image, or of a launch once the image's
// and the request's are merged.
type mapping struct {
	device                 string
	snapshotID             string
	size, iops, throughput int
	kind                   string
	encrypted              bool
	kmsKeyID               string
	deleteOnTermination    bool
}

// Sizes and defaults of volume types.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
var volumeKinds = map[string]struct{ least, most int }{
	"gp2": {1, 16384}, "gp3": {1, 65536}, "io1": {4, 16384}, "io2": {4, 65536},
	"st1": {125, 16384}, "sc1": {125, 16384}, "standard": {1, 1024},
}

// merge applies a request's mappings to the image's.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
func (r *region) merge(base []mapping, params []mappingParam) ([]mapping, *apiError) {
	merged := append([]mapping(nil), base...)
	for _, asked := range params {
		if asked.DeviceName == "" {
			return nil, missing("deviceName")
		}
		at := -1
		for i := range merged {
			if merged[i].device == asked.DeviceName {
				at = i
			}
		}
		switch {
		case asked.NoDevice != nil && at >= 0:
			merged = append(merged[:at], merged[at+1:]...)
			continue
		case asked.NoDevice != nil || asked.VirtualName != "" && asked.Ebs == nil:
			continue
		case asked.Ebs == nil:
			return nil, fail("InvalidBlockDeviceMapping", "The block device mapping of %s has neither ebs nor virtualName", asked.DeviceName)
		case at < 0:
			merged = append(merged, mapping{device: asked.DeviceName, deleteOnTermination: true})
			at = len(merged) - 1
		}
		if err := r.override(&merged[at], asked.Ebs); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// override puts a request's EBS parameters over a mapping, and checks the outcome.
func (r *region) override(m *mapping, asked *ebsParam) *apiError {
	if asked.SnapshotId != "" {
		found, err := r.snapshot(asked.SnapshotId)
		if err != nil {
			return err
		}
		m.snapshotID, m.size, m.encrypted = found.id, max(m.size, found.size), found.encrypted
	}
	if asked.VolumeType != "" && asked.VolumeType != m.kind {
		m.kind, m.iops, m.throughput = asked.VolumeType, 0, 0
	}
	if m.kind == "" {
		m.kind = "gp2"
	}
	bounds, known := volumeKinds[m.kind]
	if !known {
		return invalid("Value (%s) for parameter volumeType is invalid.", m.kind)
	}
	if asked.VolumeSize != nil {
		if *asked.VolumeSize < m.size && m.snapshotID != "" {
			return fail("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB",
				*asked.VolumeSize, m.snapshotID, m.size)
		}
		m.size = *asked.VolumeSize
	}
	if m.size == 0 {
		return fail("MissingParameter", "The request must contain the parameter size or snapshotId")
	}
	if m.size < bounds.least || m.size > bounds.most {
		return invalid("Volume of %dGiB is invalid; %s volumes have between %d and %d GiB", m.size, m.kind, bounds.least, bounds.most)
	}
	if err := m.performance(asked); err != nil {
		return err
	}
	return m.protection(asked)
}

// performance sets IOPS and throughput, which only some types take.
func (m *mapping) performance(asked *ebsParam) *apiError {
	if err := m.mayAsk(asked); err != nil {
		return err
	}
	if m.kind == "gp3" && m.iops == 0 {
		m.iops, m.throughput = 3000, 125
	}
	if m.kind == "gp2" {
		m.iops = gp2IOPS(m.size)
	}
	if asked.Iops != nil {
		m.iops = *asked.Iops
	}
	if asked.Throughput != nil {
		m.throughput = *asked.Throughput
	}
	if m.kind == "gp3" && (m.iops < 3000 || m.iops > 80000) {
		return invalid("Volume iops of %d is invalid for gp3; it must be between 3000 and 80000", m.iops)
	}
	if m.kind == "gp3" && (m.throughput < 125 || m.throughput > 2000) {
		return invalid("Volume throughput of %d is invalid for gp3; it must be between 125 and 2000", m.throughput)
	}
	return nil
}

// mayAsk refuses IOPS and throughput for types that have no choice, and demands them
// of those that have no default.
func (m *mapping) mayAsk(asked *ebsParam) *apiError {
	provisioned := m.kind == "io1" || m.kind == "io2"
	switch {
	case asked.Iops != nil && m.kind != "gp3" && !provisioned:
		return combination("The parameter iops is not supported for %s volumes.", m.kind)
	case asked.Throughput != nil && m.kind != "gp3":
		return combination("The parameter throughput is not supported for %s volumes.", m.kind)
	case asked.Iops == nil && provisioned && m.iops == 0:
		return missing("iops")
	}
	return nil
}

// gp2IOPS is what a gp2 volume has by its size.
// https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
func gp2IOPS(size int) int { return min(16000, max(100, 3*size)) }

// protection sets encryption and what becomes of the volume. A volume from an
// encrypted snapshot is encrypted.
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html
func (m *mapping) protection(asked *ebsParam) *apiError {
	if asked.Encrypted != nil {
		if m.encrypted && !*asked.Encrypted {
			return combination("The parameter encrypted cannot be false for a volume from an encrypted snapshot")
		}
		m.encrypted = *asked.Encrypted
	}
	if asked.KmsKeyId != "" {
		if !m.encrypted {
			return keyWithoutEncryption()
		}
		m.kmsKeyID = asked.KmsKeyId
	}
	if asked.DeleteOnTermination != nil {
		m.deleteOnTermination = *asked.DeleteOnTermination
	}
	return nil
}

// ebsItem is the EBS part of an image's mapping in an answer.
type ebsItem struct {
	DeleteOnTermination bool   `xml:"deleteOnTermination"`
	SnapshotID          string `xml:"snapshotId,omitempty"`
	Size                int    `xml:"volumeSize"`
	Type                string `xml:"volumeType"`
	IOPS                int    `xml:"iops,omitempty"`
	Throughput          int    `xml:"throughput,omitempty"`
	KMSKeyID            string `xml:"kmsKeyId,omitempty"`
	Encrypted           bool   `xml:"encrypted"`
}

type mappingItem struct {
	Device string  `xml:"deviceName"`
	EBS    ebsItem `xml:"ebs"`
}

func (m mapping) item() mappingItem {
	item := mappingItem{Device: m.device, EBS: ebsItem{
		DeleteOnTermination: m.deleteOnTermination, SnapshotID: m.snapshotID, Size: m.size, Type: m.kind,
		Throughput: m.throughput, KMSKeyID: m.kmsKeyID, Encrypted: m.encrypted,
	}}
	if m.kind != "gp2" {
		item.EBS.IOPS = m.iops
	}
	return item
}

type describeVolumesInput struct {
	VolumeId                []string
	IncludeManagedResources *bool
	Filter                  []filterParam
	pageParams
}

type attachmentItem struct {
	VolumeID            string    `xml:"volumeId"`
	InstanceID          string    `xml:"instanceId"`
	Device              string    `xml:"device"`
	Status              string    `xml:"status"`
	AttachTime          time.Time `xml:"attachTime"`
	DeleteOnTermination bool      `xml:"deleteOnTermination"`
}

type volumeItem struct {
	VolumeID    string           `xml:"volumeId"`
	Size        int              `xml:"size"`
	SnapshotID  string           `xml:"snapshotId"`
	Zone        string           `xml:"availabilityZone"`
	ZoneID      string           `xml:"availabilityZoneId"`
	Status      string           `xml:"status"`
	CreateTime  time.Time        `xml:"createTime"`
	Attachments []attachmentItem `xml:"attachmentSet"`
	Tags        []tagItem        `xml:"tagSet,omitempty"`
	Type        string           `xml:"volumeType"`
	IOPS        int              `xml:"iops,omitempty"`
	Throughput  int              `xml:"throughput,omitempty"`
	Encrypted   bool             `xml:"encrypted"`
	KMSKeyID    string           `xml:"kmsKeyId,omitempty"`
	MultiAttach bool             `xml:"multiAttachEnabled"`
}

type describeVolumesOutput struct {
	Volumes   []volumeItem `xml:"volumeSet"`
	NextToken string       `xml:"nextToken,omitempty"`
}

// attachedTo returns a value of the volume's attachment, if it has one.
func attachedTo(value func(*volume) string) func(*volume) []string {
	return func(v *volume) []string {
		if v.attached == nil {
			return nil
		}
		return []string{value(v)}
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html
var volumeFilters = filterable[*volume]{
	"volume-id":              one(func(v *volume) string { return v.id }),
	"snapshot-id":            one(func(v *volume) string { return v.snapshotID }),
	"availability-zone":      one(func(v *volume) string { return v.zone.name }),
	"availability-zone-id":   one(func(v *volume) string { return v.zone.id }),
	"status":                 one((*volume).state),
	"size":                   one(func(v *volume) string { return strconv.Itoa(v.size) }),
	"volume-type":            one(func(v *volume) string { return v.kind }),
	"encrypted":              one(func(v *volume) string { return strconv.FormatBool(v.encrypted) }),
	"attachment.instance-id": attachedTo(func(v *volume) string { return v.attached.id }),
	"create-time":            one(func(v *volume) string { return v.created.Format(timeForm) }),
	"multi-attach-enabled":   one(func(*volume) string { return "false" }),
	"attachment.device":      attachedTo(func(v *volume) string { return v.device }),
	"attachment.status":      attachedTo((*volume).attachment),
	"attachment.delete-on-termination": attachedTo(func(v *volume) string {
		return strconv.FormatBool(v.deleteOnTermination)
	}),
}

func (r *region) describeVolumes(in *describeVolumesInput) (*describeVolumesOutput, *apiError) {
	if len(in.VolumeId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter volumeSet cannot be used with the parameter maxResults")
	}
	if err := checkIDs(in.VolumeId, "vol", malformedVolume); err != nil {
		return nil, err
	}
	found, next, err := list(&r.volumes, listing[*volume]{
		ids: in.VolumeId, absent: noVolume, filters: in.Filter, fields: volumeFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000, capped: true},
	})
	if err != nil {
		return nil, err
	}
	out := &describeVolumesOutput{NextToken: next}
	for _, v := range found {
		out.Volumes = append(out.Volumes, v.item())
	}
	return out, nil
}

func (v *volume) item() volumeItem {
	item := volumeItem{
		VolumeID: v.id, Size: v.size, SnapshotID: v.snapshotID, Zone: v.zone.name, ZoneID: v.zone.id, Status: v.state(),
		CreateTime: v.created, Tags: v.seenTags().items(), Type: v.kind, IOPS: v.iops, Throughput: v.throughput,
		Encrypted: v.encrypted, KMSKeyID: v.kmsKeyID,
	}
	if v.attached != nil {
		item.Attachments = []attachmentItem{v.attachmentItem()}
	}
	return item
}

func (v *volume) attachmentItem() attachmentItem {
	return attachmentItem{
		VolumeID: v.id, InstanceID: v.attached.id, Device: v.device, Status: v.attachment(),
		AttachTime: v.attachedAt, DeleteOnTermination: v.deleteOnTermination,
	}
}
