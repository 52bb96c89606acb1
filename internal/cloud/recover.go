package cloud

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// UserData returns what an instance was launched with; nothing for one without.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
func (r *Region) UserData(ctx context.Context, instanceID string) ([]byte, error) {
	out, err := call(ctx, r.name, "DescribeInstanceAttribute", r.ec2.describeAttribute,
		&ec2.DescribeInstanceAttributeInput{InstanceId: &instanceID, Attribute: types.InstanceAttributeNameUserData})
	if err != nil || out.UserData == nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(aws.ToString(out.UserData.Value))
	if err != nil {
		return nil, fmt.Errorf("the user data of %s: %w", instanceID, err)
	}
	return content, nil
}

// AttachedVolumes returns the volumes of an instance, by their device names.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html
func (r *Region) AttachedVolumes(ctx context.Context, instanceID string) ([]Volume, error) {
	out, err := call(ctx, r.name, "DescribeVolumes", r.ec2.describeVolumes,
		&ec2.DescribeVolumesInput{Filters: []types.Filter{filter("attachment.instance-id", instanceID)}})
	if err != nil {
		return nil, err
	}
	var volumes []Volume
	for _, from := range out.Volumes {
		for _, attachment := range from.Attachments {
			if aws.ToString(attachment.InstanceId) == instanceID {
				volumes = append(volumes, Volume{
					DeviceName: aws.ToString(attachment.Device), Size: int(aws.ToInt32(from.Size)), Type: string(from.VolumeType),
					IOPS: int(aws.ToInt32(from.Iops)), Throughput: int(aws.ToInt32(from.Throughput)),
					Encrypted: from.Encrypted, KMSKeyID: aws.ToString(from.KmsKeyId),
				})
			}
		}
	}
	return volumes, nil
}

// TargetGroups returns the ARNs of the target groups of a VPC that have instances for targets.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
func (r *Region) TargetGroups(ctx context.Context, vpcID string) ([]string, error) {
	in := &elb.DescribeTargetGroupsInput{}
	var arns []string
	err := pages(
		func(token *string) (*elb.DescribeTargetGroupsOutput, error) {
			in.Marker = token
			return call(ctx, r.name, "DescribeTargetGroups", r.elb.describeGroups, in)
		},
		func(out *elb.DescribeTargetGroupsOutput) *string { return out.NextMarker },
		func(out *elb.DescribeTargetGroupsOutput) bool {
			for _, group := range out.TargetGroups {
				if group.TargetType == elbtypes.TargetTypeEnumInstance && aws.ToString(group.VpcId) == vpcID {
					arns = append(arns, aws.ToString(group.TargetGroupArn))
				}
			}
			return true
		})
	return arns, err
}
