package fleet

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

const otherID = "111122223333"

// sharedImage is an image of the stage's account that another one may launch.
func sharedImage(t *testing.T, stage *terraform) string {
	t.Helper()
	id, err := stage.Region.CopyImage(t.Context(), cloud.ImageCopy{
		SourceRegion: "us-east-1", SourceImageID: stage.BaseImageID(), Name: "web-v1-0123abcd", ClientToken: "copy",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.Region.ChangeImagePermissions(t.Context(), id, cloud.Permissions{AccountIDs: []string{otherID}}, cloud.Permissions{}); err != nil {
		t.Fatal(err)
	}
	return id
}

// adviceOf is what a failure tells people to do.
func adviceOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		t.Fatal("it worked")
	}
	return report.As(err, "").Detail()
}

// A fleet of another account's image lives as long as the image is shared. After that
// it stays as it is, and what cannot be launched says whose move it is.
func TestForeignImage_sharedAndNotAnyMore(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		there := stage.Abroad(otherID, "")
		stage.owner.Account = otherID
		spec.ImageID, spec.Size = sharedImage(t, stage), 2
		apply := func(previous *Spec) (*Observation, error) {
			return stage.apply(t.Context(), there, spec, previous)
		}
		observed, err := apply(nil)
		if err != nil || len(observed.Members) != 2 {
			t.Fatalf("%v, %+v", err, observed)
		}
		former := spec
		gone := cloud.Permissions{AccountIDs: []string{otherID}}
		if err := stage.Region.ChangeImagePermissions(t.Context(), spec.ImageID, cloud.Permissions{}, gone); err != nil {
			t.Fatal(err)
		}
		if observed, err = apply(&former); err != nil || len(observed.Members) != 2 {
			t.Errorf("nothing to do, yet: %v, %+v", err, observed)
		}
		spec.Size = 3
		for size, name := range map[int]string{0: "a launch", 20: "a launch with a root volume of its own"} {
			spec.RootVolume.Size = size
			observed, err = apply(&former)
			if advice := adviceOf(t, err); !strings.Contains(advice, "Next: see that "+spec.ImageID+" is there and shared with this account") {
				t.Errorf("%s:\n%s", name, advice)
			}
			if len(observed.Members) != 2 {
				t.Errorf("%s left %d instances", name, len(observed.Members))
			}
		}
		if _, err := stage.destroy(t.Context(), there, spec); err != nil {
			t.Error(err)
		}
	})
}

// Instances that end at once with this reason mostly lack the key of their image, above
// all where that is another account's.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func TestForeignImage_withoutItsKey(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		stage.Order(lab.FailLaunch{Code: "Client.InternalError", Message: "Client.InternalError: Client error on launch"})
		_, err := stage.apply(t.Context(), stage.Region, spec, nil)
		if advice := adviceOf(t, err); !strings.Contains(advice, "Next: see that this account may use the KMS key") {
			t.Error(advice)
		}
	})
}
