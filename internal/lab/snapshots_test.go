package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// rootOf is the id of an instance's root volume.
func rootOf(t *testing.T, client *ec2.Client, instance string) string {
	t.Helper()
	for _, m := range describe(t, client, instance)[0].BlockDeviceMappings {
		if *m.DeviceName == "/dev/xvda" {
			return *m.Ebs.VolumeId
		}
	}
	t.Fatalf("%s has no root volume", instance)
	return ""
}

func TestCreateSnapshots(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := withData(t, client)
	spec := &types.InstanceSpecification{InstanceId: source.InstanceId}
	asked := &ec2.CreateSnapshotsInput{
		InstanceSpecification: spec, Description: aws.String("nightly"), CopyTagsFromSource: types.CopyTagsFromSourceVolume,
	}

	out, err := client.CreateSnapshots(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Snapshots) != 3 || out.Snapshots[0].State != types.SnapshotStatePending {
		t.Errorf("%d snapshots, the first %s; want 3, pending", len(out.Snapshots), out.Snapshots[0].State)
	}
	for _, kept := range ownSnapshots(t, client) {
		if kept.State != types.SnapshotStateCompleted || *kept.Description != "nightly" {
			t.Errorf("%s is %s, %q", *kept.SnapshotId, kept.State, *kept.Description)
		}
	}
	spec.ExcludeBootVolume = aws.Bool(true)
	out, err = client.CreateSnapshots(t.Context(), asked)
	if err != nil || len(out.Snapshots) != 2 {
		t.Errorf("without the root: %v, %v", out, err)
	}
	spec.ExcludeDataVolumeIds = []string{rootOf(t, client, *source.InstanceId)}
	_, err = client.CreateSnapshots(t.Context(), asked)
	if got := code(t, err); got != "InvalidParameterValue" {
		t.Errorf("the root as a data volume: %q", got)
	}
}

func TestCreateSnapshot_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	for id, want := range map[string]string{
		"vol-0123456789abcdef0": "InvalidVolume.NotFound", "disk": "InvalidVolumeID.Malformed",
	} {
		_, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &id})
		if got := code(t, err); got != want {
			t.Errorf("%s: answer %q, want %q", id, got, want)
		}
	}
}

// TestRegisterImage_fromASnapshot: what is on the snapshot is on the image.
func TestRegisterImage_fromASnapshot(t *testing.T) {
	bubble(t, aBuilder(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		builder := *launch(t, client, 1, withUserData("bake", "stop"))[0].InstanceId
		<-time.After(2 * time.Minute)
		kept, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(rootOf(t, client, builder))})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		made, err := client.RegisterImage(t.Context(), registerInput(*kept.SnapshotId))
		if err != nil {
			t.Fatal(err)
		}
		proof := *launch(t, client, 1, withUserData("prove", "stop"), func(in *ec2.RunInstancesInput) {
			in.ImageId = made.ImageId
		})[0].InstanceId
		synctest.Wait()
		if text := consoleOf(t, client, proof); text != "prove on 1 layers\n" {
			t.Errorf("the console says %q", text)
		}
	})
}

func registerInput(snapshot string) *ec2.RegisterImageInput {
	return &ec2.RegisterImageInput{
		Name: aws.String("registered"), Architecture: types.ArchitectureValuesX8664, RootDeviceName: aws.String("/dev/xvda"),
		VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true),
		BlockDeviceMappings: []types.BlockDeviceMapping{ebs("/dev/xvda", types.EbsBlockDevice{SnapshotId: &snapshot})},
	}
}

func TestRegisterImage_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := launch(t, client, 1)[0]
	kept, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(rootOf(t, client, *source.InstanceId))})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*ec2.RegisterImageInput)
		want   string
	}{
		"no root":      {func(in *ec2.RegisterImageInput) { in.RootDeviceName = aws.String("/dev/sda1") }, "InvalidBlockDeviceMapping"},
		"no device":    {func(in *ec2.RegisterImageInput) { in.RootDeviceName = nil }, "MissingParameter"},
		"paravirtual":  {func(in *ec2.RegisterImageInput) { in.VirtualizationType = nil }, "UnsupportedOperation"},
		"a 32 bit one": {func(in *ec2.RegisterImageInput) { in.Architecture = types.ArchitectureValuesI386 }, "UnsupportedOperation"},
		"encrypted": {func(in *ec2.RegisterImageInput) {
			in.BlockDeviceMappings[0].Ebs.Encrypted = aws.Bool(true)
		}, "InvalidBlockDeviceMapping"},
		"snapshot unknown": {func(in *ec2.RegisterImageInput) {
			in.BlockDeviceMappings[0].Ebs.SnapshotId = aws.String("snap-0123456789abcdef0")
		}, "InvalidSnapshot.NotFound"},
		"fine": {func(*ec2.RegisterImageInput) {}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := registerInput(*kept.SnapshotId)
			input.Name = &name
			test.change(input)
			_, err := client.RegisterImage(t.Context(), input)
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

// TestRunInstances_withoutENA: every type of the lab needs the adapter.
func TestRunInstances_withoutENA(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := launch(t, client, 1)[0]
	kept, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(rootOf(t, client, *source.InstanceId))})
	if err != nil {
		t.Fatal(err)
	}
	input := registerInput(*kept.SnapshotId)
	input.EnaSupport = nil
	describe(t, client)
	made, err := client.RegisterImage(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.RunInstances(t.Context(), launchInput(*made.ImageId, 1))
	if got := code(t, err); got != "InvalidParameterCombination" {
		t.Errorf("answer %q", got)
	}
}
