package lab

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

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
	mappings, err := r.captureMappings(source, in.BlockDeviceMapping)
	if err != nil {
		return nil, err
	}
	now := r.now()
	made := &image{
		object: r.object("ami", tagMap{}.with(tags["image"])), region: r, owner: r.account.id, name: in.Name,
		description: in.Description, created: now, state: imagePending,
		sourceInstance: source.id, sourceImage: source.image.id, sourceRegion: r.name, mappings: mappings,
	}
	made.inherit(source.image)
	made.rootDevice = source.rootDevice()
	for _, v := range source.volumes {
		at := slices.IndexFunc(mappings, func(m mapping) bool { return m.device == v.device })
		if at < 0 {
			continue
		}
		kept := r.takeSnapshot(v, tags["snapshot"], now)
		kept.description = "Created by CreateImage(" + source.id + ") for " + made.id
		mappings[at].snapshotID = kept.id
	}
	r.place.images.put(made)
	restart := source.state == stateRunning && !isTrue(in.NoReboot)
	source.machine.capture(restart, func(layers []guests.Layer, err error) {
		r.captured(made, source.disk().with(layers...), err)
	})
	return &createImageOutput{ImageID: made.id}, nil
}

// inherit takes over what an image made from another one has of it.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html
func (i *image) inherit(from *image) {
	i.architecture, i.rootDevice, i.bootMode = from.architecture, from.rootDevice, from.bootMode
	i.imdsSupport, i.tpmSupport, i.withoutENA = from.imdsSupport, from.tpmSupport, from.withoutENA
}

// checkImageName refuses names that cannot be, or are taken.
func (r *region) checkImageName(name, description string) *apiError {
	switch {
	case name == "":
		return missing("Name")
	case !imageName.MatchString(name):
		return fail("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, "+
			"and may contain letters, numbers, and only the following characters: ( ) [ ] space . / - ' @ _")
	}
	if err := checkDescription(description); err != nil {
		return err
	}
	at := slices.IndexFunc(r.place.images.all(), func(i *image) bool { return i.owner == r.account.id && i.name == name })
	if at >= 0 {
		return fail("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, r.place.images.all()[at].id)
	}
	return nil
}

// checkDescription refuses what an image's description cannot hold. AWS's reference does not say
// that it is ASCII alone; its answers do.
func checkDescription(text string) *apiError {
	switch {
	case strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII }):
		return invalid("Value (%s) for parameter description is invalid. Character sets beyond ASCII are not supported.", text)
	case len(text) > maxDescription:
		return invalid("Value for parameter description is invalid. It has more than %d characters.", maxDescription)
	}
	return nil
}

// checkCapture checks a capture's parameters and finds its instance.
func (r *region) checkCapture(in *createImageInput) (*instance, *apiError) {
	if in.InstanceId == "" {
		return nil, missing("InstanceId")
	}
	if err := r.checkImageName(in.Name, in.Description); err != nil {
		return nil, err
	}
	found, err := r.named([]string{in.InstanceId})
	if err != nil {
		return nil, err
	}
	source := found[0]
	if source.state != stateRunning && source.state != stateStopped {
		return nil, fail("IncorrectState", "Instance '%s' is not 'running' or 'stopped'", source.id)
	}
	return source, r.checkPending(source.volumes...)
}

// captureMappings are the mappings of an image of an instance: its volumes, of which
// a request can leave out data volumes and say what becomes of the rest, and further
// volumes. Neither size nor encryption of the instance's can be changed.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
func (r *region) captureMappings(source *instance, params []mappingParam) ([]mapping, *apiError) {
	var taken []mapping
	for _, v := range source.volumes {
		taken = append(taken, mapping{
			device: v.device, size: v.size, kind: v.kind, iops: v.iops, throughput: v.throughput,
			encrypted: v.encrypted, kmsKeyID: v.kmsKeyID, deleteOnTermination: v.deleteOnTermination,
		})
	}
	for _, asked := range params {
		existing := slices.ContainsFunc(taken, func(m mapping) bool { return m.device == asked.DeviceName })
		switch {
		case !existing:
		case asked.NoDevice != nil && asked.DeviceName == source.rootDevice():
			return nil, fail("InvalidBlockDeviceMapping", "The root device %s cannot be left out of an image", asked.DeviceName)
		case asked.Ebs != nil && asked.Ebs.beyondDeletion():
			return nil, fail("InvalidBlockDeviceMapping",
				"Only deleteOnTermination can be changed for %s, which is a volume of the instance", asked.DeviceName)
		}
	}
	return r.merge(taken, params)
}

// beyondDeletion tells whether more is asked than what becomes of the volume.
func (e *ebsParam) beyondDeletion() bool {
	rest := *e
	rest.DeleteOnTermination = nil
	return rest != ebsParam{}
}

// captured is the end of a capture, as far as the guest is concerned: the image and
// its snapshots become available after the weather's time, or have failed.
func (r *region) captured(made *image, content disk, err error) {
	r.develop(made, toCapture, func(at time.Time, failed *stateReason) {
		made.disk = content
		if err != nil {
			failed = &stateReason{Code: "Server.InternalError", Message: "Server.InternalError: " + err.Error()}
		}
		made.finish(failed, at)
	})
}

// finish completes an image and its snapshots, or ends them if the image has failed.
func (i *image) finish(failed *stateReason, at time.Time) {
	i.state, i.reason = imageAvailable, failed
	state, why := snapshotCompleted, ""
	if failed != nil {
		i.state, state, why = imageFailed, snapshotError, failed.Message
	}
	for _, m := range i.mappings {
		kept := i.region.place.snapshots.get(m.snapshotID)
		if kept == nil || kept.state != snapshotPending {
			continue
		}
		kept.state, kept.completed, kept.statusMessage = state, at, why
		if m.device == i.rootDevice {
			kept.disk = i.disk
		}
	}
}
