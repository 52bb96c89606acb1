package cloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// preflightCalls are the operations by which a plan asks what an apply would be refused.
type preflightCalls struct {
	blockPublicAccess operation[ec2.GetImageBlockPublicAccessStateInput, ec2.GetImageBlockPublicAccessStateOutput, ec2.Options]
	describeRegions   operation[ec2.DescribeRegionsInput, ec2.DescribeRegionsOutput, ec2.Options]
}

func newPreflightCalls(client *ec2.Client) preflightCalls {
	return preflightCalls{
		blockPublicAccess: client.GetImageBlockPublicAccessState,
		describeRegions:   client.DescribeRegions,
	}
}

// PublicImagesBlocked reports whether the account lets no image of the region become public.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageBlockPublicAccessState.html
func (r *Region) PublicImagesBlocked(ctx context.Context) (bool, error) {
	out, err := call(ctx, r.name, "GetImageBlockPublicAccessState", r.ec2.blockPublicAccess, &ec2.GetImageBlockPublicAccessStateInput{})
	if err != nil {
		return false, err
	}
	return aws.ToString(out.ImageBlockPublicAccessState) == string(types.ImageBlockPublicAccessEnabledStateBlockNewSharing), nil
}

// EnabledRegions are the names of the regions that the account may use.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (r *Region) EnabledRegions(ctx context.Context) ([]string, error) {
	out, err := call(ctx, r.name, "DescribeRegions", r.ec2.describeRegions, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, region := range out.Regions {
		names = append(names, aws.ToString(region.RegionName))
	}
	slices.Sort(names)
	return names, nil
}
