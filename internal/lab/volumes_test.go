package lab_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// makeVolume makes a volume of 5 GiB in a zone.
func makeVolume(t *testing.T, client *ec2.Client, zone string) string {
	t.Helper()
	out, err := client.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: &zone, Size: aws.Int32(5), VolumeType: types.VolumeTypeGp3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.VolumeId
}

func volumeOf(t *testing.T, client *ec2.Client, id string) types.Volume {
	t.Helper()
	out, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Volumes[0]
}

func attach(t *testing.T, client *ec2.Client, volume, instance, device string) string {
	t.Helper()
	_, err := client.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &instance, Device: &device})
	return code(t, err)
}

func TestVolumes_comeAndGo(t *testing.T) {
	_, client := start(t, lab.Options{})
	instance := launch(t, client, 1)[0]
	zone := *instance.Placement.AvailabilityZone
	id := makeVolume(t, client, zone)
	if got := volumeOf(t, client, id); got.State != types.VolumeStateAvailable || *got.Iops != 3000 {
		t.Errorf("it is %s with %d IOPS, want available with gp3's 3000", got.State, *got.Iops)
	}

	if got := attach(t, client, id, *instance.InstanceId, "/dev/sdf"); got != "" {
		t.Fatalf("answer %q", got)
	}
	attached := volumeOf(t, client, id)
	if attached.State != types.VolumeStateInUse || attached.Attachments[0].State != types.VolumeAttachmentStateAttached {
		t.Errorf("it is %s, %s", attached.State, attached.Attachments[0].State)
	}
	if got := len(describe(t, client, *instance.InstanceId)[0].BlockDeviceMappings); got != 2 {
		t.Errorf("the instance has %d volumes, want 2", got)
	}
	_, err := client.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &id})
	if got := code(t, err); got != "VolumeInUse" {
		t.Errorf("deleting it: %q", got)
	}
	if _, err := client.DetachVolume(t.Context(), &ec2.DetachVolumeInput{VolumeId: &id}); err != nil {
		t.Fatal(err)
	}
	if got := volumeOf(t, client, id); got.State != types.VolumeStateAvailable || len(got.Attachments) != 0 {
		t.Errorf("detached, it is %s", got.State)
	}
	if _, err := client.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: &id}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if got := code(t, err); got != "InvalidVolume.NotFound" {
		t.Errorf("describing it after its end: %q", got)
	}
}

func TestVolumes_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	instance := launch(t, client, 1)[0]
	id, zone := *instance.InstanceId, *instance.Placement.AvailabilityZone
	other := map[string]string{"us-east-1a": "us-east-1b", "us-east-1b": "us-east-1c", "us-east-1c": "us-east-1a"}[zone]
	here, there, used := makeVolume(t, client, zone), makeVolume(t, client, other), makeVolume(t, client, zone)
	if got := attach(t, client, used, id, "/dev/sdf"); got != "" {
		t.Fatalf("answer %q", got)
	}
	detach := func(in ec2.DetachVolumeInput) string {
		_, err := client.DetachVolume(t.Context(), &in)
		return code(t, err)
	}
	create := func(in ec2.CreateVolumeInput) string {
		_, err := client.CreateVolume(t.Context(), &in)
		return code(t, err)
	}
	for name, test := range map[string]struct{ got, want string }{
		"attach in another zone":    {attach(t, client, there, id, "/dev/sdg"), "InvalidVolume.ZoneMismatch"},
		"attach twice":              {attach(t, client, used, id, "/dev/sdg"), "VolumeInUse"},
		"attach where one is":       {attach(t, client, here, id, "/dev/sdf"), "InvalidParameterValue"},
		"attach to nobody":          {attach(t, client, here, "i-0123456789abcdef0", "/dev/sdg"), "InvalidInstanceID.NotFound"},
		"attach nothing":            {attach(t, client, "vol-0123456789abcdef0", id, "/dev/sdg"), "InvalidVolume.NotFound"},
		"detach what is free":       {detach(ec2.DetachVolumeInput{VolumeId: &here}), "IncorrectState"},
		"detach from another":       {detach(ec2.DetachVolumeInput{VolumeId: &used, InstanceId: aws.String("i-0123456789abcdef0")}), "InvalidAttachment.NotFound"},
		"detach a running root":     {detach(ec2.DetachVolumeInput{VolumeId: aws.String(rootOf(t, client, id))}), "IncorrectState"},
		"create without a zone":     {create(ec2.CreateVolumeInput{Size: aws.Int32(1)}), "MissingParameter"},
		"create in no zone":         {create(ec2.CreateVolumeInput{Size: aws.Int32(1), AvailabilityZone: aws.String("us-east-1z")}), "InvalidZone.NotFound"},
		"create without a size":     {create(ec2.CreateVolumeInput{AvailabilityZone: &zone}), "MissingParameter"},
		"create with a lone key":    {create(ec2.CreateVolumeInput{AvailabilityZone: &zone, Size: aws.Int32(1), KmsKeyId: aws.String("k")}), "InvalidParameterDependency"},
		"create a cold disk of 5 G": {create(ec2.CreateVolumeInput{AvailabilityZone: &zone, Size: aws.Int32(5), VolumeType: types.VolumeTypeSc1}), "InvalidParameterValue"},
	} {
		if test.got != test.want {
			t.Errorf("%s: answer %q, want %q", name, test.got, test.want)
		}
	}
}

func TestCreateVolume_sameTokenSameVolume(t *testing.T) {
	server, client := start(t, lab.Options{})
	input := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(5), ClientToken: aws.String("token")}
	first, err := client.CreateVolume(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.CreateVolume(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	if *first.VolumeId != *second.VolumeId || countLeftovers(server.Lab, "volume") != 1 {
		t.Errorf("the repeated call made %s, want %s again", *second.VolumeId, *first.VolumeId)
	}
}

func TestModifyVolume(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := makeVolume(t, client, "us-east-1a")
		grow := func(size int32) string {
			_, err := client.ModifyVolume(t.Context(), &ec2.ModifyVolumeInput{VolumeId: &id, Size: &size})
			return code(t, err)
		}
		volumeOf(t, client, id)
		if got := grow(4); got != "InvalidParameterValue" {
			t.Errorf("shrinking: %q", got)
		}
		for size := int32(6); size <= 9; size++ {
			if got := grow(size); got != "" {
				t.Fatalf("growing to %d: %q", size, got)
			}
			if got := *volumeOf(t, client, id).Size; got != size {
				t.Errorf("it has %d GiB, want %d", got, size)
			}
		}
		if got := grow(10); got != "VolumeModificationRateExceeded" {
			t.Errorf("the fifth time in a day: %q", got)
		}
		out, err := client.DescribeVolumesModifications(t.Context(), &ec2.DescribeVolumesModificationsInput{VolumeIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if m := out.VolumesModifications; len(m) != 1 || *m[0].TargetSize != 9 || m[0].ModificationState != types.VolumeModificationStateCompleted {
			t.Errorf("modifications %+v, want the latest alone", m)
		}
		<-time.After(25 * time.Hour)
		if got := grow(10); got != "" {
			t.Errorf("a day later: %q", got)
		}
	})
}
