package lab_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// launching is a RunInstances call in a table.
type launching = func(*ec2.RunInstancesInput)

func withToken(token string) launching {
	return func(in *ec2.RunInstancesInput) { in.ClientToken = &token }
}

func TestRunInstances_givesEachItsPlace(t *testing.T) {
	_, client := start(t, lab.Options{})

	launched := launch(t, client, 1000)

	addresses := map[string]bool{}
	for index, instance := range launched {
		if int(*instance.AmiLaunchIndex) != index {
			t.Fatalf("the launch index is %d, want %d", *instance.AmiLaunchIndex, index)
		}
		addresses[*instance.PrivateIpAddress] = true
	}
	if len(addresses) != 1000 {
		t.Errorf("%d different addresses, want 1000", len(addresses))
	}
	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{*launched[0].SubnetId}})
	if err != nil {
		t.Fatal(err)
	}
	if free := *subnets.Subnets[0].AvailableIpAddressCount; free != 4091-1000 {
		t.Errorf("%d addresses are free, want %d", free, 4091-1000)
	}
}

func TestRunInstances_launchesTheLargestPossibleNumber(t *testing.T) {
	_, client := start(t, lab.Options{})
	var subnet string
	inSubnet := func(in *ec2.RunInstancesInput) { in.SubnetId = &subnet }
	subnet = *launch(t, client, 1000)[0].SubnetId
	for range 3 {
		launch(t, client, 1000, inSubnet)
	}

	image := baseImage(t, client, "x86_64")
	_, err := client.RunInstances(t.Context(), launchInput(image, 100, inSubnet))
	if got := code(t, err); got != "InsufficientFreeAddressesInSubnet" {
		t.Errorf("100 into 91 addresses: %s", got)
	}
	out, err := client.RunInstances(t.Context(), launchInput(image, 100, inSubnet, func(in *ec2.RunInstancesInput) {
		in.MinCount = aws.Int32(1)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Instances) != 91 {
		t.Errorf("launched %d, want all 91 that fit", len(out.Instances))
	}
}

func TestRunInstances_addressesComeBack(t *testing.T) {
	_, client := start(t, lab.Options{})
	launched := launch(t, client, 10)

	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: idsOf(launched)}); err != nil {
		t.Fatal(err)
	}

	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{*launched[0].SubnetId}})
	if err != nil {
		t.Fatal(err)
	}
	if free := *subnets.Subnets[0].AvailableIpAddressCount; free != 4091 {
		t.Errorf("%d addresses are free, want all 4091", free)
	}
}

func TestRunInstances_sameTokenSameResult(t *testing.T) {
	server, client := start(t, lab.Options{})

	first := launch(t, client, 3, withToken("token"))
	second := launch(t, client, 3, withToken("token"))

	if diff := cmp.Diff(idsOf(first), idsOf(second)); diff != "" {
		t.Errorf("the repeated call answers others:\n%s", diff)
	}
	if second[0].State.Name != types.InstanceStateNameRunning {
		t.Errorf("the repeated call says %s, want the present state", second[0].State.Name)
	}
	if got := countLeftovers(server.Lab, "instance"); got != 3 {
		t.Errorf("there are %d instances, want 3", got)
	}
}

func TestRunInstances_tokenRefusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	launched := launch(t, client, 2, withToken("token"))

	_, err := client.RunInstances(t.Context(), launchInput(image, 1, withToken("token")))
	if got := code(t, err); got != "IdempotentParameterMismatch" {
		t.Errorf("other parameters: %q", got)
	}
	_, err = client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: idsOf(launched)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.RunInstances(t.Context(), launchInput(image, 2, withToken("token")))
	if got := code(t, err); got != "IdempotentInstanceTerminated" {
		t.Errorf("all terminated: %q", got)
	}
}

func TestRunInstances_tokenCountsPerZone(t *testing.T) {
	_, client := start(t, lab.Options{})
	zone := func(name string) launching {
		return func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: &name} }
	}

	first := launch(t, client, 1, withToken("token"), zone("us-east-1a"))
	second := launch(t, client, 1, withToken("token"), zone("us-east-1b"))

	if *first[0].InstanceId == *second[0].InstanceId {
		t.Error("the same token in another zone answers the same instance, want another launch")
	}
}

func TestRunInstances_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	x86, arm := baseImage(t, client, "x86_64"), baseImage(t, client, "arm64")
	card := types.InstanceNetworkInterfaceSpecification{DeviceIndex: aws.Int32(0)}
	manyTags := make([]types.Tag, 51)
	for i := range manyTags {
		manyTags[i] = types.Tag{Key: aws.String(strings.Repeat("k", i+1)), Value: aws.String("")}
	}
	tagged := func(tags ...types.Tag) launching {
		return func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags}}
		}
	}
	tests := map[string]struct {
		change launching
		want   string
	}{
		"image unknown":      {func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-0123456789abcdef0") }, "InvalidAMIID.NotFound"},
		"image malformed":    {func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("web") }, "InvalidAMIID.Malformed"},
		"other architecture": {func(in *ec2.RunInstancesInput) { in.ImageId = &arm }, "InvalidParameterValue"},
		"type unknown":       {func(in *ec2.RunInstancesInput) { in.InstanceType = "t3.huge" }, "InvalidParameterValue"},
		"subnet unknown":     {func(in *ec2.RunInstancesInput) { in.SubnetId = aws.String("subnet-0123456789abcdef0") }, "InvalidSubnetID.NotFound"},
		"group unknown":      {func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-0123456789abcdef0"} }, "InvalidGroup.NotFound"},
		"key unknown":        {func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("nobody") }, "InvalidKeyPair.NotFound"},
		"fewer than none":    {func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(0) }, "InvalidParameterValue"},
		"most below least":   {func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(2) }, "InvalidParameterValue"},
		"beyond the bucket":  {func(in *ec2.RunInstancesInput) { in.MaxCount = aws.Int32(1001) }, "RequestLimitExceeded"},
		"subnet twice": {func(in *ec2.RunInstancesInput) {
			in.SubnetId = aws.String("subnet-0123456789abcdef0")
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{card}
		}, "InvalidParameterCombination"},
		"groups twice": {func(in *ec2.RunInstancesInput) {
			in.SecurityGroupIds = []string{"sg-0123456789abcdef0"}
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{card}
		}, "InvalidParameterCombination"},
		"user data too large": {func(in *ec2.RunInstancesInput) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16385)))
		}, "InvalidParameterValue"},
		"user data not base64": {func(in *ec2.RunInstancesInput) { in.UserData = aws.String("#!/bin/sh") }, "InvalidUserData.Malformed"},
		"too many tags":        {tagged(manyTags...), "TagLimitExceeded"},
		"a tag of AWS's own":   {tagged(types.Tag{Key: aws.String("aws:x"), Value: aws.String("")}), "InvalidParameterValue"},
		"a key twice": {tagged(
			types.Tag{Key: aws.String("k"), Value: aws.String("1")}, types.Tag{Key: aws.String("k"), Value: aws.String("2")},
		), "InvalidParameterValue"},
		"tags for an image": {func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: manyTags[:1]}}
		}, "InvalidParameterValue"},
		"root smaller than the snapshot": {volume("/dev/xvda", types.EbsBlockDevice{VolumeSize: aws.Int32(4)}), "InvalidBlockDeviceMapping"},
		"IOPS of gp2": {volume("/dev/sdb", types.EbsBlockDevice{
			VolumeSize: aws.Int32(4), VolumeType: types.VolumeTypeGp2, Iops: aws.Int32(100),
		}), "InvalidParameterCombination"},
		"a volume without a size": {volume("/dev/sdb", types.EbsBlockDevice{VolumeType: types.VolumeTypeGp3}), "MissingParameter"},
		"foreign profile": {func(in *ec2.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: aws.String("arn:aws:iam::999999999999:instance-profile/web")}
		}, "InvalidParameterValue"},
		"token too long": {withToken(strings.Repeat("t", 65)), "InvalidParameterValue"},
		"hibernation": {func(in *ec2.RunInstancesInput) {
			in.HibernationOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(true)}
		}, "UnsupportedHibernationConfiguration"},
		"what the lab does not know": {func(in *ec2.RunInstancesInput) {
			in.MaintenanceOptions = &types.InstanceMaintenanceOptionsRequest{AutoRecovery: types.InstanceAutoRecoveryStateDisabled}
		}, "UnknownParameter"},
		"only asking": {func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.RunInstances(t.Context(), launchInput(x86, 1, test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
	if left := describe(t, client); len(left) != 0 {
		t.Errorf("refused launches left %d instances", len(left))
	}
}

func volume(device string, ebs types.EbsBlockDevice) launching {
	return func(in *ec2.RunInstancesInput) {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: &device, Ebs: &ebs})
	}
}

func TestRunInstances_keepsWhatWasAsked(t *testing.T) {
	_, client := start(t, lab.Options{})
	tags := []types.Tag{{Key: aws.String("App"), Value: aws.String("web <1> & “2”")}}
	made := launch(t, client, 1,
		volume("/dev/xvda", types.EbsBlockDevice{VolumeSize: aws.Int32(20), Encrypted: aws.Bool(true)}),
		volume("/dev/sdb", types.EbsBlockDevice{
			VolumeSize: aws.Int32(5), VolumeType: types.VolumeTypeGp3, DeleteOnTermination: aws.Bool(false),
		}),
		func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
				DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(false),
			}}
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("bake")}
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateOptional}
			in.TagSpecifications = []types.TagSpecification{
				{ResourceType: types.ResourceTypeInstance, Tags: tags}, {ResourceType: types.ResourceTypeVolume, Tags: tags},
			}
		})[0]

	volumes, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{
		Filters: []types.Filter{filter("attachment.instance-id", *made.InstanceId)},
	})
	if err != nil {
		t.Fatal(err)
	}
	type disk struct {
		Device            string
		Size, IOPS        int32
		Encrypted, Delete bool
		Tags              []types.Tag
	}
	var disks []disk
	for _, v := range volumes.Volumes {
		disks = append(disks, disk{
			*v.Attachments[0].Device, *v.Size, *v.Iops, *v.Encrypted, *v.Attachments[0].DeleteOnTermination, v.Tags,
		})
	}
	want := []disk{{"/dev/xvda", 20, 3000, true, true, tags}, {"/dev/sdb", 5, 3000, false, false, tags}}
	if diff := cmp.Diff(want, disks, ignoreDocuments); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tags, made.Tags, ignoreDocuments); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if made.PublicIpAddress != nil {
		t.Errorf("it has the public address %s, want none", *made.PublicIpAddress)
	}
	if got := *made.IamInstanceProfile.Arn; got != "arn:aws:iam::123456789012:instance-profile/bake" {
		t.Errorf("profile %s", got)
	}
	if made.MetadataOptions.HttpTokens != types.HttpTokensStateOptional {
		t.Errorf("tokens are %s, want optional, as asked", made.MetadataOptions.HttpTokens)
	}
}

// TestLab_isRepeatable: the same seed and requests make the same ids.
func TestLab_isRepeatable(t *testing.T) {
	launched := func(seed uint64) []string {
		_, client := start(t, lab.Options{Seed: seed})
		return idsOf(launch(t, client, 3, withToken("token")))
	}
	first, second, other := launched(1), launched(1), launched(2)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same seed:\n%s", diff)
	}
	if cmp.Equal(first, other) {
		t.Error("another seed makes the same ids")
	}
}
