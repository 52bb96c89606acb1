package cloud

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Subnets returns the subnets with these ids, in the order of their zones. One that
// does not exist is an error of class NotFound.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
func (r *Region) Subnets(ctx context.Context, ids []string) ([]Subnet, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return r.describeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
}

// DefaultSubnets returns the default VPC's default subnets, in the order of their
// zones; none where the default VPC has been removed.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html
func (r *Region) DefaultSubnets(ctx context.Context) ([]Subnet, error) {
	return r.describeSubnets(ctx, &ec2.DescribeSubnetsInput{
		Filters: []types.Filter{filter("default-for-az", "true")}, MaxResults: aws.Int32(pageSize),
	})
}

// Architectures returns the architectures that instance types have; one of which EC2 knows
// nothing is not in it. It takes a request for each 100 types.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
func (r *Region) Architectures(ctx context.Context, instanceTypes []string) (map[string][]string, error) {
	const most = 100
	found := map[string][]string{}
	for names := range slices.Chunk(instanceTypes, most) {
		// A filter, unlike a list of names, passes over what does not exist.
		in := &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{filter("instance-type", names...)}, MaxResults: aws.Int32(most)}
		err := pages(
			func(token *string) (*ec2.DescribeInstanceTypesOutput, error) {
				in.NextToken = token
				return call(ctx, r.name, "DescribeInstanceTypes", r.ec2.describeTypes, in)
			},
			func(out *ec2.DescribeInstanceTypesOutput) *string { return out.NextToken },
			func(out *ec2.DescribeInstanceTypesOutput) bool {
				for _, from := range out.InstanceTypes {
					if from.ProcessorInfo == nil {
						continue
					}
					for _, architecture := range from.ProcessorInfo.SupportedArchitectures {
						found[string(from.InstanceType)] = append(found[string(from.InstanceType)], string(architecture))
					}
				}
				return true
			})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (r *Region) describeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput) ([]Subnet, error) {
	var found []Subnet
	err := pages(
		func(token *string) (*ec2.DescribeSubnetsOutput, error) {
			in.NextToken = token
			return call(ctx, r.name, "DescribeSubnets", r.ec2.describeSubnets, in)
		},
		func(out *ec2.DescribeSubnetsOutput) *string { return out.NextToken },
		func(out *ec2.DescribeSubnetsOutput) bool {
			for _, from := range out.Subnets {
				found = append(found, Subnet{
					ID:               aws.ToString(from.SubnetId),
					VPCID:            aws.ToString(from.VpcId),
					AvailabilityZone: aws.ToString(from.AvailabilityZone),
					FreeAddresses:    int(aws.ToInt32(from.AvailableIpAddressCount)),
					CIDR:             aws.ToString(from.CidrBlock),
				})
			}
			return true
		})
	slices.SortFunc(found, func(a, b Subnet) int {
		return cmp.Or(strings.Compare(a.AvailabilityZone, b.AvailabilityZone), strings.Compare(a.ID, b.ID))
	})
	return found, err
}

// Parameter returns the value of an SSM parameter; a name that does not exist is
// CodeParameterNotFound. Secure strings are not decrypted: an AMI id is no secret.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (r *Region) Parameter(ctx context.Context, name string) (value string, err error) {
	out, err := call(ctx, r.name, "GetParameter", r.ssm.getParameter,
		&ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(false)})
	if err != nil {
		return "", err
	}
	if out.Parameter == nil {
		return "", nil
	}
	return aws.ToString(out.Parameter.Value), nil
}

// consoleText decodes what GetConsoleOutput gives.
func consoleText(region, encoded string) (string, error) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", wrap("GetConsoleOutput", region, fmt.Errorf("the output is not base64: %w", err))
	}
	return string(text), nil
}
