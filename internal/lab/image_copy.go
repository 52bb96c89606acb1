package lab

import (
	"fmt"
	"slices"
	"time"
)

// copiedVolume is the volume that copied snapshots name; it is none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
const copiedVolume = "vol-ffffffff"

type copyImageInput struct {
	SourceRegion, SourceImageId, Name, ClientToken, KmsKeyId string
	Description                                              *string
	Encrypted, CopyImageTags                                 *bool
	TagSpecification                                         []tagSpecification
}

type copyImageOutput struct {
	ImageID string `xml:"imageId"`
}

// copyImage copies an image into this region, with snapshots of its own.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
func (r *region) copyImage(in *copyImageInput) (*copyImageOutput, *apiError) {
	made, err := once(r, "CopyImage", in.ClientToken, in, r.beginCopy)
	if err != nil {
		return nil, err
	}
	return &copyImageOutput{ImageID: made.id}, nil
}

func (r *region) beginCopy(in *copyImageInput) (*image, *apiError) {
	source, err := r.copySource(in)
	if err != nil {
		return nil, err
	}
	// An empty description is one, and stays: the AWS provider sends it, and on AWS reads
	// none.
	description := fmt.Sprintf("[Copied %s from %s] %s", source.id, source.region.name, source.name)
	if in.Description != nil {
		description = *in.Description
	}
	if err := r.checkImageName(in.Name, description); err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "image", "snapshot")
	if err != nil {
		return nil, err
	}
	mappings, err := r.copyMappings(source, in)
	if err != nil {
		return nil, err
	}
	own := tagMap{}
	if isTrue(in.CopyImageTags) && source.owner == r.account.id {
		own = own.with(source.tags)
	}
	if own = own.with(tags["image"]); len(own) > maxTags {
		return nil, tagLimit(in.SourceImageId)
	}
	made := &image{
		object: r.object("ami", own), region: r, owner: r.account.id, name: in.Name, description: description,
		created: r.now(), state: imagePending, sourceImage: source.id, sourceRegion: source.region.name,
		mappings: mappings, disk: source.disk,
	}
	made.inherit(source)
	r.copySnapshots(source, made, tags["snapshot"])
	r.place.images.put(made)
	from := r.account.regions[in.SourceRegion]
	readable := !slices.ContainsFunc(source.mappings, func(m mapping) bool { return !from.readable(m.snapshotID) })
	r.develop(made, toCopy, func(at time.Time, failed *stateReason) { made.copied(at, readable, failed) })
	return made, nil
}

// copySource finds the image to copy: available, and in the region that it is said
// to be in.
func (r *region) copySource(in *copyImageInput) (*image, *apiError) {
	switch {
	case in.SourceRegion == "":
		return nil, missing("SourceRegion")
	case in.SourceImageId == "":
		return nil, missing("SourceImageId")
	}
	from, err := r.account.region(in.SourceRegion)
	if err != nil {
		return nil, invalid("Value (%s) for parameter sourceRegion is invalid. Invalid Region.", in.SourceRegion)
	}
	source, err := from.image(in.SourceImageId)
	switch {
	case err != nil:
		return nil, err
	case source.state == imagePending:
		return nil, fail("InvalidRequest", "The storage for the ami is not available in the source region.")
	case source.state != imageAvailable:
		return nil, fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available", source.id)
	}
	for _, m := range source.mappings {
		if kept := from.place.snapshots.get(m.snapshotID); kept != nil && !kept.restorableBy([]string{"self", "all"}, r.account) {
			return nil, fail("InvalidRequest", "You do not have permission to access the storage of this ami")
		}
	}
	return source, nil
}

// copyMappings are the copy's: a copy can be encrypted, not decrypted. Without a key
// named, what is encrypted keeps its key within a region, and is encrypted by the
// account's own key for EBS in another one, where the first does not exist.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html
func (r *region) copyMappings(source *image, in *copyImageInput) ([]mapping, *apiError) {
	if in.KmsKeyId != "" && !isTrue(in.Encrypted) {
		return nil, keyWithoutEncryption()
	}
	copies := make([]mapping, len(source.mappings))
	for at, m := range source.mappings {
		if m.encrypted && in.Encrypted != nil && !*in.Encrypted {
			return nil, fail("InvalidRequest", "Snapshot %s is encrypted. Creating an unencrypted copy from an encrypted snapshot "+
				"is not supported.", m.snapshotID)
		}
		if source.region != r {
			m.kmsKeyID = "" // another region, or another account
		}
		if isTrue(in.Encrypted) {
			m.encrypted, m.kmsKeyID = true, in.KmsKeyId
		}
		m.kmsKeyID = r.kmsARN(m)
		copies[at] = m
	}
	return copies, nil
}

// keyWithoutEncryption is the error for a key that has nothing to encrypt.
func keyWithoutEncryption() *apiError {
	return fail("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
}

// copySnapshots begins the copy of what is behind the image.
func (r *region) copySnapshots(source, made *image, tags tagMap) {
	for at := range made.mappings {
		m := &made.mappings[at]
		if m.snapshotID == "" {
			continue
		}
		kept := &snapshot{
			object: r.object("snap", tagMap{}.with(tags)), region: r, owner: r.account.id, state: snapshotPending,
			started: made.created, size: m.size, volumeID: copiedVolume, encrypted: m.encrypted, kmsKeyID: m.kmsKeyID,
			description: fmt.Sprintf("Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s. Task created on %d.",
				made.id, source.id, m.snapshotID, made.created.UnixMilli()),
		}
		if original := source.region.place.snapshots.get(m.snapshotID); original != nil {
			kept.size, kept.disk = original.size, original.disk
		}
		r.place.snapshots.put(kept)
		m.snapshotID = kept.id
	}
}

// copied is the end of a copy. Only now are keys checked: one that is not there, is of
// another region or of an account that does not let this one use it, makes an image
// that has failed.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
func (i *image) copied(at time.Time, readable bool, failed *stateReason) {
	unusable := !readable
	for _, m := range i.mappings {
		key := i.region.usableKey(m.kmsKeyID)
		unusable = unusable || m.encrypted && (key == nil || key.state != keyEnabled)
	}
	if unusable {
		failed = &stateReason{Code: "Client.InternalError", Message: "Client.InternalError: Given key ID is not accessible"}
	}
	i.finish(failed, at)
}
