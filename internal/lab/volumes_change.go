package lab

import (
	"slices"
	"time"
)

// volumeActions are those of volumes.
var volumeActions = map[string]action{
	"CreateVolume":                 of((*region).createVolume),
	"DeleteVolume":                 of((*region).deleteVolume),
	"AttachVolume":                 of((*region).attachVolume),
	"DetachVolume":                 of((*region).detachVolume),
	"ModifyVolume":                 of((*region).modifyVolume),
	"DescribeVolumes":              of((*region).describeVolumes),
	"DescribeVolumesModifications": of((*region).describeModifications),
}

func malformedVolume(id string) *apiError {
	return fail("InvalidVolumeID.Malformed", "Invalid id: \"%s\"", id)
}

func noVolume(ids []string) *apiError {
	return fail("InvalidVolume.NotFound", "The volume '%s' does not exist.", ids[0])
}

// volume finds the volume of a request that must name one.
func (r *region) volume(id string) (*volume, *apiError) {
	if id == "" {
		return nil, missing("VolumeId")
	}
	if !wellFormed(id, "vol") {
		return nil, malformedVolume(id)
	}
	found := r.volumes.get(id)
	if found == nil || found.hidden() {
		return nil, noVolume([]string{id})
	}
	return found, nil
}

type createVolumeInput struct {
	AvailabilityZone, AvailabilityZoneId          string
	SnapshotId, VolumeType, KmsKeyId, ClientToken string
	Size, Iops, Throughput                        *int
	Encrypted, MultiAttachEnabled                 *bool
	TagSpecification                              []tagSpecification
}

// createVolume makes a volume in a zone, empty or from a snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html
func (r *region) createVolume(in *createVolumeInput) (*volumeItem, *apiError) {
	made, err := once(r, "CreateVolume", in.ClientToken, in, r.makeVolume)
	if err != nil {
		return nil, err
	}
	item := made.item()
	return &item, nil
}

func (r *region) makeVolume(in *createVolumeInput) (*volume, *apiError) {
	at, err := r.zoneOf(in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	if isTrue(in.MultiAttachEnabled) {
		return nil, fail("UnsupportedOperation", "In the lab a volume is attached to one instance at most")
	}
	var content disk
	if in.SnapshotId != "" {
		from, err := r.snapshot(in.SnapshotId)
		if err != nil {
			return nil, err
		}
		if from.state != snapshotCompleted {
			return nil, fail("IncorrectState", "Snapshot is in invalid state - %s", from.state)
		}
		content = from.disk
	}
	m := mapping{}
	if err := r.override(&m, &ebsParam{
		SnapshotId: in.SnapshotId, VolumeType: in.VolumeType, KmsKeyId: in.KmsKeyId, VolumeSize: in.Size,
		Iops: in.Iops, Throughput: in.Throughput, Encrypted: in.Encrypted,
	}); err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "volume")
	if err != nil {
		return nil, err
	}
	made := &volume{
		object: r.object("vol", tagMap{}.with(tags["volume"])), created: r.now(), zone: at, creating: true,
		size: m.size, iops: m.iops, throughput: m.throughput, kind: m.kind, snapshotID: m.snapshotID,
		encrypted: m.encrypted, kmsKeyID: r.kmsARN(m), disk: content,
	}
	r.volumes.put(made)
	r.lab.agenda.add(made.created, func(time.Time) {
		if made.creating = false; r.keyFailure(made) != nil {
			r.volumes.remove(made.id)
		}
	})
	return made, nil
}

type volumeInput struct{ VolumeId string }

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVolume.html
func (r *region) deleteVolume(in *volumeInput) (*success, *apiError) {
	found, err := r.volume(in.VolumeId)
	if err != nil {
		return nil, err
	}
	if found.attached != nil {
		return nil, fail("VolumeInUse", "Volume %s is currently attached to %s", found.id, found.attached.id)
	}
	r.volumes.remove(found.id)
	return &success{Return: true}, nil
}

type attachVolumeInput struct {
	VolumeId, InstanceId, Device string
	Force                        *bool
}

// attachVolume gives a volume to an instance of its zone. It does not go with the
// instance.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html
func (r *region) attachVolume(in *attachVolumeInput) (*attachmentItem, *apiError) {
	found, err := r.volume(in.VolumeId)
	if err != nil {
		return nil, err
	}
	to, err := r.liveOne(in.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case in.Device == "":
		return nil, missing("Device")
	case found.attached != nil:
		return nil, fail("VolumeInUse", "%s is already attached to an instance", found.id)
	case found.creating:
		return nil, fail("IncorrectState", "%s is not 'available'.", found.id)
	case to.state != stateRunning && to.state != stateStopped:
		return nil, fail("IncorrectState", "Instance '%s' is not 'running'.", to.id)
	case found.zone != to.launch.subnet.zone:
		return nil, fail("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", found.id, to.id)
	case slices.ContainsFunc(to.volumes, func(v *volume) bool { return v.device == in.Device }):
		return nil, invalid("Invalid value '%s' for unixDevice. Attachment point %s is already in use", in.Device, in.Device)
	}
	now := r.now()
	found.attached, found.device, found.attachedAt, found.moving = to, in.Device, now, "attaching"
	found.deleteOnTermination = false
	to.volumes = append(to.volumes, found)
	r.lab.agenda.add(now, func(time.Time) {
		if found.moving == "attaching" {
			found.moving = ""
		}
	})
	item := found.attachmentItem()
	return &item, nil
}

// detachVolume takes a data volume from its instance. Guests see no data volumes, so
// there is nobody to unmount it and Force makes no difference.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
func (r *region) detachVolume(in *attachVolumeInput) (*attachmentItem, *apiError) {
	found, err := r.volume(in.VolumeId)
	if err != nil {
		return nil, err
	}
	from := found.attached
	switch {
	case from == nil:
		return nil, fail("IncorrectState", "Volume '%s' is in the '%s' state.", found.id, found.state())
	case in.InstanceId != "" && in.InstanceId != from.id || in.Device != "" && in.Device != found.device:
		return nil, fail("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'.",
			found.id, in.InstanceId, in.Device)
	case found == from.root() && from.state != stateStopped:
		return nil, fail("IncorrectState", "Unable to detach root volume '%s' from instance '%s'", found.id, from.id)
	case found == from.root():
		return nil, fail("UnsupportedOperation", "In the lab root volumes are not detached; CreateReplaceRootVolumeTask replaces them")
	}
	found.moving = "detaching"
	item := found.attachmentItem()
	r.lab.agenda.add(r.now(), func(time.Time) { found.detach() })
	return &item, nil
}

// detach ends the attachment.
func (v *volume) detach() {
	if v.attached == nil {
		return
	}
	v.attached.volumes = slices.DeleteFunc(v.attached.volumes, func(other *volume) bool { return other == v })
	v.attached, v.device, v.moving, v.deleteOnTermination = nil, "", "", false
}
