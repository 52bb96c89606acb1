package cloud

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// atOnce is how many calls that take one instance each are under way together; how
// many a second is for the pacer to say.
const atOnce = 8

// CreateTags adds the tags, or gives them new values: 1,000 resources a request.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (r *Region) CreateTags(ctx context.Context, ids []string, tags Tags) error {
	if len(tags) == 0 {
		return nil
	}
	return inBatches(ids, func(batch []string) error {
		return created(ctx, func() error {
			_, err := call(ctx, r.name, "CreateTags", r.ec2.createTags, &ec2.CreateTagsInput{Resources: batch, Tags: ec2Tags(tags)})
			return err
		})
	})
}

// DeleteTags removes the tags with these keys, whatever their values: 1,000 resources
// a request. A tag that is not there is no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (r *Region) DeleteTags(ctx context.Context, ids, keys []string) error {
	// Without any tags in it, the request would remove all.
	if len(keys) == 0 {
		return nil
	}
	var tags []types.Tag
	for _, key := range slices.Sorted(slices.Values(keys)) {
		tags = append(tags, types.Tag{Key: &key})
	}
	return inBatches(ids, func(batch []string) error {
		return created(ctx, func() error {
			_, err := call(ctx, r.name, "DeleteTags", r.ec2.deleteTags, &ec2.DeleteTagsInput{Resources: batch, Tags: tags})
			return err
		})
	})
}

// inBatches does something to 1,000 ids at a time, until it fails.
func inBatches(ids []string, do func(batch []string) error) error {
	for batch := range slices.Chunk(ids, maxIDs) {
		if err := do(batch); err != nil {
			return err
		}
	}
	return nil
}

// groupVisibleWithin is how long a security group may be unknown: whoever has made it has
// mostly waited until it was seen, and one that is not there must not cost a minute for
// each instance.
const groupVisibleWithin = 10 * time.Second

// SetSecurityGroups replaces the groups of the instance's primary network interface.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
func (r *Region) SetSecurityGroups(ctx context.Context, instanceID string, groupIDs []string) error {
	begun := time.Now()
	do := func() error {
		_, err := call(ctx, r.name, "ModifyInstanceAttribute", r.ec2.modifyInstance,
			&ec2.ModifyInstanceAttributeInput{InstanceId: &instanceID, Groups: groupIDs})
		return err
	}
	return persist(ctx, do, func(err error) bool {
		group := HasCode(err, codeGroupNotFound) && time.Since(begun) < groupVisibleWithin
		return group || ClassOf(err) == NotFound && !HasCode(err, codeGroupNotFound)
	})
}

// SetInstanceProfile gives the instances the profile, by name or ARN, in place of
// theirs; empty takes theirs away. What they have is read first, for all at once, and
// those that have it already are left alone.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/attach-iam-role.html
func (r *Region) SetInstanceProfile(ctx context.Context, instanceIDs []string, profile string) error {
	associations, err := r.associations(ctx, instanceIDs)
	if err != nil {
		return err
	}
	return forEach(ctx, instanceIDs, func(ctx context.Context, id string) error {
		return r.setProfile(ctx, id, associations[id], profile)
	})
}

func (r *Region) setProfile(ctx context.Context, instanceID string, has types.IamInstanceProfileAssociation, profile string) error {
	do := func() error {
		_, err := call(ctx, r.name, "AssociateIamInstanceProfile", r.ec2.associateProfile,
			&ec2.AssociateIamInstanceProfileInput{InstanceId: &instanceID, IamInstanceProfile: profileSpecification(profile)})
		return err
	}
	switch {
	case has.AssociationId == nil && profile == "", has.AssociationId != nil && isProfile(has.IamInstanceProfile, profile):
		return nil
	case profile == "":
		do = func() error {
			_, err := call(ctx, r.name, "DisassociateIamInstanceProfile", r.ec2.disassociateProfile,
				&ec2.DisassociateIamInstanceProfileInput{AssociationId: has.AssociationId})
			return err
		}
	case has.AssociationId != nil:
		do = func() error {
			_, err := call(ctx, r.name, "ReplaceIamInstanceProfileAssociation", r.ec2.replaceProfile,
				&ec2.ReplaceIamInstanceProfileAssociationInput{
					AssociationId: has.AssociationId, IamInstanceProfile: profileSpecification(profile),
				})
			return err
		}
	}
	return persist(ctx, do, func(err error) bool { return ClassOf(err) == NotFound || profileNotVisible(err) })
}

// isProfile compares by what is given: the ARN, or the name that it ends with.
func isProfile(has *types.IamInstanceProfile, profile string) bool {
	if has == nil || profile == "" {
		return false
	}
	arn := aws.ToString(has.Arn)
	return arn == profile || strings.HasSuffix(arn, "/"+profile)
}

// associations returns the instances' profile associations by instance id.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeIamInstanceProfileAssociations.html
func (r *Region) associations(ctx context.Context, instanceIDs []string) (map[string]types.IamInstanceProfileAssociation, error) {
	found := map[string]types.IamInstanceProfileAssociation{}
	states := filter("state", string(types.IamInstanceProfileAssociationStateAssociating),
		string(types.IamInstanceProfileAssociationStateAssociated))
	for batch := range slices.Chunk(instanceIDs, maxFilterValues-len(states.Values)) {
		in := &ec2.DescribeIamInstanceProfileAssociationsInput{
			Filters: []types.Filter{filter("instance-id", batch...), states}, MaxResults: aws.Int32(pageSize),
		}
		err := pages(
			func(token *string) (*ec2.DescribeIamInstanceProfileAssociationsOutput, error) {
				in.NextToken = token
				return call(ctx, r.name, "DescribeIamInstanceProfileAssociations", r.ec2.describeAssociations, in)
			},
			func(out *ec2.DescribeIamInstanceProfileAssociationsOutput) *string { return out.NextToken },
			func(out *ec2.DescribeIamInstanceProfileAssociationsOutput) bool {
				for _, association := range out.IamInstanceProfileAssociations {
					found[aws.ToString(association.InstanceId)] = association
				}
				return true
			})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
