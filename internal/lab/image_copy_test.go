package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// in sends one call to another region than the client's own.
func in(region string) func(*ec2.Options) {
	return func(o *ec2.Options) { o.Region = region }
}

// copying is a CopyImage call in a table.
type copying = func(*ec2.CopyImageInput)

func copyInput(image, name string, change ...copying) *ec2.CopyImageInput {
	input := &ec2.CopyImageInput{SourceImageId: &image, SourceRegion: aws.String("us-east-1"), Name: &name}
	for _, apply := range change {
		apply(input)
	}
	return input
}

func encrypted(key string) copying {
	return func(in *ec2.CopyImageInput) {
		in.Encrypted = aws.Bool(true)
		if key != "" {
			in.KmsKeyId = &key
		}
	}
}

// imageIn reads one image of a region.
func imageIn(t *testing.T, client *ec2.Client, region, id string) types.Image {
	t.Helper()
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)}, in(region))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != 1 {
		t.Fatalf("%s: %d images, want 1", id, len(out.Images))
	}
	return out.Images[0]
}

// snapshotIn reads the snapshot behind the first device of an image.
func snapshotIn(t *testing.T, client *ec2.Client, region string, of types.Image) types.Snapshot {
	t.Helper()
	out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{
		SnapshotIds: []string{*of.BlockDeviceMappings[0].Ebs.SnapshotId},
	}, in(region))
	if err != nil {
		t.Fatal(err)
	}
	return out.Snapshots[0]
}

func TestCopyImage_toAnotherRegion(t *testing.T) {
	server, client := start(t, lab.Options{})
	source := capture(t, client, "web-v1")
	extra := []types.Tag{{Key: aws.String("Region"), Value: aws.String("eu")}}

	out, err := client.CopyImage(t.Context(), copyInput(source, "web-v1", func(in *ec2.CopyImageInput) {
		in.CopyImageTags = aws.Bool(true)
		in.TagSpecifications = []types.TagSpecification{
			{ResourceType: types.ResourceTypeImage, Tags: extra}, {ResourceType: types.ResourceTypeSnapshot, Tags: extra},
		}
	}), in("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}

	made := imageIn(t, client, "eu-west-1", *out.ImageId)
	kept := snapshotIn(t, client, "eu-west-1", made)
	if made.State != types.ImageStateAvailable || kept.State != types.SnapshotStateCompleted {
		t.Errorf("the copy is %s, its snapshot %s", made.State, kept.State)
	}
	if *made.SourceImageId != source || *made.SourceImageRegion != "us-east-1" || *kept.VolumeId != "vol-ffffffff" {
		t.Errorf("copied from %s in %s, with a snapshot of %s", *made.SourceImageId, *made.SourceImageRegion, *kept.VolumeId)
	}
	if want := "[Copied " + source + " from us-east-1] web-v1"; *made.Description != want {
		t.Errorf("description %q, want %q", *made.Description, want)
	}
	want := []types.Tag{{Key: aws.String("Line"), Value: aws.String("web-v1")}, extra[0]}
	if diff := cmp.Diff(want, made.Tags, ignoreDocuments); diff != "" {
		t.Errorf("tags of the copy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(extra, kept.Tags, ignoreDocuments); diff != "" {
		t.Errorf("tags of its snapshot (-want +got):\n%s", diff)
	}
	if made.ImdsSupport != types.ImdsSupportValuesV20 {
		t.Errorf("imds support is %q, want the source's", made.ImdsSupport)
	}
	if images, snapshots := countLeftovers(server.Lab, "image"), countLeftovers(server.Lab, "snapshot"); images != 2 || snapshots != 2 {
		t.Errorf("left are %d images and %d snapshots, want one of each in each region", images, snapshots)
	}
}

func TestCopyImage_sameTokenSameCopy(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := capture(t, client, "web-v1")
	token := func(in *ec2.CopyImageInput) { in.ClientToken = aws.String("token") }

	first, err := client.CopyImage(t.Context(), copyInput(source, "copy", token))
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.CopyImage(t.Context(), copyInput(source, "copy", token))
	if err != nil {
		t.Fatal(err)
	}

	if *first.ImageId != *second.ImageId || len(ownImages(t, client)) != 2 {
		t.Errorf("the repeated call made %s, want %s again", *second.ImageId, *first.ImageId)
	}
	_, err = client.CopyImage(t.Context(), copyInput(source, "another", token))
	if got := code(t, err); got != "IdempotentParameterMismatch" {
		t.Errorf("other parameters: %q", got)
	}
}

// ownKey makes an encryption key of us-east-1 and returns its ARN.
func ownKey(t *testing.T, server *labtest.Server) string {
	t.Helper()
	answer, _ := kms(t, server, "CreateKey", `{}`)
	arn, ok := keyOf(t, answer)["Arn"].(string)
	if !ok {
		t.Fatalf("no ARN in %v", answer)
	}
	return arn
}

func TestCopyImage_encryption(t *testing.T) {
	server, client := start(t, lab.Options{})
	key := ownKey(t, server)
	plain := capture(t, client, "plain")
	copied := func(source, name, region string, change ...copying) types.Snapshot {
		t.Helper()
		out, err := client.CopyImage(t.Context(), copyInput(source, name, change...), in(region))
		if err != nil {
			t.Fatal(err)
		}
		made := imageIn(t, client, region, *out.ImageId)
		if on := aws.ToBool(made.BlockDeviceMappings[0].Ebs.Encrypted); on != aws.ToBool(snapshotIn(t, client, region, made).Encrypted) {
			t.Errorf("%s: the image's mapping says encrypted=%t, its snapshot does not", name, on)
		}
		return snapshotIn(t, client, region, made)
	}

	if got := copied(plain, "still-plain", "us-east-1"); *got.Encrypted {
		t.Error("a copy of a plain image is encrypted")
	}
	secret := copied(plain, "secret", "us-east-1", encrypted(key))
	if !*secret.Encrypted || *secret.KmsKeyId != key {
		t.Errorf("encrypted=%t by %s, want the named key", *secret.Encrypted, aws.ToString(secret.KmsKeyId))
	}
	source := *ownImages(t, client)[2].ImageId
	if got := copied(source, "still-secret", "us-east-1"); !*got.Encrypted || *got.KmsKeyId != key {
		t.Errorf("the copy of an encrypted image: %t by %s, want the same key", *got.Encrypted, aws.ToString(got.KmsKeyId))
	}
	if got := copied(source, "abroad", "eu-west-1"); !*got.Encrypted || *got.KmsKeyId == key {
		t.Errorf("the copy abroad: %t by %s, want a key of that region", *got.Encrypted, aws.ToString(got.KmsKeyId))
	}
	_, err := client.CopyImage(t.Context(), copyInput(source, "decrypted", func(in *ec2.CopyImageInput) { in.Encrypted = aws.Bool(false) }))
	if got := code(t, err); got != "InvalidRequest" {
		t.Errorf("a decrypted copy: %q", got)
	}
	_, err = client.CopyImage(t.Context(), copyInput(plain, "keyed", func(in *ec2.CopyImageInput) { in.KmsKeyId = aws.String(key) }))
	if got := code(t, err); got != "InvalidParameterDependency" {
		t.Errorf("a key without encryption: %q", got)
	}
}

// TestCopyImage_wrongKey: the key is checked after the call, so a wrong one makes an
// image that fails.
func TestCopyImage_wrongKey(t *testing.T) {
	server, client := start(t, lab.Options{})
	source := capture(t, client, "web-v1")
	for name, test := range map[string]struct{ region, key string }{
		"of another region": {"eu-west-1", ownKey(t, server)},
		"of nobody":         {"us-east-1", "11111111-2222-3333-4444-555555555555"},
		"under no name":     {"us-east-1", "alias/nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.CopyImage(t.Context(), copyInput(source, name, encrypted(test.key)), in(test.region))
			if err != nil {
				t.Fatal(err)
			}
			made := imageIn(t, client, test.region, *out.ImageId)
			if made.State != types.ImageStateFailed || made.StateReason == nil {
				t.Errorf("the copy is %s, want failed, with a reason", made.State)
			}
			if kept := snapshotIn(t, client, test.region, made); kept.State != types.SnapshotStateError || kept.StateMessage == nil {
				t.Errorf("its snapshot is %s, want error, with a reason", kept.State)
			}
		})
	}
}

func TestCopyImage_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	source := capture(t, client, "web-v1")
	disabled := capture(t, client, "disabled")
	if _, err := client.DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: &disabled}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		image, name string
		change      copying
		want        string
	}{
		"region unknown":          {source, "copy", func(in *ec2.CopyImageInput) { in.SourceRegion = aws.String("mars-1") }, "InvalidParameterValue"},
		"image of another region": {source, "copy", func(in *ec2.CopyImageInput) { in.SourceRegion = aws.String("us-west-2") }, "InvalidAMIID.NotFound"},
		"image malformed":         {"web", "copy", func(*ec2.CopyImageInput) {}, "InvalidAMIID.Malformed"},
		"image disabled":          {disabled, "copy", func(*ec2.CopyImageInput) {}, "InvalidAMIID.Unavailable"},
		"name taken":              {source, "web-v1", func(*ec2.CopyImageInput) {}, "InvalidAMIName.Duplicate"},
		"name malformed":          {source, "a:b", func(*ec2.CopyImageInput) {}, "InvalidAMIName.Malformed"},
		"tags for a volume": {source, "copy", func(in *ec2.CopyImageInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{{Key: aws.String("k")}}}}
		}, "InvalidParameterValue"},
		"to an outpost": {source, "copy", func(in *ec2.CopyImageInput) { in.DestinationOutpostArn = aws.String("arn") }, "UnknownParameter"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.CopyImage(t.Context(), copyInput(test.image, test.name, test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

// TestCopyImage_takesTheDiskAlong: an instance of the copy runs on the same layers.
func TestCopyImage_takesTheDiskAlong(t *testing.T) {
	bubble(t, aBuilder(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		builder := *launch(t, client, 1, withUserData("bake", "stop"))[0].InstanceId
		<-time.After(2 * time.Minute)
		made, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &builder, Name: aws.String("web-v1")})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		describe(t, client)
		copied, err := client.CopyImage(t.Context(), copyInput(*made.ImageId, "web-v1"), in("eu-west-1"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := client.RunInstances(t.Context(), launchInput(*copied.ImageId, 1, withUserData("prove", "stop")), in("eu-west-1"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		console, err := client.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{
			InstanceId: out.Instances[0].InstanceId, Latest: aws.Bool(true),
		}, in("eu-west-1"))
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, console.Output); got != "prove on 1 layers\n" {
			t.Errorf("the console says %q", got)
		}
	})
}
