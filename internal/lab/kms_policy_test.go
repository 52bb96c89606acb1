package lab_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
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

// Who launches or copies a shared image whose snapshot is encrypted needs its key, and
// encrypts what becomes of it with one of their own.
func TestSharing_withTheKey(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	plain := capture(t, here, "plain")
	shared := func(name, policy string) string {
		t.Helper()
		answer, failure := kms(t, server, "CreateKey", policy)
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
			_, err := here.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
				SnapshotId: m.Ebs.SnapshotId, OperationType: types.OperationTypeAdd, UserIds: []string{foreign},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return *made.ImageId
	}
	policy, err := json.Marshal(map[string]string{"Policy": policyFor(letIn)})
	if err != nil {
		t.Fatal(err)
	}
	locked, open := shared("web-v1", `{}`), shared("web-v2", string(policy))

	out, err := there.RunInstances(t.Context(), launchInput(locked, 1))
	if err != nil {
		t.Fatal(err)
	}
	failed := describe(t, there, *out.Instances[0].InstanceId)[0]
	if failed.State.Name != types.InstanceStateNameTerminated || *failed.StateReason.Code != "Client.InternalError" {
		t.Errorf("without the key it is %s because of %+v", failed.State.Name, failed.StateReason)
	}
	if out, err = there.RunInstances(t.Context(), launchInput(open, 1)); err != nil {
		t.Fatal(err)
	}
	running := describe(t, there, *out.Instances[0].InstanceId)[0]
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
	if _, err := here.RunInstances(t.Context(), launchInput(locked, 1)); err != nil {
		t.Errorf("the owner's launch: %v", err)
	}
}
