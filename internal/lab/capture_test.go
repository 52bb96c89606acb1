package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// mapped is a block device mapping as tests compare it.
type mapped struct {
	Device         string
	Size           int32
	Delete, Backed bool
}

func mappingsOf(image types.Image) []mapped {
	var all []mapped
	for _, m := range image.BlockDeviceMappings {
		all = append(all, mapped{*m.DeviceName, *m.Ebs.VolumeSize, *m.Ebs.DeleteOnTermination, m.Ebs.SnapshotId != nil})
	}
	return all
}

// ebs is a request's block device mapping.
func ebs(device string, volume types.EbsBlockDevice) types.BlockDeviceMapping {
	return types.BlockDeviceMapping{DeviceName: &device, Ebs: &volume}
}

// withData launches one instance with two data volumes.
func withData(t *testing.T, client *ec2.Client) types.Instance {
	t.Helper()
	return launch(t, client, 1,
		volume("/dev/sdb", types.EbsBlockDevice{VolumeSize: aws.Int32(5)}),
		volume("/dev/sdc", types.EbsBlockDevice{VolumeSize: aws.Int32(6)}))[0]
}

func TestCreateImage_mappings(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := withData(t, client)

	out, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{
		InstanceId: source.InstanceId, Name: aws.String("web-v1"),
		BlockDeviceMappings: []types.BlockDeviceMapping{
			ebs("/dev/xvda", types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)}),
			{DeviceName: aws.String("/dev/sdb"), NoDevice: aws.String("")},
			ebs("/dev/sdd", types.EbsBlockDevice{VolumeSize: aws.Int32(7)}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	want := []mapped{{"/dev/xvda", 8, false, true}, {"/dev/sdc", 6, true, true}, {"/dev/sdd", 7, true, false}}
	if diff := cmp.Diff(want, mappingsOf(imageIn(t, client, "us-east-1", *out.ImageId))); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	if got := len(ownSnapshots(t, client)); got != 2 {
		t.Errorf("%d snapshots, want none of the volume that is left out", got)
	}
}

func TestCreateImage_mappingRefusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := withData(t, client)
	tests := map[string]types.BlockDeviceMapping{
		"another size":         ebs("/dev/sdb", types.EbsBlockDevice{VolumeSize: aws.Int32(50)}),
		"encryption":           ebs("/dev/sdb", types.EbsBlockDevice{Encrypted: aws.Bool(true)}),
		"without the root":     {DeviceName: aws.String("/dev/xvda"), NoDevice: aws.String("")},
		"nothing said":         {DeviceName: aws.String("/dev/sdd")},
		"a root of other type": ebs("/dev/xvda", types.EbsBlockDevice{VolumeType: types.VolumeTypeGp2}),
	}
	for name, asked := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{
				InstanceId: source.InstanceId, Name: aws.String("web-v1"), BlockDeviceMappings: []types.BlockDeviceMapping{asked},
			})
			if got := code(t, err); got != "InvalidBlockDeviceMapping" {
				t.Errorf("answer %q (%v)", got, err)
			}
		})
	}
	if left := ownSnapshots(t, client); len(left) != 0 {
		t.Errorf("refused captures left %d snapshots", len(left))
	}
}

func TestCreateImage_ofAStoppedInstance(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := launch(t, client, 1)[0]
	describe(t, client)
	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{*source.InstanceId}}); err != nil {
		t.Fatal(err)
	}
	describe(t, client)

	out, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: source.InstanceId, Name: aws.String("web-v1")})
	if err != nil {
		t.Fatal(err)
	}

	made := imageIn(t, client, "us-east-1", *out.ImageId)
	base := imageIn(t, client, "us-east-1", *source.ImageId)
	if made.State != types.ImageStateAvailable || *made.SourceInstanceId != *source.InstanceId || *made.SourceImageId != *source.ImageId {
		t.Errorf("it is %s, of %s, from %s", made.State, *made.SourceInstanceId, *made.SourceImageId)
	}
	if made.BootMode != base.BootMode || *made.EnaSupport != *base.EnaSupport || made.Architecture != base.Architecture {
		t.Errorf("boot mode %s, ENA %t, architecture %s; want those of the source", made.BootMode, *made.EnaSupport, made.Architecture)
	}
	if got := describe(t, client, *source.InstanceId)[0].State.Name; got != types.InstanceStateNameStopped {
		t.Errorf("the instance is %s afterwards", got)
	}
}
