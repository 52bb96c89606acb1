package cloud

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ImageCopy is one CopyImage call, made in the region that the copy is for.
type ImageCopy struct {
	// ClientToken makes a repeated call return the first one's image.
	ClientToken   string
	SourceRegion  string
	SourceImageID string
	Name          string
	Description   string
	// Encrypted encrypts what is not encrypted yet; nothing can be decrypted.
	Encrypted bool
	// KMSKeyID is a key of this region; empty means the account's key for EBS.
	KMSKeyID string
	// Tags are put on the image and on its snapshots by the call itself.
	Tags Tags
}

// CopyImage begins to copy an image into this region. Keys are checked later: a wrong
// one shows as an image that failed.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
func (r *Region) CopyImage(ctx context.Context, of ImageCopy) (imageID string, err error) {
	in := &ec2.CopyImageInput{
		ClientToken:       given(of.ClientToken),
		SourceRegion:      &of.SourceRegion,
		SourceImageId:     &of.SourceImageID,
		Name:              &of.Name,
		Description:       given(of.Description),
		KmsKeyId:          given(of.KMSKeyID),
		TagSpecifications: tagSpecifications(of.Tags, types.ResourceTypeImage, types.ResourceTypeSnapshot),
	}
	if of.Encrypted {
		in.Encrypted = aws.Bool(true)
	}
	var out *ec2.CopyImageOutput
	err = created(ctx, func() (err error) {
		out, err = call(ctx, r.name, "CopyImage", r.ec2.copyImage, in)
		return err
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ImageId), nil
}

// DeprecateImage sets when the image becomes deprecated, to the minute; the zero time
// takes the date away.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
func (r *Region) DeprecateImage(ctx context.Context, imageID string, at time.Time) error {
	return created(ctx, func() (err error) {
		if at.IsZero() {
			_, err = call(ctx, r.name, "DisableImageDeprecation", r.ec2.disableDeprecation, &ec2.DisableImageDeprecationInput{ImageId: &imageID})
			return err
		}
		_, err = call(ctx, r.name, "EnableImageDeprecation", r.ec2.enableDeprecation,
			&ec2.EnableImageDeprecationInput{ImageId: &imageID, DeprecateAt: aws.Time(at.UTC())})
		return err
	})
}

// ProtectImage keeps the image from being deregistered, until UnprotectImage; no
// cool-down is asked for.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
func (r *Region) ProtectImage(ctx context.Context, imageID string) error {
	return created(ctx, func() error {
		_, err := call(ctx, r.name, "EnableImageDeregistrationProtection", r.ec2.enableProtection,
			&ec2.EnableImageDeregistrationProtectionInput{ImageId: &imageID})
		return err
	})
}

// UnprotectImage lets the image be deregistered again: at once, or 24 hours later when
// somebody has protected it with a cool-down.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageDeregistrationProtection.html
func (r *Region) UnprotectImage(ctx context.Context, imageID string) error {
	_, err := call(ctx, r.name, "DisableImageDeregistrationProtection", r.ec2.disableProtection,
		&ec2.DisableImageDeregistrationProtectionInput{ImageId: &imageID})
	return err
}

// EnableImage undoes that somebody has disabled the image. Whom it was shared with stays
// forgotten.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImage.html
func (r *Region) EnableImage(ctx context.Context, imageID string) error {
	_, err := call(ctx, r.name, "EnableImage", r.ec2.enableImage, &ec2.EnableImageInput{ImageId: &imageID})
	return err
}

// Protection is an image's protection from being deregistered, in EC2's words.
type Protection string

// Enabled reports whether the protection is on.
func (p Protection) Enabled() bool { return strings.HasPrefix(string(p), "enabled") }

// Cooldown reports whether the protection holds on for a while after it was disabled,
// or would.
func (p Protection) Cooldown() bool {
	return p == "enabled-with-cooldown" || strings.HasPrefix(string(p), "disabled after")
}

// RemoveImage deregisters the image and deletes its snapshots, in one request. Those
// that were not deleted are returned; an image that is gone is no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
func (r *Region) RemoveImage(ctx context.Context, imageID string) (left []string, err error) {
	out, err := call(ctx, r.name, "DeregisterImage", r.ec2.deregisterImage,
		&ec2.DeregisterImageInput{ImageId: &imageID, DeleteAssociatedSnapshots: aws.Bool(true)})
	if HasCode(err, CodeImageNotFound, CodeImageGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, each := range out.DeleteSnapshotResults {
		if each.ReturnCode != types.SnapshotReturnCodesSuccess {
			left = append(left, aws.ToString(each.SnapshotId))
		}
	}
	return left, nil
}
