package lab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func deregister(t *testing.T, client *ec2.Client, image string) string {
	t.Helper()
	_, err := client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &image})
	return code(t, err)
}

func protect(t *testing.T, client *ec2.Client, image string, cooldown bool) {
	t.Helper()
	_, err := client.EnableImageDeregistrationProtection(t.Context(), &ec2.EnableImageDeregistrationProtectionInput{
		ImageId: &image, WithCooldown: &cooldown,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func unprotect(t *testing.T, client *ec2.Client, image string) {
	t.Helper()
	_, err := client.DisableImageDeregistrationProtection(t.Context(), &ec2.DisableImageDeregistrationProtectionInput{ImageId: &image})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeregistrationProtection(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	state := func() string { return aws.ToString(ownImages(t, client)[0].DeregistrationProtection) }

	if got := state(); got != "disabled" {
		t.Errorf("a new image's protection is %q", got)
	}
	protect(t, client, id, false)
	if got := state(); got != "enabled-without-cooldown" {
		t.Errorf("the protection is %q", got)
	}
	if got := deregister(t, client, id); got != "OperationNotPermitted" {
		t.Errorf("deregistering a protected image: %q", got)
	}
	unprotect(t, client, id)
	if got := deregister(t, client, id); got != "" {
		t.Errorf("deregistering an image without protection: %q", got)
	}
}

func TestDeregistrationProtection_coolsDown(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := capture(t, client, "web-v1")
		protect(t, client, id, true)
		if got := *ownImages(t, client)[0].DeregistrationProtection; got != "enabled-with-cooldown" {
			t.Errorf("the protection is %q", got)
		}
		unprotect(t, client, id)
		if got := *ownImages(t, client)[0].DeregistrationProtection; !strings.HasPrefix(got, "disabled after ") {
			t.Errorf("the protection is %q, want a date", got)
		}
		<-time.After(12 * time.Hour)
		unprotect(t, client, id) // does not begin anew
		<-time.After(12*time.Hour - time.Minute)
		if got := deregister(t, client, id); got != "OperationNotPermitted" {
			t.Errorf("a minute before the end: %q", got)
		}
		<-time.After(2 * time.Minute)
		if got := deregister(t, client, id); got != "" {
			t.Errorf("a minute after the end: %q", got)
		}
	})
}

func TestDisableImage(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := capture(t, client, "web-v1")
	if got := share(t, client, id, types.LaunchPermission{UserId: aws.String("111122223333")}); got != "" {
		t.Fatalf("sharing: %q", got)
	}

	if _, err := client.DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: &id}); err != nil {
		t.Fatal(err)
	}

	if got := imageIn(t, client, "us-east-1", id).State; got != types.ImageStateDisabled {
		t.Errorf("it is %s", got)
	}
	if listed := ownImages(t, client); len(listed) != 0 {
		t.Errorf("%d images are listed without IncludeDisabled", len(listed))
	}
	_, err := client.RunInstances(t.Context(), launchInput(id, 1))
	if got := code(t, err); got != "InvalidAMIID.Unavailable" {
		t.Errorf("a launch: %q", got)
	}
	if got := share(t, client, id, types.LaunchPermission{UserId: aws.String("111122223333")}); got != "InvalidAMIID.Unavailable" {
		t.Errorf("sharing a disabled image: %q", got)
	}
	_, err = client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: ownSnapshots(t, client)[0].SnapshotId})
	if got := code(t, err); got != "InvalidSnapshot.InUse" {
		t.Errorf("deleting its snapshot: %q", got)
	}
	if _, err := client.EnableImage(t.Context(), &ec2.EnableImageInput{ImageId: &id}); err != nil {
		t.Fatal(err)
	}
	if left := permissions(t, client, id); len(left) != 0 {
		t.Errorf("enabled again, it is shared with %v", left)
	}
	if _, err := client.RunInstances(t.Context(), launchInput(id, 1)); err != nil {
		t.Errorf("a launch of the enabled image: %v", err)
	}
}

func TestDeprecation(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := capture(t, client, "web-v1")
		at := time.Now().Add(time.Hour).Truncate(time.Minute).Add(31 * time.Second)
		deprecate := func(at time.Time) string {
			_, err := client.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: &id, DeprecateAt: &at})
			return code(t, err)
		}
		for name, when := range map[string]time.Time{"the past": time.Now().Add(-time.Hour), "11 years": time.Now().AddDate(11, 0, 0)} {
			if got := deprecate(when); got != "InvalidParameterValue" {
				t.Errorf("deprecated at %s: %q", name, got)
			}
		}
		if got := deprecate(at); got != "" {
			t.Fatalf("answer %q", got)
		}
		want := at.Round(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")
		if got := aws.ToString(ownImages(t, client)[0].DeprecationTime); got != want {
			t.Errorf("deprecated at %s, want the minute %s", got, want)
		}
		<-time.After(2 * time.Hour)
		if len(ownImages(t, client)) != 1 {
			t.Error("the owner does not see the deprecated image")
		}
		if _, err := client.RunInstances(t.Context(), launchInput(id, 1)); err != nil {
			t.Errorf("a launch of the deprecated image: %v", err)
		}
		if _, err := client.DisableImageDeprecation(t.Context(), &ec2.DisableImageDeprecationInput{ImageId: &id}); err != nil {
			t.Fatal(err)
		}
		if got := ownImages(t, client)[0].DeprecationTime; got != nil {
			t.Errorf("cancelled, it is deprecated at %s", *got)
		}
	})
}
