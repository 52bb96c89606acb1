package cloud

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// RunInstances launches between MinCount and MaxCount instances. The same call with
// the same client token launches nothing more and returns the same instances, in the
// state that they are in by then.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
//
// An instance profile that IAM has created a moment ago is waited for.
func (r *Region) RunInstances(ctx context.Context, launch Launch) ([]Instance, error) {
	in := launchInput(launch)
	var out *ec2.RunInstancesOutput
	err := persist(ctx, func() (err error) {
		out, err = call(costing(ctx, launch.MaxCount), r.name, "RunInstances", r.ec2.runInstances, in)
		return err
	}, profileNotVisible)
	if err != nil {
		return nil, err
	}
	instances := make([]Instance, 0, len(out.Instances))
	for i := range out.Instances {
		instances = append(instances, instanceOf(&out.Instances[i]))
	}
	return instances, nil
}

// profileNotVisible reports whether EC2 does not see an instance profile, or not yet
// its role. EC2 has no code for it, and says so in these words.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
func profileNotVisible(err error) bool {
	return HasCode(err, codeInvalidParameterValue) &&
		(strings.Contains(err.Error(), "Invalid IAM Instance Profile") ||
			strings.Contains(err.Error(), "has no associated IAM Roles"))
}

func launchInput(launch Launch) *ec2.RunInstancesInput {
	in := &ec2.RunInstancesInput{
		ImageId:             &launch.ImageID,
		InstanceType:        types.InstanceType(launch.InstanceType),
		MinCount:            aws.Int32(int32(launch.MinCount)),
		MaxCount:            aws.Int32(int32(launch.MaxCount)),
		ClientToken:         given(launch.ClientToken),
		KeyName:             given(launch.KeyName),
		BlockDeviceMappings: blockDevices(launch.Volumes),
		TagSpecifications:   tagSpecifications(launch.Tags, types.ResourceTypeInstance, types.ResourceTypeVolume),
		// Also EC2's default; a builder that turns itself off must be there to capture.
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorStop,
	}
	if launch.AssociatePublicIP == nil {
		in.SubnetId, in.SecurityGroupIds = given(launch.SubnetID), launch.SecurityGroupIDs
		in.PrivateIpAddress = given(launch.PrivateIP)
	} else {
		// A public address is a matter of the network interface, and with an interface
		// named, subnet and groups must be named there.
		in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex:              aws.Int32(0),
			AssociatePublicIpAddress: launch.AssociatePublicIP,
			DeleteOnTermination:      aws.Bool(true),
			SubnetId:                 given(launch.SubnetID),
			PrivateIpAddress:         given(launch.PrivateIP),
			Groups:                   launch.SecurityGroupIDs,
		}}
	}
	if launch.InstanceProfile != "" {
		in.IamInstanceProfile = profileSpecification(launch.InstanceProfile)
	}
	if len(launch.UserData) > 0 {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString(launch.UserData))
	}
	launchOptions(in, launch)
	return in
}

// launchOptions sends what was asked for, and leaves the rest to EC2.
func launchOptions(in *ec2.RunInstancesInput, launch Launch) {
	if options := launch.Metadata; options != (MetadataOptions{}) {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpTokens:              types.HttpTokensState(options.Tokens),
			HttpEndpoint:            types.InstanceMetadataEndpointState(options.Endpoint),
			HttpPutResponseHopLimit: positive(options.HopLimit),
			InstanceMetadataTags:    types.InstanceMetadataTagsState(options.InstanceTags),
		}
	}
	if placement := launch.Placement; placement.Group != "" || placement.Tenancy != "" {
		in.Placement = &types.Placement{GroupName: given(placement.Group), Tenancy: types.Tenancy(placement.Tenancy)}
	}
	if id := launch.Placement.CapacityReservation; id != "" {
		in.CapacityReservationSpecification = &types.CapacityReservationSpecification{
			CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: &id},
		}
	}
	if launch.Spot {
		// A request that outlives its instances would launch others unseen.
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
			MarketType: types.MarketTypeSpot,
			SpotOptions: &types.SpotMarketOptions{
				SpotInstanceType: types.SpotInstanceTypeOneTime, InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorTerminate,
			},
		}
		in.InstanceInitiatedShutdownBehavior = ""
	}
	if launch.Monitoring {
		in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
	}
	if launch.Credits != "" {
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: &launch.Credits}
	}
	in.EbsOptimized = launch.EBSOptimized
	in.DisableApiTermination = onlyTrue(launch.TerminationProtection)
	in.DisableApiStop = onlyTrue(launch.StopProtection)
}

// onlyTrue is nil for false: what is not given is not sent.
func onlyTrue(on bool) *bool {
	if !on {
		return nil
	}
	return &on
}

// given is nil for "": what is not given is not sent.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func profileSpecification(profile string) *types.IamInstanceProfileSpecification {
	if strings.HasPrefix(profile, "arn:") {
		return &types.IamInstanceProfileSpecification{Arn: &profile}
	}
	return &types.IamInstanceProfileSpecification{Name: &profile}
}

// blockDevices always end with their instance. That is EC2's default for the root
// volume only: further volumes would stay, unknown to anybody.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/preserving-volumes-on-termination.html
func blockDevices(volumes []Volume) []types.BlockDeviceMapping {
	var mappings []types.BlockDeviceMapping
	for _, volume := range volumes {
		mappings = append(mappings, types.BlockDeviceMapping{
			DeviceName: aws.String(volume.DeviceName),
			Ebs: &types.EbsBlockDevice{
				DeleteOnTermination: aws.Bool(true),
				Encrypted:           volume.Encrypted,
				Iops:                positive(volume.IOPS),
				KmsKeyId:            given(volume.KMSKeyID),
				Throughput:          positive(volume.Throughput),
				VolumeSize:          positive(volume.Size),
				VolumeType:          types.VolumeType(volume.Type),
			},
		})
	}
	return mappings
}

// positive is nil for zero: what is not given is not sent.
func positive(number int) *int32 {
	if number == 0 {
		return nil
	}
	return aws.Int32(int32(number))
}
