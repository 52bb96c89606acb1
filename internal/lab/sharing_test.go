package lab_test

import (
	"net/http"
	"slices"
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

var foreigner = types.LaunchPermission{UserId: aws.String(foreign)}

// sees lists the ids of the images that are not Amazon's or Debian's.
func sees(t *testing.T, client *ec2.Client, change func(*ec2.DescribeImagesInput)) []string {
	t.Helper()
	in := &ec2.DescribeImagesInput{Filters: []types.Filter{filter("name", "web-*")}}
	change(in)
	out, err := client.DescribeImages(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, image := range out.Images {
		ids = append(ids, *image.ImageId)
	}
	return ids
}

func TestSharing_whoSeesAnImage(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	private, shared := capture(t, here, "web-v1"), capture(t, here, "web-v2")
	own := capture(t, there, "web-v9")
	if got := share(t, here, shared, foreigner); got != "" {
		t.Fatal(got)
	}
	for name, test := range map[string]struct {
		ask  func(*ec2.DescribeImagesInput)
		want []string
	}{
		"all":             {func(*ec2.DescribeImagesInput) {}, []string{shared, own}},
		"by id":           {func(in *ec2.DescribeImagesInput) { in.ImageIds = []string{private, shared} }, []string{shared}},
		"own":             {func(in *ec2.DescribeImagesInput) { in.Owners = []string{"self"} }, []string{own}},
		"the owner's":     {func(in *ec2.DescribeImagesInput) { in.Owners = []string{home} }, []string{shared}},
		"Amazon's":        {func(in *ec2.DescribeImagesInput) { in.Owners = []string{"amazon"} }, []string{}},
		"shared with me":  {func(in *ec2.DescribeImagesInput) { in.ExecutableUsers = []string{"self"} }, []string{shared}},
		"shared by id":    {func(in *ec2.DescribeImagesInput) { in.ExecutableUsers = []string{foreign} }, []string{shared}},
		"shared by me":    {func(in *ec2.DescribeImagesInput) { in.ExecutableUsers = []string{home} }, []string{}},
		"by the source's": {func(in *ec2.DescribeImagesInput) { in.Filters = append(in.Filters, filter("tag:Line", "web-v2")) }, []string{}},
	} {
		if diff := cmp.Diff(test.want, sees(t, there, test.ask)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	image := imageIn(t, there, "us-east-1", shared)
	if len(image.Tags) != 0 || *image.OwnerId != home || image.State != types.ImageStateAvailable {
		t.Errorf("the shared image is %+v", image)
	}
}

// What is the owner's alone is refused, and what is not shared cannot be used.
func TestSharing_refusals(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	private, shared := capture(t, here, "web-v1"), capture(t, here, "web-v2")
	if got := share(t, here, shared, foreigner); got != "" {
		t.Fatal(got)
	}
	for _, image := range []string{private, shared} {
		_, err := there.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{
			ImageId: &image, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		if got := code(t, err); got != "AuthFailure" {
			t.Errorf("reading the permissions of %s: %q", image, got)
		}
		if got := share(t, there, image, types.LaunchPermission{UserId: aws.String("333344445555")}); got != "AuthFailure" {
			t.Errorf("sharing %s on: %q", image, got)
		}
		if _, err := there.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &image}); code(t, err) != "AuthFailure" {
			t.Errorf("deregistering %s: %v", image, err)
		}
		_, err = there.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{image}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
		if got := code(t, err); got != "InvalidAMIID.NotFound" {
			t.Errorf("tagging %s: %q", image, got)
		}
	}
	for image, want := range map[string]string{private: "AuthFailure", shared: "", "ami-00000000000000000": "InvalidAMIID.NotFound"} {
		if _, err := there.RunInstances(t.Context(), launchInput(image, 1)); code(t, err) != want {
			t.Errorf("launching %s: %v, want %q", image, err, want)
		}
	}
	references, err := here.DescribeImageReferences(t.Context(), &ec2.DescribeImageReferencesInput{
		ImageIds: []string{shared}, IncludeAllResourceTypes: aws.Bool(true),
	})
	if err != nil || len(references.ImageReferences) != 0 {
		t.Errorf("the owner sees who uses the image: %+v, %v", references, err)
	}
}

// An image is shared with all accounts of an organization, or below a unit of it.
func TestSharing_organizations(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	byOrganization, byUnit := capture(t, here, "web-v1"), capture(t, here, "web-v2")
	if got := share(t, here, byOrganization, types.LaunchPermission{OrganizationArn: aws.String(organization)}); got != "" {
		t.Fatal(got)
	}
	if got := share(t, here, byUnit, types.LaunchPermission{OrganizationalUnitArn: aws.String(unit)}); got != "" {
		t.Fatal(got)
	}
	all, mine := func(*ec2.DescribeImagesInput) {}, func(in *ec2.DescribeImagesInput) { in.ExecutableUsers = []string{"self"} }
	see := func(want ...string) {
		t.Helper()
		if got := sees(t, there, all); !slices.Equal(got, want) {
			t.Errorf("it sees %v, want %v", got, want)
		}
		if got := sees(t, there, mine); !slices.Equal(got, want) {
			t.Errorf("shared with it are %v, want %v", got, want)
		}
	}
	join := func(body string, want int) {
		t.Helper()
		if status, answer := knock(t, server, http.MethodPut, "/_lab/accounts/"+foreign+"/organization", body); status != want {
			t.Errorf("joining by %s: %d %s", body, status, answer)
		}
	}
	see()
	join(`{"organization_arn": "`+organization+`"}`, http.StatusNoContent)
	see(byOrganization)
	join(`{"organization_arn": "`+organization+`", "organizational_unit_arns": ["`+unit+`"]}`, http.StatusNoContent)
	see(byOrganization, byUnit)
	join(`{"organization_arn": "o-exampleorg1"}`, http.StatusBadRequest)
	join(`{"organizational_unit_arns": ["`+unit+`"]}`, http.StatusBadRequest)
	see(byOrganization, byUnit)
	join(`{}`, http.StatusNoContent)
	see()
}

// However an image goes, the foreigner's instances stay.
func TestSharing_ends(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, owner *ec2.Client, id string){
		"unshared": func(t *testing.T, owner *ec2.Client, id string) {
			_, err := owner.ModifyImageAttribute(t.Context(), &ec2.ModifyImageAttributeInput{
				ImageId: &id, LaunchPermission: &types.LaunchPermissionModifications{Remove: []types.LaunchPermission{foreigner}},
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		"disabled": func(t *testing.T, owner *ec2.Client, id string) {
			if _, err := owner.DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: &id}); err != nil {
				t.Fatal(err)
			}
		},
		"deregistered": func(t *testing.T, owner *ec2.Client, id string) {
			if _, err := owner.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, here := start(t, lab.Options{})
			there := abroad(server)
			id := capture(t, here, "web-v1")
			if got := share(t, here, id, foreigner); got != "" {
				t.Fatal(got)
			}
			if _, err := there.RunInstances(t.Context(), launchInput(id, 2)); err != nil {
				t.Fatal(err)
			}
			end(t, here, id)
			if got := sees(t, there, func(in *ec2.DescribeImagesInput) { in.IncludeDisabled = aws.Bool(true) }); len(got) != 0 {
				t.Errorf("it still sees %v", got)
			}
			if _, err := there.RunInstances(t.Context(), launchInput(id, 1)); err == nil {
				t.Error("it still launches")
			}
			checkStays(t, there, id)
		})
	}
}

// checkStays looks at what an account has left of an image that it can no longer see.
func checkStays(t *testing.T, client *ec2.Client, id string) {
	t.Helper()
	for _, i := range describe(t, client) {
		if i.State.Name != types.InstanceStateNameRunning || *i.ImageId != id {
			t.Errorf("instance %s of %s is %s", *i.InstanceId, *i.ImageId, i.State.Name)
		}
	}
	named, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil || len(named.Images) != 0 {
		t.Errorf("asked for by its id: %+v, %v", named, err)
	}
	known, err := client.DescribeInstanceImageMetadata(t.Context(), &ec2.DescribeInstanceImageMetadataInput{})
	if err != nil || len(known.InstanceImageMetadata) != 2 {
		t.Errorf("the images of its instances: %+v, %v", known, err)
	}
}

// Deprecated images are for those who ask for them, but for their owner.
func TestSharing_deprecated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		shared := config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside))
		here, there := ec2.NewFromConfig(shared), ec2.NewFromConfig(inAccount(shared, foreign))
		id := capture(t, here, "web-v1")
		if got := share(t, here, id, foreigner); got != "" {
			t.Fatal(got)
		}
		at := time.Now().Add(time.Hour)
		if _, err := here.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: &id, DeprecateAt: &at}); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		plain := func(*ec2.DescribeImagesInput) {}
		included := func(in *ec2.DescribeImagesInput) { in.IncludeDeprecated = aws.Bool(true) }
		if owner, other, asked := sees(t, here, plain), sees(t, there, plain), sees(t, there, included); len(owner) != 1 || len(other) != 0 || len(asked) != 1 {
			t.Errorf("the owner sees %v, the other account %v, and %v when it asks", owner, other, asked)
		}
		if _, err := there.RunInstances(t.Context(), launchInput(id, 1)); err != nil {
			t.Errorf("launching a deprecated image: %v", err)
		}
	})
}

// countSnapshots counts those that are described when one is asked for by its id.
func countSnapshots(t *testing.T, client *ec2.Client, id string) int {
	t.Helper()
	out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Snapshots)
}

// shareSnapshot lets the foreign account make volumes of a snapshot.
func shareSnapshot(t *testing.T, client *ec2.Client, id string) {
	t.Helper()
	_, err := client.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: []string{foreign},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A copy needs what is behind the image as well. It is the copier's own.
func TestSharing_copies(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	id := capture(t, here, "web-v1")
	if got := share(t, here, id, foreigner); got != "" {
		t.Fatal(got)
	}
	snapshot := snapshotIn(t, here, "us-east-1", imageIn(t, here, "us-east-1", id))
	seen := func() int { return countSnapshots(t, there, *snapshot.SnapshotId) }
	volume := &ec2.CreateVolumeInput{SnapshotId: snapshot.SnapshotId, AvailabilityZone: aws.String("us-east-1a")}
	if _, err := there.CreateVolume(t.Context(), volume); code(t, err) != "InvalidSnapshot.NotFound" || seen() != 0 {
		t.Errorf("a snapshot that is not shared: %v, %d are seen", err, seen())
	}
	if _, err := there.CopyImage(t.Context(), copyInput(id, "mine")); code(t, err) != "InvalidRequest" {
		t.Errorf("copying without the snapshot: %v", err)
	}
	shareSnapshot(t, here, *snapshot.SnapshotId)
	if _, err := there.CreateVolume(t.Context(), volume); err != nil || seen() != 1 {
		t.Errorf("a snapshot that is shared: %v, %d are seen", err, seen())
	}
	if _, err := there.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: snapshot.SnapshotId}); code(t, err) != "AuthFailure" {
		t.Errorf("deleting another's snapshot: %v", err)
	}
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		copied, err := there.CopyImage(t.Context(), copyInput(id, "mine", func(in *ec2.CopyImageInput) { in.CopyImageTags = aws.Bool(true) }), in(region))
		if err != nil {
			t.Fatal(err)
		}
		image := imageIn(t, there, region, *copied.ImageId)
		if *image.OwnerId != foreign || image.State != types.ImageStateAvailable || len(image.Tags) != 0 || *image.SourceImageId != id {
			t.Errorf("the copy is %+v", image)
		}
	}
}

// A deregistered image is known as long as somebody's instances of it live.
func TestImages_lingerWithTheirInstances(t *testing.T) {
	server, here := start(t, lab.Options{})
	there := abroad(server)
	id := capture(t, here, "web-v1")
	if got := share(t, here, id, foreigner); got != "" {
		t.Fatal(got)
	}
	out, err := there.RunInstances(t.Context(), launchInput(id, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &id}); err != nil {
		t.Fatal(err)
	}
	named := &ec2.DescribeImagesInput{ImageIds: []string{id}}
	if found, err := here.DescribeImages(t.Context(), named); err != nil || len(found.Images) != 0 {
		t.Errorf("while an instance lives: %+v, %v", found, err)
	}
	_, err = there.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*out.Instances[0].InstanceId}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.DescribeImages(t.Context(), named); code(t, err) != "InvalidAMIID.NotFound" {
		t.Errorf("after it has ended: %v", err)
	}
}
