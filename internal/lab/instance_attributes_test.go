package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func stop(t *testing.T, client *ec2.Client, ids ...string) string {
	t.Helper()
	_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
	return code(t, err)
}

func TestModifyInstanceAttribute(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *withData(t, client).InstanceId
	describe(t, client)
	modify := func(in ec2.ModifyInstanceAttributeInput) string {
		in.InstanceId = &id
		_, err := client.ModifyInstanceAttribute(t.Context(), &in)
		return code(t, err)
	}
	yes := &types.AttributeBooleanValue{Value: aws.Bool(true)}
	larger := &types.AttributeValue{Value: aws.String("t3.large")}
	keep := func(device string) []types.InstanceBlockDeviceMappingSpecification {
		return []types.InstanceBlockDeviceMappingSpecification{{
			DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)},
		}}
	}
	running := []struct {
		name string
		in   ec2.ModifyInstanceAttributeInput
		want string
	}{
		{"nothing", ec2.ModifyInstanceAttributeInput{}, "InvalidParameterCombination"},
		{"two at once", ec2.ModifyInstanceAttributeInput{DisableApiStop: yes, DisableApiTermination: yes}, "InvalidParameterCombination"},
		{"type while it runs", ec2.ModifyInstanceAttributeInput{InstanceType: larger}, "IncorrectInstanceState"},
		{"user data while it runs", ec2.ModifyInstanceAttributeInput{UserData: &types.SecureBlobAttributeValue{Value: []byte("x")}}, "IncorrectInstanceState"},
		{"no such device", ec2.ModifyInstanceAttributeInput{BlockDeviceMappings: keep("/dev/sdz")}, "InvalidInstanceAttributeValue"},
		{"a data volume stays", ec2.ModifyInstanceAttributeInput{BlockDeviceMappings: keep("/dev/sdb")}, ""},
		{"shutdown terminates", ec2.ModifyInstanceAttributeInput{InstanceInitiatedShutdownBehavior: &types.AttributeValue{Value: aws.String("terminate")}}, ""},
		{"no source check", ec2.ModifyInstanceAttributeInput{SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}, ""},
		{"stop protection", ec2.ModifyInstanceAttributeInput{DisableApiStop: yes}, ""},
	}
	for _, test := range running {
		if got := modify(test.in); got != test.want {
			t.Errorf("%s: answer %q, want %q", test.name, got, test.want)
		}
	}
	if got := stop(t, client, id); got != "OperationNotPermitted" {
		t.Errorf("stopping it: %q", got)
	}
	if got := modify(ec2.ModifyInstanceAttributeInput{DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(false)}}); got != "" {
		t.Fatalf("answer %q", got)
	}
	if got := stop(t, client, id); got != "" {
		t.Fatalf("answer %q", got)
	}
	describe(t, client)
	if got := modify(ec2.ModifyInstanceAttributeInput{InstanceType: larger}); got != "" {
		t.Errorf("another type while it is stopped: %q", got)
	}
	if got := modify(ec2.ModifyInstanceAttributeInput{InstanceType: &types.AttributeValue{Value: aws.String("t4g.large")}}); got != "InvalidParameterValue" {
		t.Errorf("a type of another architecture: %q", got)
	}
	after := describe(t, client, id)[0]
	if after.InstanceType != types.InstanceTypeT3Large || *after.SourceDestCheck {
		t.Errorf("it is a %s, source check %t", after.InstanceType, *after.SourceDestCheck)
	}
	for _, m := range after.BlockDeviceMappings {
		if want := *m.DeviceName != "/dev/sdb"; *m.Ebs.DeleteOnTermination != want {
			t.Errorf("%s is deleted with the instance: %t", *m.DeviceName, !want)
		}
	}
}

func TestMonitoring(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	on, err := client.MonitorInstances(t.Context(), &ec2.MonitorInstancesInput{InstanceIds: []string{id}})
	if err != nil || on.InstanceMonitorings[0].Monitoring.State != types.MonitoringStatePending {
		t.Errorf("switched on: %v, %v", on, err)
	}
	if got := describe(t, client)[0].Monitoring.State; got != types.MonitoringStateEnabled {
		t.Errorf("then it is %s", got)
	}
	off, err := client.UnmonitorInstances(t.Context(), &ec2.UnmonitorInstancesInput{InstanceIds: []string{id}})
	if err != nil || off.InstanceMonitorings[0].Monitoring.State != types.MonitoringStateDisabling {
		t.Errorf("switched off: %v, %v", off, err)
	}
	if got := describe(t, client)[0].Monitoring.State; got != types.MonitoringStateDisabled {
		t.Errorf("then it is %s", got)
	}
}

// TestLists_refusals: every list refuses too many ids, ids of another form, and ids
// together with a page's size.
func TestLists_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	many := func(prefix string) []string {
		ids := make([]string, 1001)
		for i := range ids {
			ids[i] = prefix + "-0123456789abcdef0"
		}
		return ids
	}
	five := aws.Int32(5)
	lists := map[string]struct {
		prefix, malformed string
		ask               func(ids []string, size *int32) error
	}{
		"images": {"ami", "InvalidAMIID.Malformed", func(ids []string, size *int32) error {
			_, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: ids, MaxResults: size})
			return err
		}},
		"snapshots": {"snap", "InvalidSnapshotID.Malformed", func(ids []string, size *int32) error {
			_, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: ids, MaxResults: size})
			return err
		}},
		"volumes": {"vol", "InvalidVolumeID.Malformed", func(ids []string, size *int32) error {
			_, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: ids, MaxResults: size})
			return err
		}},
		"instances": {"i", "InvalidInstanceID.Malformed", func(ids []string, size *int32) error {
			_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids, MaxResults: size})
			return err
		}},
		"image metadata": {"i", "InvalidInstanceID.Malformed", func(ids []string, size *int32) error {
			_, err := client.DescribeInstanceImageMetadata(t.Context(), &ec2.DescribeInstanceImageMetadataInput{InstanceIds: ids, MaxResults: size})
			return err
		}},
	}
	for name, list := range lists {
		t.Run(name, func(t *testing.T) {
			if got := code(t, list.ask(many(list.prefix), nil)); got != "InvalidParameterValue" {
				t.Errorf("1001 ids: %q", got)
			}
			if got := code(t, list.ask([]string{"web"}, nil)); got != list.malformed {
				t.Errorf("an id of another form: %q, want %q", got, list.malformed)
			}
			if got := code(t, list.ask(many(list.prefix)[:1], five)); got != "InvalidParameterCombination" {
				t.Errorf("ids and a page's size: %q", got)
			}
		})
	}
}
