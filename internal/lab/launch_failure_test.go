package lab_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

func encryptedBy(key string) launching {
	return func(in *ec2.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: &key},
		}}
	}
}

// RunInstances takes any key, and EC2 finds out at the launch.
func TestLaunchFailure_keys(t *testing.T) {
	server, client := start(t, lab.Options{})
	made := func() string {
		answer, _ := kms(t, server, "CreateKey", "{}")
		return fmt.Sprint(keyOf(t, answer)["Arn"])
	}
	good, doomed := made(), made()
	kms(t, server, "ScheduleKeyDeletion", fmt.Sprintf(`{"KeyId": %q}`, doomed))
	for key, want := range map[string]string{
		good: "running ", "alias/aws/ebs": "running ",
		"alias/not-there":                      "terminated Client.InternalError",
		"12345678-1234-1234-1234-123456789012": "terminated Client.InternalError",
		"arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012": "terminated Client.InternalError",
		doomed: "terminated Client.InvalidKMSKey.InvalidState",
	} {
		id := *launch(t, client, 1, encryptedBy(key))[0].InstanceId
		describe(t, client)
		found := describe(t, client, id)[0]
		got := string(found.State.Name) + " "
		if found.StateReason != nil {
			got += *found.StateReason.Code
		}
		if got != want {
			t.Errorf("with the key %s it is %s, want %s", key, got, want)
		}
	}
}

// CreateVolume takes any key, too; then there is no volume.
func TestLaunchFailure_keyOfAVolume(t *testing.T) {
	_, client := start(t, lab.Options{})
	for key, want := range map[string]int{"alias/aws/ebs": 1, "alias/not-there": 0} {
		made, err := client.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: &key,
		})
		if err != nil {
			t.Fatal(err)
		}
		found, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("volume-id", *made.VolumeId)}})
		if err != nil || len(found.Volumes) != want {
			t.Errorf("with the key %s there are %d volumes, want %d: %v", key, len(found.Volumes), want, err)
		}
	}
}

// A host whose guests are Linux's alone has nothing for Windows: what would wait for
// it hears so at once.
func TestLaunchFailure_noGuestOfWindows(t *testing.T) {
	bubble(t, &guests.Scripted{NoWindows: true}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		ids := idsOf(launch(t, client, 2, from(windowsOf(t, client))))
		describe(t, client)
		for _, found := range describe(t, client, ids...) {
			if found.State.Name != types.InstanceStateNameTerminated || found.StateReason == nil ||
				!strings.Contains(*found.StateReason.Message, "the lab has no guests of Windows") || !strings.Contains(*found.StateReason.Message, "-guests off") {
				t.Errorf("it is %s, %+v", found.State.Name, found.StateReason)
			}
		}
		if text := consoleOf(t, client, ids[0]); !strings.Contains(text, "the lab has no guests of Windows") {
			t.Errorf("its console says %q", text)
		}
		linux := *launch(t, client, 1)[0].InstanceId
		describe(t, client)
		if state := describe(t, client, linux)[0].State.Name; state != types.InstanceStateNameRunning {
			t.Errorf("one of Linux is %s", state)
		}
	})
}

// Where no guests run at all, an instance of Windows is as good as any other.
func TestLaunchFailure_windowsWithoutGuests(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1, from(windowsOf(t, client)))[0].InstanceId
	describe(t, client)
	if state := describe(t, client, id)[0].State.Name; state != types.InstanceStateNameRunning {
		t.Errorf("it is %s", state)
	}
}

// windowsOf is one of the public images of Windows.
func windowsOf(t *testing.T, client *ec2.Client) string {
	t.Helper()
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}, Filters: []types.Filter{filter("platform", "windows")}})
	if err != nil || len(out.Images) == 0 {
		t.Fatalf("%v, %v", out, err)
	}
	return *out.Images[0].ImageId
}
