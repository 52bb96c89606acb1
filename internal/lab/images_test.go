package lab_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// capture makes an image of a new instance, with a tag on it and on its snapshots.
func capture(t *testing.T, client *ec2.Client, name string) (imageID string) {
	t.Helper()
	tags := []types.Tag{{Key: aws.String("Line"), Value: &name}}
	source := launch(t, client, 1)[0]
	out, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{
		InstanceId: source.InstanceId, Name: &name,
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeImage, Tags: tags}, {ResourceType: types.ResourceTypeSnapshot, Tags: tags},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ImageId
}

func ownImages(t *testing.T, client *ec2.Client) []types.Image {
	t.Helper()
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Images
}

func ownSnapshots(t *testing.T, client *ec2.Client) []types.Snapshot {
	t.Helper()
	out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Snapshots
}

func TestCreateImage_keepsAndTags(t *testing.T) {
	_, client := start(t, lab.Options{})

	id := capture(t, client, "web-v1")

	images, snapshots := ownImages(t, client), ownSnapshots(t, client)
	if len(images) != 1 || len(snapshots) != 1 {
		t.Fatalf("%d images and %d snapshots, want one each", len(images), len(snapshots))
	}
	image, snapshot := images[0], snapshots[0]
	if *image.ImageId != id || image.State != types.ImageStateAvailable || snapshot.State != types.SnapshotStateCompleted {
		t.Errorf("image %s is %s, snapshot %s; want %s available, completed", *image.ImageId, image.State, snapshot.State, id)
	}
	if got := *image.BlockDeviceMappings[0].Ebs.SnapshotId; got != *snapshot.SnapshotId {
		t.Errorf("the image maps %s, the snapshot is %s", got, *snapshot.SnapshotId)
	}
	if diff := cmp.Diff(image.Tags, snapshot.Tags, ignoreDocuments); diff != "" || len(image.Tags) != 1 {
		t.Errorf("tags of image and snapshot differ, or are none:\n%s", diff)
	}
	if image.ImdsSupport != types.ImdsSupportValuesV20 {
		t.Errorf("imds support is %q, want that of the source", image.ImdsSupport)
	}
}

func TestCreateImage_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	capture(t, client, "web-v1")
	source := launch(t, client, 1)[0]
	gone := launch(t, client, 1)[0]
	_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*gone.InstanceId}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ instance, name, want string }{
		"name taken":           {*source.InstanceId, "web-v1", "InvalidAMIName.Duplicate"},
		"name too short":       {*source.InstanceId, "ab", "InvalidAMIName.Malformed"},
		"name too long":        {*source.InstanceId, strings.Repeat("n", 129), "InvalidAMIName.Malformed"},
		"name with a colon":    {*source.InstanceId, "web:1", "InvalidAMIName.Malformed"},
		"instance unknown":     {"i-0123456789abcdef0", "web-v2", "InvalidInstanceID.NotFound"},
		"instance malformed":   {"web", "web-v2", "InvalidInstanceID.Malformed"},
		"instance terminated":  {*gone.InstanceId, "web-v2", "IncorrectState"},
		"another name is fine": {*source.InstanceId, "web (2) [a]/b'c@d_e.f", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &test.instance, Name: &test.name})
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
}

func TestDeregisterImage_snapshots(t *testing.T) {
	_, client := start(t, lab.Options{})
	alone, together := capture(t, client, "alone"), capture(t, client, "together")
	kept := ownSnapshots(t, client)[0].SnapshotId

	_, err := client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: kept})
	if got := code(t, err); got != "InvalidSnapshot.InUse" {
		t.Errorf("deleting a snapshot of an image: %q", got)
	}
	if _, err := client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &alone}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: kept}); err != nil {
		t.Errorf("deleting the snapshot after its image: %v", err)
	}
	out, err := client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{
		ImageId: &together, DeleteAssociatedSnapshots: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.DeleteSnapshotResults) != 1 || out.DeleteSnapshotResults[0].ReturnCode != types.SnapshotReturnCodesSuccess {
		t.Errorf("results %+v, want one success", out.DeleteSnapshotResults)
	}
	if left := ownSnapshots(t, client); len(left) != 0 {
		t.Errorf("%d snapshots are left", len(left))
	}
	_, err = client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &together})
	if got := code(t, err); got != "InvalidAMIID.NotFound" {
		t.Errorf("deregistering again: %q", got)
	}
}

func TestImages_whoseTheyAre(t *testing.T) {
	_, client := start(t, lab.Options{})
	public := baseImage(t, client, "arm64")

	_, err := client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &public})
	if got := code(t, err); got != "AuthFailure" {
		t.Errorf("deregistering another's image: %q", got)
	}
	for owner, want := range map[string]int{"amazon": 12, "137112412989": 6, "801119661308": 6, "136693071363": 6, "self": 0} {
		out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{owner}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Images) != want {
			t.Errorf("owner %s has %d images, want %d", owner, len(out.Images), want)
		}
	}
}

func TestImageAttributes(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	sharing := types.LaunchPermission{UserId: aws.String("111122223333")}

	for _, change := range []*ec2.ModifyImageAttributeInput{
		{ImageId: &id, Description: &types.AttributeValue{Value: aws.String("nginx")}},
		{ImageId: &id, LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{sharing}}},
		{ImageId: &id, Attribute: aws.String("launchPermission"), OperationType: types.OperationTypeAdd, UserIds: []string{"444455556666"}},
		{ImageId: &id, LaunchPermission: &types.LaunchPermissionModifications{Remove: []types.LaunchPermission{sharing}}},
	} {
		if _, err := client.ModifyImageAttribute(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}

	if got := *ownImages(t, client)[0].Description; got != "nginx" {
		t.Errorf("description %q", got)
	}
	out, err := client.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{
		ImageId: &id, Attribute: types.ImageAttributeNameLaunchPermission,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.LaunchPermission{{UserId: aws.String("444455556666")}}
	if diff := cmp.Diff(want, out.LaunchPermissions, ignoreDocuments); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
}
