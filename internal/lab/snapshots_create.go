package lab

import (
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// snapshotActions are those of snapshots.
var snapshotActions = map[string]action{
	"CreateSnapshot":            of((*region).createSnapshot),
	"CreateSnapshots":           of((*region).createSnapshots),
	"DescribeSnapshots":         of((*region).describeSnapshots),
	"DeleteSnapshot":            of((*region).deleteSnapshot),
	"DescribeSnapshotAttribute": of((*region).describeSnapshotAttribute),
	"ModifySnapshotAttribute":   of((*region).modifySnapshotAttribute),
	"ResetSnapshotAttribute":    of((*region).resetSnapshotAttribute),
}

// maxPending is how many snapshots of one volume can be pending; of throughput
// optimized and cold disks it is one.
// https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
const maxPending = 5

// checkPending refuses a further snapshot of volumes that have too many under way.
func (r *region) checkPending(volumes ...*volume) *apiError {
	for _, v := range volumes {
		pending, most := 0, maxPending
		if v.kind == "st1" || v.kind == "sc1" {
			most = 1
		}
		for _, s := range r.place.snapshots.all() {
			if s.volumeID == v.id && s.state == snapshotPending {
				pending++
			}
		}
		if pending >= most {
			return fail("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
		}
	}
	return nil
}

// takeSnapshot begins the snapshot of one volume.
func (r *region) takeSnapshot(of *volume, tags tagMap, now time.Time) *snapshot {
	kept := &snapshot{
		object: r.object("snap", tagMap{}.with(tags)), region: r, owner: r.account.id, state: snapshotPending, started: now,
		size: of.size, volumeID: of.id, encrypted: of.encrypted, kmsKeyID: of.kmsKeyID, disk: of.disk,
	}
	r.place.snapshots.put(kept)
	return kept
}

type createSnapshotInput struct {
	VolumeId, Description string
	TagSpecification      []tagSpecification
}

// createSnapshot takes what is on a volume now; whoever writes to it is not stopped.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html
func (r *region) createSnapshot(in *createSnapshotInput) (*snapshotItem, *apiError) {
	of, err := r.volume(in.VolumeId)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "snapshot")
	if err != nil {
		return nil, err
	}
	made, err := r.snapVolumes([]*volume{of}, in.Description, func(*volume) tagMap { return tags["snapshot"] })
	if err != nil {
		return nil, err
	}
	item := made[0].item(r.account)
	return &item, nil
}

// snapVolumes begins snapshots of volumes, and puts their end on the agenda.
func (r *region) snapVolumes(volumes []*volume, description string, tags func(*volume) tagMap) ([]*snapshot, *apiError) {
	if len([]rune(description)) > maxDescription {
		return nil, invalid("Character sets beyond %d characters are not possible for the parameter description", maxDescription)
	}
	if err := r.checkPending(volumes...); err != nil {
		return nil, err
	}
	var all []*snapshot
	for _, v := range volumes {
		kept := r.takeSnapshot(v, tags(v), r.now())
		kept.description = description
		all = append(all, kept)
		if v.attached == nil || v != v.attached.root() {
			kept.finish(nil)
			continue
		}
		v.attached.machine.capture(false, func(layers []guests.Layer, err error) {
			kept.disk = kept.disk.with(layers...)
			kept.finish(err)
		})
	}
	return all, nil
}

// finish puts the snapshot's end on the agenda.
func (s *snapshot) finish(err error) {
	l := s.region.lab
	l.agenda.add(l.clock.now().Add(l.takes(toCapture, s.id)), func(at time.Time) {
		s.state, s.completed = snapshotCompleted, at
		if err != nil {
			s.state, s.statusMessage = snapshotError, err.Error()
		}
	})
}

type instanceSpecification struct {
	InstanceId          string
	ExcludeBootVolume   *bool
	ExcludeDataVolumeId []string
}

type createSnapshotsInput struct {
	InstanceSpecification           *instanceSpecification
	Description, CopyTagsFromSource string
	TagSpecification                []tagSpecification
}

// snapshotInfoItem is one of several snapshots that were taken together.
type snapshotInfoItem struct {
	Description string    `xml:"description"`
	Tags        []tagItem `xml:"tagSet"`
	Encrypted   bool      `xml:"encrypted"`
	VolumeID    string    `xml:"volumeId"`
	State       string    `xml:"state"`
	Size        int       `xml:"volumeSize"`
	StartTime   time.Time `xml:"startTime"`
	Progress    string    `xml:"progress"`
	OwnerID     string    `xml:"ownerId"`
	ID          string    `xml:"snapshotId"`
}

type createSnapshotsOutput struct {
	Snapshots []snapshotInfoItem `xml:"snapshotSet"`
}

// createSnapshots takes the volumes of an instance together.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html
func (r *region) createSnapshots(in *createSnapshotsInput) (*createSnapshotsOutput, *apiError) {
	if in.InstanceSpecification == nil {
		return nil, missing("InstanceSpecification")
	}
	of, err := r.liveOne(in.InstanceSpecification.InstanceId)
	if err != nil {
		return nil, err
	}
	volumes, err := in.InstanceSpecification.volumes(of)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "snapshot")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "volume"}, in.CopyTagsFromSource) {
		return nil, invalid("Value (%s) for parameter copyTagsFromSource is invalid.", in.CopyTagsFromSource)
	}
	made, err := r.snapVolumes(volumes, in.Description, func(v *volume) tagMap {
		if in.CopyTagsFromSource == "volume" {
			return v.tags.with(tags["snapshot"])
		}
		return tags["snapshot"]
	})
	if err != nil {
		return nil, err
	}
	out := &createSnapshotsOutput{}
	for _, s := range made {
		out.Snapshots = append(out.Snapshots, snapshotInfoItem{
			Description: s.description, Tags: s.seenTags().items(), Encrypted: s.encrypted, VolumeID: s.volumeID, State: s.state,
			Size: s.size, StartTime: s.started, Progress: s.progress(), OwnerID: s.owner, ID: s.id,
		})
	}
	return out, nil
}

// volumes are those that are not left out. The root volume is left out by a flag of
// its own, not by its id.
func (s *instanceSpecification) volumes(of *instance) ([]*volume, *apiError) {
	var chosen []*volume
	for _, id := range s.ExcludeDataVolumeId {
		at := slices.IndexFunc(of.volumes, func(v *volume) bool { return v.id == id })
		if at < 0 || of.volumes[at] == of.root() {
			return nil, invalid("The volume %s is not a data volume of the instance %s", id, of.id)
		}
	}
	for _, v := range of.volumes {
		if v == of.root() && isTrue(s.ExcludeBootVolume) || slices.Contains(s.ExcludeDataVolumeId, v.id) {
			continue
		}
		chosen = append(chosen, v)
	}
	if len(chosen) == 0 {
		return nil, invalid("No volumes of the instance %s are left to take snapshots of", of.id)
	}
	return chosen, nil
}
