package ownership

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// A client token of a launch is, after the prefix, what is asked for and two seals: one
// over the owner and the image, one over the subnet as well. EC2 keeps the token with the
// instance for good, and shows it. The subnet counts because a client token counts for one
// zone only; of an instance that has ended, EC2 tells it no more.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
const (
	tokenPrefix = "stamp-"
	askedDigits = 24
	sealDigits  = 16
)

var tokenForm = regexp.MustCompile(fmt.Sprintf(`^%s([0-9a-f]{%d})([0-9a-f]{%d})([0-9a-f]{%d})$`, tokenPrefix, askedDigits, sealDigits, sealDigits))

// LaunchToken is the client token of a launch: derived from the whole of it, so that the
// same launch is the same request to a retry and after a crash; and sealed, so that the
// instance is known by it. Another attempt is another launch. The launch names its subnet.
func (o Owner) LaunchToken(launch cloud.Launch, attempt int) string {
	launch.ClientToken = ""
	request, err := json.Marshal(launch)
	if err != nil {
		panic(err) // a Launch holds nothing that JSON cannot hold
	}
	asked := digest(askedDigits, "launch", o.ID, strconv.Itoa(attempt), string(request))
	return tokenPrefix + asked + o.seal(asked, launch.ImageID) + o.seal(asked, launch.ImageID, launch.SubnetID)
}

func (o Owner) seal(asked string, parts ...string) string {
	return digest(sealDigits, append([]string{"seal", o.ID, string(o.Kind), o.Name, o.Account, o.Region, asked}, parts...)...)
}

// Launched reports whether the owner has launched an instance: its client token says so,
// which nobody can give to an instance that is there already.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
func (o Owner) Launched(instance cloud.Instance) bool {
	parts := tokenForm.FindStringSubmatch(instance.ClientToken)
	if o.ID == "" || parts == nil || parts[2] != o.seal(parts[1], instance.ImageID) {
		return false
	}
	return !instance.Live() || parts[3] == o.seal(parts[1], instance.ImageID, instance.SubnetID)
}

// Captured says why an image is not one that CreateImage has made of a builder of the
// owner, under that name; empty when it is. Names of images cannot be changed and are
// unique in an account and region, and AWS itself says what an image was made from.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
func (o Owner) Captured(image cloud.Image, name string) string {
	switch {
	case image.Name != name:
		return fmt.Sprintf("is named %q, and what it is tagged as is named %q", image.Name, name)
	case image.OwnerID != "" && image.OwnerID != o.Account:
		return "belongs to account " + image.OwnerID
	case image.SourceInstanceID == "" || image.SourceInstanceID != image.Tags[cloud.TagBuilder]:
		return fmt.Sprintf("was made from %s, and not from a builder of this line", madeFrom(image))
	}
	return ""
}

// Copied says why an image is not a copy that the owner has made of one of its images in
// its own region, under that name; empty when it is.
func (o Owner) Copied(image cloud.Image, name string) string {
	from := image.Tags[cloud.TagCopyOf]
	switch {
	case image.Name != name:
		return fmt.Sprintf("is named %q, and what it is tagged as is named %q", image.Name, name)
	case image.OwnerID != "" && image.OwnerID != o.Account:
		return "belongs to account " + image.OwnerID
	case from == "" || image.SourceImageID != from || image.SourceImageRegion != "" && image.SourceImageRegion != o.Region:
		return fmt.Sprintf("was made from %s, and is not a copy of an image of this line", madeFrom(image))
	}
	return ""
}

func madeFrom(image cloud.Image) string {
	switch {
	case image.SourceInstanceID != "":
		return "instance " + image.SourceInstanceID
	case image.SourceImageID == "":
		return "something that AWS does not name"
	case image.SourceImageRegion != "":
		return "image " + image.SourceImageID + " (" + image.SourceImageRegion + ")"
	default:
		return "image " + image.SourceImageID
	}
}

// EC2 describes the snapshots of an image by what it was made from, in a text that nobody
// can change: "Created by CreateImage(i-1) for ami-2", "Copied for DestinationAmi ami-2
// from SourceAmi ami-1 for SourceSnapshot snap-1. …".
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-deleting-snapshot.html
var (
	ofCapture = regexp.MustCompile(`^Created by CreateImage\((i-[0-9a-f]+)\) for (ami-[0-9a-f]+)`)
	ofCopy    = regexp.MustCompile(`^Copied for DestinationAmi (ami-[0-9a-f]+) from SourceAmi (ami-[0-9a-f]+) `)
)

// SnapshotOf returns the image that a snapshot was made for, when that was one that the
// owner has captured or copied: its description says so, which nobody can change, and its
// tags agree.
func (o Owner) SnapshotOf(snapshot cloud.Snapshot) (imageID string, ours bool) {
	if !o.Claimed(snapshot.Tags) {
		return "", false
	}
	if parts := ofCapture.FindStringSubmatch(snapshot.Description); parts != nil {
		return parts[2], parts[1] == snapshot.Tags[cloud.TagBuilder]
	}
	if parts := ofCopy.FindStringSubmatch(snapshot.Description); parts != nil {
		return parts[1], parts[2] == snapshot.Tags[cloud.TagCopyOf]
	}
	return "", false
}

// digest is the beginning, of so many hexadecimal digits, of the SHA-256 of the parts,
// each with its length before it.
func digest(digits int, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	return hex.EncodeToString(hash.Sum(nil))[:digits]
}
