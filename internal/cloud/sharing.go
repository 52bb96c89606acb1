package cloud

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Permissions say who else may use an image or a snapshot. Lists are sorted.
type Permissions struct {
	AccountIDs []string
	// OrganizationARNs and OrganizationalUnitARNs are for images only.
	OrganizationARNs       []string
	OrganizationalUnitARNs []string
	// Public means everyone.
	Public bool
}

// Empty reports whether nobody else may.
func (p Permissions) Empty() bool {
	return !p.Public && len(p.AccountIDs)+len(p.OrganizationARNs)+len(p.OrganizationalUnitARNs) == 0
}

// Equal reports whether both say the same.
func (p Permissions) Equal(other Permissions) bool {
	return p.Minus(other).Empty() && other.Minus(p).Empty()
}

// Minus is what these permissions have and the others lack.
func (p Permissions) Minus(other Permissions) Permissions {
	without := func(all, some []string) []string {
		return slices.DeleteFunc(slices.Sorted(slices.Values(all)), func(each string) bool { return slices.Contains(some, each) })
	}
	return Permissions{
		AccountIDs:             without(p.AccountIDs, other.AccountIDs),
		OrganizationARNs:       without(p.OrganizationARNs, other.OrganizationARNs),
		OrganizationalUnitARNs: without(p.OrganizationalUnitARNs, other.OrganizationalUnitARNs),
		Public:                 p.Public && !other.Public,
	}
}

// ImagePermissions reads who else may launch the image.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageAttribute.html
func (r *Region) ImagePermissions(ctx context.Context, imageID string) (Permissions, error) {
	var out *ec2.DescribeImageAttributeOutput
	err := created(ctx, func() (err error) {
		out, err = call(ctx, r.name, "DescribeImageAttribute", r.ec2.describeImageAttribute, &ec2.DescribeImageAttributeInput{
			ImageId: &imageID, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		return err
	})
	if err != nil {
		return Permissions{}, err
	}
	var found Permissions
	for _, each := range out.LaunchPermissions {
		switch {
		case each.Group == types.PermissionGroupAll:
			found.Public = true
		case each.UserId != nil:
			found.AccountIDs = append(found.AccountIDs, *each.UserId)
		case each.OrganizationArn != nil:
			found.OrganizationARNs = append(found.OrganizationARNs, *each.OrganizationArn)
		case each.OrganizationalUnitArn != nil:
			found.OrganizationalUnitARNs = append(found.OrganizationalUnitARNs, *each.OrganizationalUnitArn)
		}
	}
	slices.Sort(found.AccountIDs)
	slices.Sort(found.OrganizationARNs)
	slices.Sort(found.OrganizationalUnitARNs)
	return found, nil
}

// ChangeImagePermissions adds and removes permissions in one request. Adding what is
// there and removing what is not changes nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
func (r *Region) ChangeImagePermissions(ctx context.Context, imageID string, add, remove Permissions) error {
	if add.Empty() && remove.Empty() {
		return nil
	}
	return r.modifyImage(ctx, &ec2.ModifyImageAttributeInput{
		ImageId: &imageID, LaunchPermission: &types.LaunchPermissionModifications{Add: add.launch(), Remove: remove.launch()},
	})
}

func (p Permissions) launch() []types.LaunchPermission {
	var all []types.LaunchPermission
	if p.Public {
		all = append(all, types.LaunchPermission{Group: types.PermissionGroupAll})
	}
	for _, id := range p.AccountIDs {
		all = append(all, types.LaunchPermission{UserId: &id})
	}
	for _, arn := range p.OrganizationARNs {
		all = append(all, types.LaunchPermission{OrganizationArn: &arn})
	}
	for _, arn := range p.OrganizationalUnitARNs {
		all = append(all, types.LaunchPermission{OrganizationalUnitArn: &arn})
	}
	return all
}

// SnapshotPermissions reads who else may make volumes of the snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshotAttribute.html
func (r *Region) SnapshotPermissions(ctx context.Context, snapshotID string) (Permissions, error) {
	out, err := call(ctx, r.name, "DescribeSnapshotAttribute", r.ec2.describeSnapshot, &ec2.DescribeSnapshotAttributeInput{
		SnapshotId: &snapshotID, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
	})
	if err != nil {
		return Permissions{}, err
	}
	var found Permissions
	for _, each := range out.CreateVolumePermissions {
		if each.Group == types.PermissionGroupAll {
			found.Public = true
		} else {
			found.AccountIDs = append(found.AccountIDs, aws.ToString(each.UserId))
		}
	}
	slices.Sort(found.AccountIDs)
	return found, nil
}

// ChangeSnapshotPermissions adds and removes permissions in one request.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
func (r *Region) ChangeSnapshotPermissions(ctx context.Context, snapshotID string, add, remove Permissions) error {
	if add.Empty() && remove.Empty() {
		return nil
	}
	_, err := call(ctx, r.name, "ModifySnapshotAttribute", r.ec2.modifySnapshot, &ec2.ModifySnapshotAttributeInput{
		SnapshotId:             &snapshotID,
		Attribute:              types.SnapshotAttributeNameCreateVolumePermission,
		CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: add.volume(), Remove: remove.volume()},
	})
	return err
}

func (p Permissions) volume() []types.CreateVolumePermission {
	var all []types.CreateVolumePermission
	if p.Public {
		all = append(all, types.CreateVolumePermission{Group: types.PermissionGroupAll})
	}
	for _, id := range p.AccountIDs {
		all = append(all, types.CreateVolumePermission{UserId: &id})
	}
	return all
}

// ImageReference is something of the account that names an image.
type ImageReference struct {
	ImageID string
	// Kind is "ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter",
	// "imagebuilder:ImageRecipe" or "imagebuilder:ContainerRecipe".
	Kind string
	ARN  string
}

// Name is the last part of the ARN: an instance's id, a parameter's name.
func (r ImageReference) Name() string {
	fields := strings.SplitN(r.ARN, ":", 6)
	kind, name, found := strings.Cut(fields[len(fields)-1], "/")
	if !found {
		return r.ARN
	}
	if kind == "parameter" {
		return "/" + name
	}
	return name
}

// maxReferenced is how many images DescribeImageReferences takes.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html
const maxReferenced = 10

// ImageReferences lists what names the images, in this region; of instances, those that
// live. Where the account or the partition does not have the call, or the caller may
// not make it, the error is of class Denied or Unsupported, or has CodeInvalidAction.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html
func (r *Region) ImageReferences(ctx context.Context, imageIDs []string) ([]ImageReference, error) {
	var found []ImageReference
	live := types.ResourceTypeRequest{
		ResourceType: types.ImageReferenceResourceTypeEc2Instance,
		ResourceTypeOptions: []types.ResourceTypeOption{{
			OptionName: types.ImageReferenceOptionNameStateName, OptionValues: LiveInstanceStates(),
		}},
	}
	for batch := range slices.Chunk(imageIDs, maxReferenced) {
		in := &ec2.DescribeImageReferencesInput{
			ImageIds: batch, IncludeAllResourceTypes: aws.Bool(true), ResourceTypes: []types.ResourceTypeRequest{live},
		}
		err := pages(
			func(token *string) (*ec2.DescribeImageReferencesOutput, error) {
				in.NextToken = token
				return call(ctx, r.name, "DescribeImageReferences", r.ec2.describeReferences, in)
			},
			func(out *ec2.DescribeImageReferencesOutput) *string { return out.NextToken },
			func(out *ec2.DescribeImageReferencesOutput) bool {
				for _, each := range out.ImageReferences {
					found = append(found, ImageReference{
						ImageID: aws.ToString(each.ImageId), Kind: string(each.ResourceType), ARN: aws.ToString(each.Arn),
					})
				}
				return true
			})
		if err != nil {
			return found, err
		}
	}
	return found, nil
}
