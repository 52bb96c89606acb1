package lab

import "slices"

// covers tells whether a launch permission is about an account: by itself, with
// everybody, or with its organization or a unit that it is below.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html
func (p permissionParam) covers(a *account) bool {
	switch {
	case p.Group == "all":
		return true
	case p.UserId != "":
		return p.UserId == a.id
	case p.OrganizationArn != "":
		return p.OrganizationArn == a.organization
	}
	return slices.Contains(a.units, p.OrganizationalUnitArn)
}

// usableBy tells whether an account may see and launch the image: its own, public
// ones, and those that are shared with it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (i *image) usableBy(a *account) bool {
	return i.owner == a.id || slices.ContainsFunc(i.launch, func(p permissionParam) bool { return p.covers(a) })
}

// usableBy tells whether an account may see the snapshot, and make volumes of it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
func (s *snapshot) usableBy(a *account) bool {
	return s.owner == a.id || s.public() || slices.Contains(s.permissions, volumePermission{UserId: a.id})
}

// unsharedImage is the error for an image that is there, but not for the caller.
// AWS's documents have the code, its clients' reports the message.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// https://github.com/Orange-Cyberdefense/GOAD/issues/304
func unsharedImage(id string) *apiError {
	return fail("AuthFailure", "Not authorized for images: [%s]", id)
}

// lingers tells whether an image is gone, but not forgotten: as long as instances of it
// live, whoever they belong to, EC2 describes it by nothing and not by an error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (r *region) lingers(imageID string) bool {
	if r.place.images.get(imageID) != nil {
		return false
	}
	return slices.ContainsFunc(r.lab.allRegions(), func(part *region) bool {
		return part.place == r.place && slices.ContainsFunc(part.instances.all(), func(i *instance) bool { return i.live() && i.image.id == imageID })
	})
}

// reasonKey is why an instance ends at pending that has a volume from a snapshot whose
// key the account may not use.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html#troubleshooting-launch-internal
var reasonKey = stateReason{"Client.InternalError", "Client.InternalError: Client error on launch"}

// reasonKeyState is why an instance ends at pending that has a volume whose key is
// disabled or about to be deleted.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
var reasonKeyState = stateReason{
	"Client.InvalidKMSKey.InvalidState", "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
}

// keyFailure is why a volume cannot be made for want of a key: requests take what names
// no key, since EC2 looks for it only when it makes the volume, or reads the snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html
func (r *region) keyFailure(v *volume) *stateReason {
	if !r.readable(v.snapshotID) {
		return &reasonKey
	}
	if !v.encrypted {
		return nil
	}
	switch key := r.usableKey(v.kmsKeyID); {
	case key == nil:
		return &reasonKey
	case key.state != keyEnabled:
		return &reasonKeyState
	}
	return nil
}

// readable tells whether the account can read what is in a snapshot: if that is
// encrypted, only with the snapshot's key. Sharing an image or a snapshot does not
// share the key.
// https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
func (r *region) readable(snapshotID string) bool {
	kept := r.place.snapshots.get(snapshotID)
	if kept == nil || !kept.encrypted || kept.owner == r.account.id {
		return true
	}
	return r.usableKey(kept.kmsKeyID) != nil
}

// withOwnKeys are an image's mappings as the account takes them over: a volume from
// an encrypted snapshot of somebody else's is encrypted by the account's own key for
// EBS, unless another one is named.
// https://docs.aws.amazon.com/ebs/latest/userguide/encryption-examples.html#ebs-volume-encryption-outcomes
func (i *image) withOwnKeys(of *account) []mapping {
	taken := slices.Clone(i.mappings)
	for at := range taken {
		if i.owner != of.id {
			taken[at].kmsKeyID = ""
		}
	}
	return taken
}
