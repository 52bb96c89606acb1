package lab_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// policyFor is a key's policy with one statement beside the owner's.
func policyFor(statement string) string {
	return `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + home + `:root"}, "Action": "kms:*", "Resource": "*"},
		` + statement + `]}`
}

const (
	useOfKey = `"Action": ["kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:Decrypt"], "Resource": "*"`
	letIn    = `{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::` + foreign + `:root"]}, ` + useOfKey + `}`
)

// A key is its own account's, unless its policy lets another account use it.
func TestKeyPolicy_letsAccountsIn(t *testing.T) {
	server, _ := start(t, lab.Options{})
	key := ownKey(t, server)
	if err := server.Lab.JoinOrganization(foreign, organization); err != nil {
		t.Fatal(err)
	}
	inOrganization := func(id string) string {
		return fmt.Sprintf(`{"Effect": "Allow", "Principal": "*", %s, "Condition": {"StringEquals": {"aws:PrincipalOrgID": %q}}}`, useOfKey, id)
	}
	for name, test := range map[string]struct {
		statement string
		want      string
	}{
		"nobody":              {`{"Effect": "Allow", "Principal": {"AWS": "` + home + `"}, ` + useOfKey + `}`, "NotFoundException"},
		"by its root":         {letIn, ""},
		"by its number":       {`{"Effect": "Allow", "Principal": {"AWS": "` + foreign + `"}, ` + useOfKey + `}`, ""},
		"only to look":        {`{"Effect": "Allow", "Principal": {"AWS": "` + foreign + `"}, "Action": "kms:DescribeKey"}`, "NotFoundException"},
		"denied":              {letIn + `, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"}`, "NotFoundException"},
		"by its organization": {inOrganization("o-exampleorg1"), ""},
		"another's":           {inOrganization("o-otherorg111"), "NotFoundException"},
	} {
		body, err := json.Marshal(map[string]string{"KeyId": key, "PolicyName": "default", "Policy": policyFor(test.statement)})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := kms(t, server, "PutKeyPolicy", string(body)); got != "" {
			t.Fatalf("%s: %q", name, got)
		}
		if _, got := kmsAs(t, server, foreign, "DescribeKey", `{"KeyId": "`+key+`"}`); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if answer, _ := kms(t, server, "GetKeyPolicy", `{"KeyId": "`+key+`"}`); answer["Policy"] != policyFor(test.statement) {
			t.Errorf("%s: the policy is %v", name, answer["Policy"])
		}
	}
	for action, body := range map[string]string{
		"PutKeyPolicy": `{"KeyId": "` + key + `", "Policy": "{}"}`, "CreateKey": `{"Policy": "nobody"}`,
	} {
		if _, got := kms(t, server, action, body); got != "MalformedPolicyDocumentException" {
			t.Errorf("%s with what is no policy: %q", action, got)
		}
	}
	if _, got := kmsAs(t, server, foreign, "ScheduleKeyDeletion", `{"KeyId": "`+key+`"}`); got != "NotFoundException" {
		t.Errorf("deleting another's key: %q", got)
	}
}

// sharedWithKey is an image that is shared with the foreign account, snapshots and all,
// and encrypted with a key of that policy.
func sharedWithKey(t *testing.T, server *labtest.Server, here *ec2.Client, plain, name, policy string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"Policy": policy})
	if err != nil {
		t.Fatal(err)
	}
	answer, failure := kms(t, server, "CreateKey", string(body))
	if failure != "" {
		t.Fatal(failure)
	}
	key, _ := keyOf(t, answer)["Arn"].(string)
	made, err := here.CopyImage(t.Context(), copyInput(plain, name, encrypted(key)))
	if err != nil {
		t.Fatal(err)
	}
	if got := share(t, here, *made.ImageId, foreigner); got != "" {
		t.Fatal(got)
	}
	for _, m := range imageIn(t, here, "us-east-1", *made.ImageId).BlockDeviceMappings {
		shareSnapshot(t, here, *m.Ebs.SnapshotId)
	}
	return *made.ImageId
}

// launched is what has become of an instance that was launched of an image.
func launched(t *testing.T, client *ec2.Client, image string) types.Instance {
	t.Helper()
	out, err := client.RunInstances(t.Context(), launchInput(image, 1))
	if err != nil {
		t.Fatal(err)
	}
	return describe(t, client, *out.Instances[0].InstanceId)[0]
}

// Who launches or copies a shared image whose snapshot is encrypted needs its key, and
// encrypts what becomes of it with one of their own.
func TestSharing_withTheKey(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	plain := capture(t, here, "plain")
	locked := sharedWithKey(t, server, here, plain, "web-v1", policyFor(`{"Effect": "Allow", "Principal": {"AWS": "333344445555"}, `+useOfKey+`}`))
	open := sharedWithKey(t, server, here, plain, "web-v2", policyFor(letIn))

	if failed := launched(t, there, locked); failed.State.Name != types.InstanceStateNameTerminated || *failed.StateReason.Code != "Client.InternalError" {
		t.Errorf("without the key it is %s because of %+v", failed.State.Name, failed.StateReason)
	}
	if own := launched(t, here, locked); own.State.Name != types.InstanceStateNameRunning {
		t.Errorf("the owner's is %s because of %+v", own.State.Name, own.StateReason)
	}
	running := launched(t, there, open)
	if running.State.Name != types.InstanceStateNameRunning {
		t.Fatalf("with the key it is %s because of %+v", running.State.Name, running.StateReason)
	}
	volumes, err := there.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{*running.BlockDeviceMappings[0].Ebs.VolumeId}})
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := kmsAs(t, server, foreign, "DescribeKey", `{"KeyId": "alias/aws/ebs"}`)
	if own := keyOf(t, answer)["Arn"]; *volumes.Volumes[0].KmsKeyId != own {
		t.Errorf("its volume is encrypted by %s, want %s", *volumes.Volumes[0].KmsKeyId, own)
	}
	for image, want := range map[string]types.ImageState{locked: types.ImageStateFailed, open: types.ImageStateAvailable} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			copied, err := there.CopyImage(t.Context(), copyInput(image, "copy-of-"+image), in(region))
			if err != nil {
				t.Fatal(err)
			}
			if got := imageIn(t, there, region, *copied.ImageId); got.State != want {
				t.Errorf("the copy in %s of %s is %s because of %+v", region, image, got.State, got.StateReason)
			}
		}
	}
}

// Volumes, too, are made only by those who have the key: others get one that is gone
// before it is there, and a root volume is not replaced.
func TestSharing_volumesNeedTheKey(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	plain := capture(t, here, "plain")
	running := launched(t, there, baseImage(t, there, "x86_64"))
	for policy, has := range map[string]bool{policyFor(`{"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"}`): false, policyFor(letIn): true} {
		image := sharedWithKey(t, server, here, plain, fmt.Sprintf("web-%t", has), policy)
		snapshot := imageIn(t, there, "us-east-1", image).BlockDeviceMappings[0].Ebs.SnapshotId
		made, err := there.CreateVolume(t.Context(), &ec2.CreateVolumeInput{SnapshotId: snapshot, AvailabilityZone: aws.String("us-east-1a")})
		if err != nil {
			t.Fatal(err)
		}
		volumes, err := there.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("volume-id", *made.VolumeId)}})
		if err != nil || (len(volumes.Volumes) == 1) != has {
			t.Errorf("key=%t: there are %d volumes, %v", has, len(volumes.Volumes), err)
		}
		want := types.ReplaceRootVolumeTaskStateFailed
		if has {
			want = types.ReplaceRootVolumeTaskStateSucceeded
		}
		if task := replaceRoot(t, there, *running.InstanceId, withImage(image)); task.TaskState != want {
			t.Errorf("key=%t: the root volume's task is %s", has, task.TaskState)
		}
	}
}
