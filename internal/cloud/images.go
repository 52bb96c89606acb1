package cloud

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Images returns the images that match. An id that does not exist is an error of
// class NotFound: EC2 answers all of a request or nothing.
//
// Images that their owner has deprecated are found by id, and by their owner.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (r *Region) Images(ctx context.Context, query ImageQuery) ([]Image, error) {
	if query.IDs != nil && len(query.IDs) == 0 {
		return nil, nil
	}
	filters := tagFilters(query.Tags)
	for _, name := range slices.Sorted(maps.Keys(query.Filters)) {
		filters = append(filters, filter(name, query.Filters[name]...))
	}
	in := &ec2.DescribeImagesInput{ImageIds: query.IDs, Owners: query.Owners, Filters: filters}
	if len(query.IDs) > 0 || query.IncludeDeprecated {
		in.IncludeDeprecated = aws.Bool(true)
	}
	if query.IncludeDisabled {
		in.IncludeDisabled = aws.Bool(true)
	}
	if len(query.IDs) == 0 {
		in.MaxResults = aws.Int32(pageSize)
	}
	var found []Image
	err := pages(
		func(token *string) (*ec2.DescribeImagesOutput, error) {
			in.NextToken = token
			return call(ctx, r.name, "DescribeImages", r.ec2.describeImages, in)
		},
		func(out *ec2.DescribeImagesOutput) *string { return out.NextToken },
		func(out *ec2.DescribeImagesOutput) bool {
			for i := range out.Images {
				found = append(found, imageOf(&out.Images[i]))
			}
			return true
		})
	return found, err
}

func imageOf(from *types.Image) Image {
	to := Image{
		ID:             aws.ToString(from.ImageId),
		Name:           aws.ToString(from.Name),
		Description:    aws.ToString(from.Description),
		OwnerID:        aws.ToString(from.OwnerId),
		State:          string(from.State),
		Architecture:   string(from.Architecture),
		Platform:       string(from.Platform),
		RootDeviceName: aws.ToString(from.RootDeviceName),
		IMDSSupport:    string(from.ImdsSupport),
		BootMode:       string(from.BootMode),
		TPMSupport:     string(from.TpmSupport),
		ENASupport:     aws.ToBool(from.EnaSupport),
		Protection:     Protection(aws.ToString(from.DeregistrationProtection)),
		Public:         aws.ToBool(from.Public),

		SourceInstanceID:  aws.ToString(from.SourceInstanceId),
		SourceImageID:     aws.ToString(from.SourceImageId),
		SourceImageRegion: aws.ToString(from.SourceImageRegion),

		Tags: tagsOf(from.Tags),
	}
	if from.StateReason != nil {
		to.StateReason = reason(from.StateReason)
	}
	// EC2 gives the time as text; the zero time stands for one that is not readable.
	to.CreatedAt, _ = time.Parse(time.RFC3339, aws.ToString(from.CreationDate))
	to.DeprecatesAt, _ = time.Parse(time.RFC3339, aws.ToString(from.DeprecationTime))
	for _, mapping := range from.BlockDeviceMappings {
		volume := ImageVolume{DeviceName: aws.ToString(mapping.DeviceName)}
		if mapping.Ebs != nil {
			volume.SnapshotID = aws.ToString(mapping.Ebs.SnapshotId)
			volume.Size = int(aws.ToInt32(mapping.Ebs.VolumeSize))
			volume.Type = string(mapping.Ebs.VolumeType)
			volume.Encrypted = aws.ToBool(mapping.Ebs.Encrypted)
			volume.Kept = mapping.Ebs.DeleteOnTermination != nil && !*mapping.Ebs.DeleteOnTermination
		}
		to.Volumes = append(to.Volumes, volume)
	}
	return to
}

// CreateImage begins to capture an instance that is stopped. There is no client token
// for it: a call that is repeated after its answer got lost fails with
// CodeImageNameTaken.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
func (r *Region) CreateImage(ctx context.Context, capture Capture) (imageID string, err error) {
	var kept []types.BlockDeviceMapping // the only thing that can be changed of a volume that is there
	for _, device := range capture.KeepOnTermination {
		kept = append(kept, types.BlockDeviceMapping{DeviceName: &device, Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}})
	}
	var out *ec2.CreateImageOutput
	err = created(ctx, func() (err error) {
		out, err = call(ctx, r.name, "CreateImage", r.ec2.createImage, &ec2.CreateImageInput{
			InstanceId:          &capture.InstanceID,
			Name:                &capture.Name,
			Description:         given(capture.Description),
			TagSpecifications:   tagSpecifications(capture.Tags, types.ResourceTypeImage, types.ResourceTypeSnapshot),
			BlockDeviceMappings: kept,
		})
		return err
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ImageId), nil
}

// RequireIMDSv2 makes session tokens of the metadata service the image's default. It
// cannot be undone.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html
func (r *Region) RequireIMDSv2(ctx context.Context, imageID string) error {
	return r.modifyImage(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: &imageID, ImdsSupport: &types.AttributeValue{Value: aws.String(string(types.ImdsSupportValuesV20))},
	})
}

// SetImageDescription replaces the image's description; empty removes it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
func (r *Region) SetImageDescription(ctx context.Context, imageID, description string) error {
	return r.modifyImage(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: &imageID, Description: &types.AttributeValue{Value: &description},
	})
}

func (r *Region) modifyImage(ctx context.Context, in *ec2.ModifyImageAttributeInput) error {
	return created(ctx, func() error {
		_, err := call(ctx, r.name, "ModifyImageAttribute", r.ec2.modifyImage, in)
		return err
	})
}

// DeregisterImage removes the image and leaves its snapshots; an image that is gone is
// no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
func (r *Region) DeregisterImage(ctx context.Context, imageID string) error {
	_, err := call(ctx, r.name, "DeregisterImage", r.ec2.deregisterImage, &ec2.DeregisterImageInput{ImageId: &imageID})
	if HasCode(err, CodeImageNotFound, CodeImageGone) {
		return nil
	}
	return err
}

// Snapshots returns the account's own snapshots that carry all of the tags.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
func (r *Region) Snapshots(ctx context.Context, tags Tags) ([]Snapshot, error) {
	in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: tagFilters(tags), MaxResults: aws.Int32(pageSize)}
	var found []Snapshot
	err := pages(
		func(token *string) (*ec2.DescribeSnapshotsOutput, error) {
			in.NextToken = token
			return call(ctx, r.name, "DescribeSnapshots", r.ec2.describeSnapshots, in)
		},
		func(out *ec2.DescribeSnapshotsOutput) *string { return out.NextToken },
		func(out *ec2.DescribeSnapshotsOutput) bool {
			for _, from := range out.Snapshots {
				found = append(found, Snapshot{
					ID:          aws.ToString(from.SnapshotId),
					Description: aws.ToString(from.Description),
					State:       string(from.State),
					Progress:    aws.ToString(from.Progress),
					StartedAt:   aws.ToTime(from.StartTime),
					Tags:        tagsOf(from.Tags),
				})
			}
			return true
		})
	return found, err
}

// DeleteSnapshot deletes the snapshot; one that is gone is no error. While an image
// refers to it the error is of class InUse, which lasts a little longer than the image.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html
func (r *Region) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := call(ctx, r.name, "DeleteSnapshot", r.ec2.deleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: &id})
	if HasCode(err, CodeSnapshotNotFound) {
		return nil
	}
	return err
}
