package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// TestImages_takeTheirTime is a capture and its copy in AWS's weather: neither is
// there at once, and what cannot be done before is refused.
func TestImages_takeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{Weather: "aws"})
		if err != nil {
			t.Fatal(err)
		}
		client := ec2.NewFromConfig(config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside)))
		id := *launch(t, client, 1)[0].InstanceId
		<-time.After(5 * time.Minute)
		made, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: aws.String("web-v1")})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second)
		if got := imageIn(t, client, "us-east-1", *made.ImageId).State; got != types.ImageStatePending {
			t.Errorf("the image is %s after 10 seconds", got)
		}
		copying := copyInput(*made.ImageId, "web-v1", func(in *ec2.CopyImageInput) { in.ClientToken = aws.String("token") })
		_, err = client.CopyImage(t.Context(), copying, in("eu-west-1"))
		if got := code(t, err); got != "InvalidRequest" {
			t.Errorf("a copy of a pending image: %q", got)
		}
		<-time.After(10 * time.Minute)
		copied, err := client.CopyImage(t.Context(), copying, in("eu-west-1"))
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second)
		pending := imageIn(t, client, "eu-west-1", *copied.ImageId)
		if got := snapshotIn(t, client, "eu-west-1", pending).State; pending.State != types.ImageStatePending || got != types.SnapshotStatePending {
			t.Errorf("the copy is %s, its snapshot %s", pending.State, got)
		}
		<-time.After(10 * time.Minute)
		if got := imageIn(t, client, "eu-west-1", *copied.ImageId).State; got != types.ImageStateAvailable {
			t.Errorf("the copy is %s after ten minutes", got)
		}
		task, err := client.CreateReplaceRootVolumeTask(t.Context(), &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: &id, ImageId: made.ImageId})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second) // by when it is described
		for _, want := range []types.ReplaceRootVolumeTaskState{types.ReplaceRootVolumeTaskStateInProgress, types.ReplaceRootVolumeTaskStateSucceeded} {
			found, err := client.DescribeReplaceRootVolumeTasks(t.Context(), &ec2.DescribeReplaceRootVolumeTasksInput{
				ReplaceRootVolumeTaskIds: []string{*task.ReplaceRootVolumeTask.ReplaceRootVolumeTaskId},
			})
			if err != nil || found.ReplaceRootVolumeTasks[0].TaskState != want {
				t.Errorf("the replacement is %v, %v; want %s", found, err, want)
			}
			<-time.After(time.Minute)
		}
	})
}

// TestTerminateInstances_wrongIDs: one id of another form, and nothing happens.
func TestTerminateInstances_wrongIDs(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	for other, want := range map[string]string{
		"web": "InvalidInstanceID.Malformed", "vol-0123456789abcdef0": "InvalidInstanceID.Malformed", "i-0123456789abcdef0": "InvalidInstanceID.NotFound",
	} {
		_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id, other}})
		if got := code(t, err); got != want {
			t.Errorf("%s: answer %q, want %q", other, got, want)
		}
		if got := stop(t, client, id, other); got != want {
			t.Errorf("stopping %s: answer %q, want %q", other, got, want)
		}
	}
	if got := describe(t, client, id)[0].State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("the right one is %s", got)
	}
}
