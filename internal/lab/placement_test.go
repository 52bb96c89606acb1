package lab_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

func at(address string) launching {
	return func(in *ec2.RunInstancesInput) {
		in.PrivateIpAddress = &address
		in.Placement = &types.Placement{AvailabilityZone: aws.String("us-east-1a")} // 172.31.0.0/20
	}
}

func TestRunInstances_atAnAddress(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	made := launch(t, client, 1, at("172.31.0.10"))[0]
	if got := *made.PrivateIpAddress; got != "172.31.0.10" {
		t.Errorf("it is at %s", got)
	}
	onCard := launch(t, client, 1, func(in *ec2.RunInstancesInput) {
		in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), SubnetId: made.SubnetId, PrivateIpAddress: aws.String("172.31.0.11"),
		}}
	})[0]
	if got := *onCard.PrivateIpAddress; got != "172.31.0.11" {
		t.Errorf("the one with a card is at %s", got)
	}
	for name, test := range map[string]struct {
		count  int32
		change launching
		want   string
	}{
		"two instances":     {2, at("172.31.0.20"), "InvalidParameterCombination"},
		"in use":            {1, at("172.31.0.10"), "InvalidIPAddress.InUse"},
		"of another subnet": {1, at("172.31.16.10"), "InvalidParameterValue"},
		"the router's":      {1, at("172.31.0.1"), "InvalidParameterValue"},
		"the last":          {1, at("172.31.15.255"), "InvalidParameterValue"},
		"no address":        {1, at("home"), "InvalidParameterValue"},
		"of another family": {1, at("fd00::1"), "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.RunInstances(t.Context(), launchInput(image, test.count, test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
	// The addresses given out go round what is taken.
	for _, other := range launch(t, client, 20, func(in *ec2.RunInstancesInput) { in.SubnetId = made.SubnetId }) {
		if *other.PrivateIpAddress == "172.31.0.10" {
			t.Error("a taken address is given out again")
		}
	}
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*made.InstanceId}}); err != nil {
		t.Fatal(err)
	}
	describe(t, client)
	launch(t, client, 1, at("172.31.0.10"))
}

func spot(options *types.SpotMarketOptions) launching {
	return func(in *ec2.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: options}
	}
}

func TestRunInstances_spot(t *testing.T) {
	specs := make(chan guests.Spec, 1)
	host := &guests.Scripted{Boot: func(spec guests.Spec, _ *guests.Machine) { specs <- spec }}
	_, client := start(t, lab.Options{Guests: host})
	made := launch(t, client, 1, spot(&types.SpotMarketOptions{
		MaxPrice: aws.String("0.01"), SpotInstanceType: types.SpotInstanceTypeOneTime,
		InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorTerminate,
	}))[0]

	if made.InstanceLifecycle != types.InstanceLifecycleTypeSpot || made.SpotInstanceRequestId == nil {
		t.Errorf("lifecycle %q, request %v", made.InstanceLifecycle, made.SpotInstanceRequestId)
	}
	ask := asGuest(t, (<-specs).Metadata)
	_, token := ask(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
	_, got := ask(http.MethodGet, "/latest/meta-data/instance-life-cycle", map[string]string{"X-aws-ec2-metadata-token": token})
	if got != "spot" {
		t.Errorf("inside, the life cycle is %q", got)
	}
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("instance-lifecycle", "spot")}})
	if err != nil || len(out.Reservations) != 1 {
		t.Errorf("%d reservations of the spot market, %v", len(out.Reservations), err)
	}
	_, err = client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*made.InstanceId}})
	if got := code(t, err); got != "UnsupportedOperation" {
		t.Errorf("stopping it: %q", got)
	}
}

func TestRunInstances_spotOfATemplate(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	_, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: &image, InstanceType: types.InstanceTypeT3Small,
			InstanceMarketOptions: &types.LaunchTemplateInstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.RunInstances(t.Context(), &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Instances[0].InstanceLifecycle; got != types.InstanceLifecycleTypeSpot {
		t.Errorf("lifecycle %q, want the template's", got)
	}
}

func TestSpotRequests(t *testing.T) {
	_, client := start(t, lab.Options{})
	made := launch(t, client, 2, spot(&types.SpotMarketOptions{MaxPrice: aws.String("0.01")}))
	state := func(id string) types.SpotInstanceRequest {
		out, err := client.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		return out.SpotInstanceRequests[0]
	}
	kept, ended := *made[0].SpotInstanceRequestId, *made[1].SpotInstanceRequestId
	if got := state(kept); got.State != types.SpotInstanceStateActive || *got.InstanceId != *made[0].InstanceId || *got.SpotPrice != "0.01" {
		t.Errorf("the request is %s, of %s, at %s", got.State, *got.InstanceId, *got.SpotPrice)
	}
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*made[1].InstanceId}}); err != nil {
		t.Fatal(err)
	}
	if got := state(ended); got.State != types.SpotInstanceStateClosed || *got.Status.Code != "instance-terminated-by-user" {
		t.Errorf("with its instance gone it is %s, %s", got.State, *got.Status.Code)
	}
	_, err := client.CancelSpotInstanceRequests(t.Context(), &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{kept, ended}})
	if err != nil {
		t.Fatal(err)
	}
	if got := state(kept).State; got != types.SpotInstanceStateCancelled {
		t.Errorf("cancelled, it is %s", got)
	}
	if got := describe(t, client, *made[0].InstanceId)[0].State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("its instance is %s, want running", got)
	}
	_, err = client.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{"sir-0123456789abcdef0"}})
	if got := code(t, err); got != "InvalidSpotInstanceRequestID.NotFound" {
		t.Errorf("no such request: %q", got)
	}
}

func TestRunInstances_placementRefusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	group(t, client, ec2.CreatePlacementGroupInput{GroupName: aws.String("near"), Strategy: types.PlacementStrategyCluster})
	group(t, client, ec2.CreatePlacementGroupInput{
		GroupName: aws.String("parts"), Strategy: types.PlacementStrategyPartition, PartitionCount: aws.Int32(3),
	})
	placed := func(placement types.Placement) launching {
		return func(in *ec2.RunInstancesInput) { in.Placement = &placement }
	}
	for name, test := range map[string]struct {
		change launching
		want   string
	}{
		"group unknown":          {placed(types.Placement{GroupName: aws.String("far")}), "InvalidPlacementGroup.Unknown"},
		"burstable in a cluster": {placed(types.Placement{GroupName: aws.String("near")}), "InvalidParameterCombination"},
		"no such partition":      {placed(types.Placement{GroupName: aws.String("parts"), PartitionNumber: aws.Int32(4)}), "InvalidParameterValue"},
		"a partition of nothing": {placed(types.Placement{PartitionNumber: aws.Int32(1)}), "InvalidParameterCombination"},
		"dedicated host":         {placed(types.Placement{Tenancy: types.TenancyHost}), "UnsupportedOperation"},
		"dedicated":              {placed(types.Placement{Tenancy: types.TenancyDedicated}), ""},
		"persistent spot":        {spot(&types.SpotMarketOptions{SpotInstanceType: types.SpotInstanceTypePersistent}), "UnsupportedOperation"},
		"spot that stops": {spot(&types.SpotMarketOptions{
			InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
		}), "InvalidParameterCombination"},
		"spot for nothing": {spot(&types.SpotMarketOptions{MaxPrice: aws.String("0")}), "InvalidParameterValue"},
		"without the root": {func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), NoDevice: aws.String("")}}
		}, "InvalidBlockDeviceMapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.RunInstances(t.Context(), launchInput(image, 1, test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
	if got := describe(t, client)[0].Placement.Tenancy; got != types.TenancyDedicated {
		t.Errorf("the tenancy is %s", got)
	}
}

func group(t *testing.T, client *ec2.Client, in ec2.CreatePlacementGroupInput) types.PlacementGroup {
	t.Helper()
	out, err := client.CreatePlacementGroup(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.PlacementGroup
}

func TestPlacementGroups(t *testing.T) {
	_, client := start(t, lab.Options{})
	made := group(t, client, ec2.CreatePlacementGroupInput{GroupName: aws.String("apart"), Strategy: types.PlacementStrategySpread})
	inGroup := func(in *ec2.RunInstancesInput) {
		in.Placement = &types.Placement{GroupName: aws.String("apart"), AvailabilityZone: aws.String("us-east-1a")}
	}

	launched := launch(t, client, 7, inGroup)
	if p := launched[0].Placement; *p.GroupName != "apart" || *p.GroupId != *made.GroupId {
		t.Errorf("it is in %s, %s", *p.GroupName, *p.GroupId)
	}
	_, err := client.RunInstances(t.Context(), launchInput(*launched[0].ImageId, 1, inGroup))
	if got := code(t, err); got != "InsufficientInstanceCapacity" {
		t.Errorf("an eighth in a zone: %q", got)
	}
	_, err = client.CreatePlacementGroup(t.Context(), &ec2.CreatePlacementGroupInput{GroupName: aws.String("apart"), Strategy: types.PlacementStrategySpread})
	if got := code(t, err); got != "InvalidPlacementGroup.Duplicate" {
		t.Errorf("the name again: %q", got)
	}
	_, err = client.DeletePlacementGroup(t.Context(), &ec2.DeletePlacementGroupInput{GroupName: aws.String("apart")})
	if got := code(t, err); got != "InvalidPlacementGroup.InUse" {
		t.Errorf("deleting it with instances: %q", got)
	}
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: idsOf(launched)}); err != nil {
		t.Fatal(err)
	}
	describe(t, client)
	if _, err := client.DeletePlacementGroup(t.Context(), &ec2.DeletePlacementGroupInput{GroupName: aws.String("apart")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DescribePlacementGroups(t.Context(), &ec2.DescribePlacementGroupsInput{GroupNames: []string{"apart"}})
	if got := code(t, err); got != "InvalidPlacementGroup.Unknown" {
		t.Errorf("describing it after its end: %q", got)
	}
}
