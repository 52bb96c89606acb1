package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// permissions reads who may launch an image.
func permissions(t *testing.T, client *ec2.Client, image string) []types.LaunchPermission {
	t.Helper()
	out, err := client.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{
		ImageId: &image, Attribute: types.ImageAttributeNameLaunchPermission,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.LaunchPermissions
}

// share adds launch permissions and returns the answer's error code.
func share(t *testing.T, client *ec2.Client, image string, add ...types.LaunchPermission) string {
	t.Helper()
	_, err := client.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
		ImageId: &image, LaunchPermission: &types.LaunchPermissionModifications{Add: add},
	})
	return code(t, err)
}

var everybody = types.LaunchPermission{Group: types.PermissionGroupAll}

const (
	organization = "arn:aws:organizations::111122223333:organization/o-exampleorg1"
	unit         = "arn:aws:organizations::111122223333:ou/o-exampleorg1/ou-ab12-cdefgh34"
)

func TestLaunchPermissions_addRemoveReset(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	user := types.LaunchPermission{UserId: aws.String("111122223333")}
	org := types.LaunchPermission{OrganizationArn: aws.String(organization)}
	ou := types.LaunchPermission{OrganizationalUnitArn: aws.String(unit)}

	if got := share(t, client, id, user, org, ou, user); got != "" {
		t.Fatalf("answer %q", got)
	}
	if diff := cmp.Diff([]types.LaunchPermission{user, org, ou}, permissions(t, client, id), ignoreDocuments); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	_, err := client.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
		ImageId: &id, Attribute: aws.String("launchPermission"), OperationType: types.OperationTypeRemove,
		OrganizationArns: []string{organization}, OrganizationalUnitArns: []string{unit},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]types.LaunchPermission{user}, permissions(t, client, id), ignoreDocuments); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	_, err = client.ResetImageAttribute(t.Context(), &ec2.ResetImageAttributeInput{
		ImageId: &id, Attribute: types.ResetImageAttributeNameLaunchPermission,
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := permissions(t, client, id); len(left) != 0 {
		t.Errorf("reset left %v", left)
	}
}

func TestLaunchPermissions_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	tests := map[string]struct {
		add  types.LaunchPermission
		want string
	}{
		"no account":             {types.LaunchPermission{UserId: aws.String("me")}, "InvalidAMIAttributeItemValue"},
		"no group":               {types.LaunchPermission{Group: "friends"}, "InvalidAMIAttributeItemValue"},
		"no organization":        {types.LaunchPermission{OrganizationArn: aws.String(unit)}, "InvalidAMIAttributeItemValue"},
		"no organizational unit": {types.LaunchPermission{OrganizationalUnitArn: aws.String(organization)}, "InvalidAMIAttributeItemValue"},
		"public, which a fresh account cannot be": {everybody, "OperationNotPermitted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := share(t, client, id, test.add); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
	if left := permissions(t, client, id); len(left) != 0 {
		t.Errorf("refused calls left %v", left)
	}
	_, err := client.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
		ImageId: &id, Description: &types.AttributeValue{Value: aws.String("x")}, ImdsSupport: &types.AttributeValue{Value: aws.String("v2.0")},
	})
	if got := code(t, err); got != "InvalidParameterCombination" {
		t.Errorf("two attributes at once: %q", got)
	}
}

func TestLaunchPermissions_public(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	if _, err := client.DisableImageBlockPublicAccess(t.Context(), &ec2.DisableImageBlockPublicAccessInput{}); err != nil {
		t.Fatal(err)
	}

	if got := share(t, client, id, everybody); got != "" {
		t.Fatalf("answer %q", got)
	}

	image := ownImages(t, client)[0]
	if !*image.Public || image.DeprecationTime == nil {
		t.Errorf("public=%t, deprecated %v; want public, with the date that public images have", *image.Public, image.DeprecationTime)
	}
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ExecutableUsers: []string{"all"}, Owners: []string{"self"}})
	if err != nil || len(out.Images) != 1 {
		t.Errorf("executable by all are %d of mine, %v; want 1", len(out.Images), err)
	}
	_, err = client.DisableImageDeprecation(t.Context(), &ec2.DisableImageDeprecationInput{ImageId: &id})
	if got := code(t, err); got != "OperationNotPermitted" {
		t.Errorf("cancelling a public image's deprecation: %q", got)
	}
	state, err := client.GetImageBlockPublicAccessState(t.Context(), &ec2.GetImageBlockPublicAccessStateInput{})
	if err != nil || *state.ImageBlockPublicAccessState != "unblocked" {
		t.Errorf("the block is %v, %v", state, err)
	}
}

func TestSharing_encrypted(t *testing.T) {
	server, client := start(t, lab.Options{})
	if _, err := client.DisableImageBlockPublicAccess(t.Context(), &ec2.DisableImageBlockPublicAccessInput{}); err != nil {
		t.Fatal(err)
	}
	source := capture(t, client, "plain")
	made := func(name, key string) types.Image {
		out, err := client.CopyImage(t.Context(), copyInput(source, name, encrypted(key)))
		if err != nil {
			t.Fatal(err)
		}
		return imageIn(t, client, "us-east-1", *out.ImageId)
	}
	managed, own := made("managed", ""), made("own", ownKey(t, server))
	user := types.LaunchPermission{UserId: aws.String("111122223333")}
	shareSnapshot := func(of types.Image, add types.CreateVolumePermission) string {
		_, err := client.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId:             of.BlockDeviceMappings[0].Ebs.SnapshotId,
			CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{add}},
		})
		return code(t, err)
	}
	for name, test := range map[string]struct{ got, want string }{
		"key of AWS's, image, an account":    {share(t, client, *managed.ImageId, user), "InvalidParameter"},
		"own key, image, an account":         {share(t, client, *own.ImageId, user), ""},
		"own key, image, everybody":          {share(t, client, *own.ImageId, everybody), "UnsupportedOperation"},
		"key of AWS's, snapshot, an account": {shareSnapshot(managed, types.CreateVolumePermission{UserId: user.UserId}), "OperationNotPermitted"},
		"own key, snapshot, an account":      {shareSnapshot(own, types.CreateVolumePermission{UserId: user.UserId}), ""},
		"own key, snapshot, everybody":       {shareSnapshot(own, types.CreateVolumePermission{Group: types.PermissionGroupAll}), "OperationNotPermitted"},
	} {
		if test.got != test.want {
			t.Errorf("%s: answer %q, want %q", name, test.got, test.want)
		}
	}
}

func TestSnapshotAttribute(t *testing.T) {
	_, client := start(t, lab.Options{})
	capture(t, client, "web-v1")
	id := ownSnapshots(t, client)[0].SnapshotId
	read := func() []types.CreateVolumePermission {
		out, err := client.DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.CreateVolumePermissions
	}
	modify := func(operation types.OperationType) {
		_, err := client.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: id, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: operation,
			UserIds: []string{"111122223333"}, GroupNames: []string{"all"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	modify(types.OperationTypeAdd)
	want := []types.CreateVolumePermission{{UserId: aws.String("111122223333")}, {Group: types.PermissionGroupAll}}
	if diff := cmp.Diff(want, read(), ignoreDocuments); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"111122223333"}})
	if err != nil || len(out.Snapshots) != 1 {
		t.Errorf("restorable by the account are %d, %v; want 1", len(out.Snapshots), err)
	}
	modify(types.OperationTypeRemove)
	if left := read(); len(left) != 0 {
		t.Errorf("removal left %v", left)
	}
	modify(types.OperationTypeAdd)
	_, err = client.ResetSnapshotAttribute(t.Context(), &ec2.ResetSnapshotAttributeInput{
		SnapshotId: id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
	})
	if left := read(); err != nil || len(left) != 0 {
		t.Errorf("reset left %v, %v", left, err)
	}
}
