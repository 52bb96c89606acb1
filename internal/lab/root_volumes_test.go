package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// replacing is a CreateReplaceRootVolumeTask call in a table.
type replacing = func(*ec2.CreateReplaceRootVolumeTaskInput)

func withImage(id string) replacing {
	return func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.ImageId = &id }
}

// replaceRoot begins a replacement and waits for its end.
func replaceRoot(t *testing.T, client *ec2.Client, instance string, change ...replacing) types.ReplaceRootVolumeTask {
	t.Helper()
	input := &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &instance}
	for _, apply := range change {
		apply(input)
	}
	out, err := client.CreateReplaceRootVolumeTask(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.ReplaceRootVolumeTask.TaskState; got != types.ReplaceRootVolumeTaskStatePending {
		t.Errorf("the call answers %s, want pending", got)
	}
	task := *out.ReplaceRootVolumeTask
	for range 5 {
		found, err := client.DescribeReplaceRootVolumeTasks(t.Context(), &ec2.DescribeReplaceRootVolumeTasksInput{
			ReplaceRootVolumeTaskIds: []string{*task.ReplaceRootVolumeTaskId},
		})
		if err != nil {
			t.Fatal(err)
		}
		if task = found.ReplaceRootVolumeTasks[0]; task.CompleteTime != nil {
			break
		}
	}
	return task
}

func TestReplaceRootVolume_fromAnImage(t *testing.T) {
	server, client := start(t, lab.Options{})
	image := capture(t, client, "web-v2")
	made := withData(t, client)
	id := *made.InstanceId
	before := rootOf(t, client, id)

	task := replaceRoot(t, client, id, withImage(image), func(in *ec2.CreateReplaceRootVolumeTaskInput) {
		in.DeleteReplacedRootVolume = aws.Bool(true)
	})

	if task.TaskState != types.ReplaceRootVolumeTaskStateSucceeded || *task.ImageId != image {
		t.Errorf("the task is %s, with %s", task.TaskState, *task.ImageId)
	}
	after := describe(t, client, id)[0]
	if *after.ImageId != image || *after.PrivateIpAddress != *made.PrivateIpAddress || len(after.BlockDeviceMappings) != 3 {
		t.Errorf("it runs %s at %s with %d volumes; want the new image, the old address and all three",
			*after.ImageId, *after.PrivateIpAddress, len(after.BlockDeviceMappings))
	}
	if rootOf(t, client, id) == before {
		t.Error("it still has its old root volume")
	}
	if got := volumeOf(t, client, rootOf(t, client, id)); *got.SnapshotId == "" || !*got.Attachments[0].DeleteOnTermination {
		t.Errorf("the new root is of snapshot %q, deleted with the instance: %t", *got.SnapshotId, *got.Attachments[0].DeleteOnTermination)
	}
	if got := countLeftovers(server.Lab, "volume"); got != 4 { // that of the captured one, and three
		t.Errorf("%d volumes are left, want 4: the old root is gone", got)
	}
}

func TestReplaceRootVolume_keepsTheOldOne(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	before := rootOf(t, client, id)
	kept, err := client.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &before})
	if err != nil {
		t.Fatal(err)
	}
	describe(t, client)

	replaceRoot(t, client, id)
	second := rootOf(t, client, id)
	if got := volumeOf(t, client, before).State; got != types.VolumeStateAvailable {
		t.Errorf("the old root is %s, want available", got)
	}
	// A snapshot of an earlier root is of the same lineage.
	replaceRoot(t, client, id, func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.SnapshotId = kept.SnapshotId })
	if got := volumeOf(t, client, rootOf(t, client, id)); *got.SnapshotId != *kept.SnapshotId {
		t.Errorf("the root is of %s, want %s", *got.SnapshotId, *kept.SnapshotId)
	}
	replaceRoot(t, client, id, func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.VolumeId = &second })
	if got := rootOf(t, client, id); got != second {
		t.Errorf("the root is %s, want %s", got, second)
	}
}

func TestReplaceRootVolume_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	big := *launch(t, client, 1, volume("/dev/xvda", types.EbsBlockDevice{VolumeSize: aws.Int32(20)}))[0].InstanceId
	stopped := *launch(t, client, 1)[0].InstanceId
	image := capture(t, client, "web-v2")
	describe(t, client)
	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{stopped}}); err != nil {
		t.Fatal(err)
	}
	foreign := *ownSnapshots(t, client)[0].SnapshotId
	tests := map[string]struct {
		instance string
		change   replacing
		want     string
	}{
		"instance unknown":    {"i-0123456789abcdef0", withImage(image), "InvalidInstanceID.NotFound"},
		"instance stopped":    {stopped, withImage(image), "IncorrectInstanceState"},
		"image unknown":       {id, withImage("ami-0123456789abcdef0"), "InvalidAMIID.NotFound"},
		"other architecture":  {id, withImage(baseImage(t, client, "arm64")), "InvalidParameterValue"},
		"a smaller root":      {big, withImage(image), "InvalidParameterValue"},
		"snapshot of another": {id, func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.SnapshotId = &foreign }, "InvalidParameterValue"},
		"image and snapshot":  {id, func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.ImageId, in.SnapshotId = &image, &foreign }, "InvalidParameterCombination"},
		"a volume that is used": {id, func(in *ec2.CreateReplaceRootVolumeTaskInput) {
			in.VolumeId = aws.String(rootOf(t, client, big))
		}, "IncorrectState"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &test.instance}
			test.change(input)
			_, err := client.CreateReplaceRootVolumeTask(t.Context(), input)
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

func TestReplaceRootVolume_sameTokenSameTask(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	describe(t, client)
	token := func(in *ec2.CreateReplaceRootVolumeTaskInput) { in.ClientToken = aws.String("token") }
	first := replaceRoot(t, client, id, token)

	out, err := client.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &id, ClientToken: aws.String("token")})
	if err != nil {
		t.Fatal(err)
	}
	again := out.ReplaceRootVolumeTask
	if *again.ReplaceRootVolumeTaskId != *first.ReplaceRootVolumeTaskId || again.TaskState != types.ReplaceRootVolumeTaskStateSucceeded {
		t.Errorf("the repeated call answers %s, %s; want the first one's task as it is now", *again.ReplaceRootVolumeTaskId, again.TaskState)
	}
}

// TestReplaceRootVolume_inside: the guest boots again, from the image's layers, and
// what it had is on the volume that is kept.
func TestReplaceRootVolume_inside(t *testing.T) {
	host := &guests.Scripted{Boot: func(spec guests.Spec, m *guests.Machine) {
		fmt.Fprintf(m.Console, "%s on %d layers\n", spec.UserData, len(m.Layers))
	}}
	bubble(t, host, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		image := capture(t, client, "web-v2")
		synctest.Wait()
		id := *launch(t, client, 1, withUserData("serve", "stop"))[0].InstanceId
		describe(t, client)
		before := rootOf(t, client, id)

		out, err := client.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &id, ImageId: &image})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		<-time.After(time.Second)

		if text := consoleOf(t, client, id); text != "serve on 0 layers\nserve on 1 layers\n" {
			t.Errorf("the console says %q", text)
		}
		found, err := client.DescribeReplaceRootVolumeTasks(t.Context(), &ec2.DescribeReplaceRootVolumeTasksInput{
			Filters: []types.Filter{filter("instance-id", id)},
		})
		if err != nil || found.ReplaceRootVolumeTasks[0].TaskState != types.ReplaceRootVolumeTaskStateSucceeded {
			t.Errorf("the task %s is %v, %v", *out.ReplaceRootVolumeTask.ReplaceRootVolumeTaskId, found, err)
		}
		// Back to the volume that was kept: its own changes are a layer now.
		_, err = client.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &id, VolumeId: &before})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if text := consoleOf(t, client, id); !strings.HasSuffix(text, "serve on 1 layers\nserve on 1 layers\n") {
			t.Errorf("the console says %q", text)
		}
	})
}

// TestReplaceRootVolume_fails: the guest keeps its disk and boots again.
func TestReplaceRootVolume_fails(t *testing.T) {
	bubble(t, fullDisk{Host: &guests.Scripted{}}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		describe(t, client)
		before := rootOf(t, client, id)
		_, err := client.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &id})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		found, err := client.DescribeReplaceRootVolumeTasks(t.Context(), &ec2.DescribeReplaceRootVolumeTasksInput{})
		if err != nil || found.ReplaceRootVolumeTasks[0].TaskState != types.ReplaceRootVolumeTaskStateFailed {
			t.Errorf("the task is %v, %v; want failed", found, err)
		}
		if rootOf(t, client, id) != before || describe(t, client, id)[0].State.Name != types.InstanceStateNameRunning {
			t.Error("the instance has not its old root volume, or does not run")
		}
	})
}
