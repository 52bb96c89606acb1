package lab

import (
	"regexp"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// maxDescription is in characters.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
const maxDescription = 255

// imageName is what CreateImage takes as a name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
var imageName = regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$`)

type createImageInput struct {
	InstanceId, Name, Description string
	NoReboot                      *bool
	BlockDeviceMapping            []mappingParam
	TagSpecification              []tagSpecification
}

type createImageOutput struct {
	ImageID string `xml:"imageId"`
}

// createImage captures an instance: one snapshot for each of its volumes. There is
// no client token; that names are unique takes its place.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
func (r *region) createImage(in *createImageInput) (*createImageOutput, *apiError) {
	source, err := r.checkCapture(in)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "image", "snapshot")
	if err != nil {
		return nil, err
	}
	now := r.now()
	made := &image{
		object: r.object("ami", tagMap{}.with(tags["image"])), region: r, owner: accountID, name: in.Name,
		description: in.Description, created: now, state: imagePending, architecture: source.launch.image.architecture,
		rootDevice: source.launch.image.rootDevice, os: source.launch.image.os,
		imdsSupport:    source.launch.image.imdsSupport,
		sourceInstance: source.id, sourceImage: source.launch.image.id, startAt: r.name,
	}
	var taken []mapping
	for _, v := range source.volumes {
		kept := r.takeSnapshot(v, made, tags["snapshot"], now)
		m := mapping{
			device: v.device, snapshotID: kept.id, size: v.size, kind: v.kind, iops: v.iops, throughput: v.throughput,
			encrypted: v.encrypted, kmsKeyID: v.kmsKeyID, deleteOnTermination: v.deleteOnTermination,
		}
		taken = append(taken, m)
	}
	if made.mappings, err = r.merge(taken, in.BlockDeviceMapping); err != nil {
		for _, m := range taken {
			r.snapshots.remove(m.snapshotID)
		}
		return nil, err
	}
	r.images.put(made)
	restart := source.state == stateRunning && !isTrue(in.NoReboot)
	source.machine.capture(restart, func(layers []guests.Layer, err error) { r.captured(made, source, layers, err) })
	return &createImageOutput{ImageID: made.id}, nil
}

// checkCapture checks a capture's parameters and finds its instance.
func (r *region) checkCapture(in *createImageInput) (*instance, *apiError) {
	switch {
	case in.InstanceId == "":
		return nil, missing("InstanceId")
	case in.Name == "":
		return nil, missing("Name")
	case !imageName.MatchString(in.Name):
		return nil, fail("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, "+
			"and may contain letters, numbers, and only the following characters: ( ) [ ] space . / - ' @ _")
	case len([]rune(in.Description)) > maxDescription:
		return nil, invalid("Character sets beyond %d characters are not possible for the parameter description", maxDescription)
	}
	found, err := r.named([]string{in.InstanceId})
	if err != nil {
		return nil, err
	}
	source := found[0]
	if source.state != stateRunning && source.state != stateStopped {
		return nil, fail("IncorrectState", "Instance '%s' is not 'running' or 'stopped'", source.id)
	}
	at := slices.IndexFunc(r.images.all(), func(i *image) bool { return i.owner == accountID && i.name == in.Name })
	if at >= 0 {
		return nil, fail("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", in.Name, r.images.all()[at].id)
	}
	return source, nil
}

// takeSnapshot begins the snapshot of one volume for an image.
func (r *region) takeSnapshot(of *volume, by *image, tags tagMap, now time.Time) *snapshot {
	kept := &snapshot{
		object: r.object("snap", tagMap{}.with(tags)), owner: accountID, state: snapshotPending, started: now,
		size: of.size, volumeID: of.id, encrypted: of.encrypted, kmsKeyID: of.kmsKeyID,
		description: "Created by CreateImage(" + by.sourceInstance + ") for " + by.id,
	}
	r.snapshots.put(kept)
	return kept
}

// captured is the end of a capture, as far as the guest is concerned: the image and
// its snapshots become available after the weather's time, or have failed.
func (r *region) captured(made *image, source *instance, layers []guests.Layer, err error) {
	r.develop(made, toCapture, func(at time.Time, failed *stateReason) {
		state := snapshotCompleted
		made.state = imageAvailable
		made.layers = append(slices.Clone(source.launch.image.layers), layers...)
		if err != nil {
			failed = &stateReason{Code: "Server.InternalError", Message: "Server.InternalError: " + err.Error()}
		}
		if failed != nil {
			made.state, state, made.reason = imageFailed, snapshotError, failed
		}
		for _, m := range made.mappings {
			if kept := r.snapshots.get(m.snapshotID); kept != nil && kept.state == snapshotPending {
				kept.state, kept.completed = state, at
			}
		}
	})
}
