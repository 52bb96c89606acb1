package ownership_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

func owned() ownership.Owner { return fleet.As("o-0123456789abcdef0123") }

func launch() cloud.Launch {
	return cloud.Launch{ImageID: "ami-1", SubnetID: "subnet-1", InstanceType: "t3.micro", Tags: owned().Tags()}
}

func instanceOf(launch cloud.Launch, token string) cloud.Instance {
	return cloud.Instance{ID: "i-1", ImageID: launch.ImageID, SubnetID: launch.SubnetID, State: cloud.InstanceRunning, ClientToken: token, Tags: launch.Tags}
}

// TestLaunchToken_staysTheSame: an apply may be begun with one release and ended with the
// next.
func TestLaunchToken_staysTheSame(t *testing.T) {
	const want = "stamp-65675f48b60ac54c466081a0cae2aa25f8cc3c0436c92ec84564d8bd"
	if got := owned().LaunchToken(launch(), 1); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLaunched(t *testing.T) {
	token := owned().LaunchToken(launch(), 0)
	mine := instanceOf(launch(), token)
	if !owned().Launched(mine) {
		t.Fatal("its own instance is not believed")
	}
	mine.State, mine.SubnetID = cloud.InstanceTerminated, ""
	if !owned().Launched(mine) {
		t.Error("its own instance is not believed once it has ended, when EC2 tells its subnet no more")
	}
	others := map[string]func(*cloud.Instance){
		"another image":   func(i *cloud.Instance) { i.ImageID = "ami-2" },
		"another subnet":  func(i *cloud.Instance) { i.SubnetID = "subnet-2" },
		"no token":        func(i *cloud.Instance) { i.ClientToken = "" },
		"another token":   func(i *cloud.Instance) { i.ClientToken = "terraform-20261130" },
		"a derived token": func(i *cloud.Instance) { i.ClientToken = cloud.Token("fleet", "web", "1") },
		"a longer token":  func(i *cloud.Instance) { i.ClientToken += "0" },
	}
	for name, spoil := range others {
		instance := instanceOf(launch(), token)
		if spoil(&instance); owned().Launched(instance) {
			t.Errorf("an instance with %s is believed", name)
		}
	}
	for name, other := range map[string]ownership.Owner{
		"another id":      fleet.As("o-ffffffffffffffffffff"),
		"another kind":    {ID: owned().ID, Kind: ownership.Image, Name: fleet.Name, Account: fleet.Account, Region: fleet.Region},
		"another name":    {ID: owned().ID, Kind: ownership.Fleet, Name: "other", Account: fleet.Account, Region: fleet.Region},
		"another account": {ID: owned().ID, Kind: ownership.Fleet, Name: fleet.Name, Account: "210987654321", Region: fleet.Region},
		"another region":  {ID: owned().ID, Kind: ownership.Fleet, Name: fleet.Name, Account: fleet.Account, Region: "eu-west-1"},
		"no id":           fleet,
	} {
		if other.Launched(instanceOf(launch(), token)) {
			t.Errorf("an owner with %s believes it", name)
		}
	}
}

func TestLaunchToken_fitsAndTellsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := launch(), launch()
		one.UserData, other.UserData = rapid.SliceOf(rapid.Byte()).Draw(t, "one"), rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		a, b := owned().LaunchToken(one, 0), owned().LaunchToken(other, 0)
		if same := string(one.UserData) == string(other.UserData); same != (a == b) || len(a) > 64 {
			t.Fatalf("%q and %q", a, b)
		}
		if a == owned().LaunchToken(one, 1) || a == fleet.As("o-ffffffffffffffffffff").LaunchToken(one, 0) {
			t.Fatal("another attempt, or another owner, has the same token")
		}
	})
}

func TestCaptured(t *testing.T) {
	good := cloud.Image{
		ID: "ami-2", Name: "web-v1-01234567", OwnerID: fleet.Account, SourceInstanceID: "i-1", SourceImageID: "ami-1",
		Tags: owned().Tags().With(cloud.Tags{cloud.TagBuilder: "i-1"}),
	}
	if why := owned().Captured(good, good.Name); why != "" {
		t.Fatalf("its own image %s", why)
	}
	for name, spoil := range map[string]func(*cloud.Image){
		"another name":         func(i *cloud.Image) { i.Name = "payroll" },
		"another builder":      func(i *cloud.Image) { i.SourceInstanceID = "i-2" },
		"no builder (a copy)":  func(i *cloud.Image) { i.SourceInstanceID = "" },
		"a builder in no tag":  func(i *cloud.Image) { i.Tags = owned().Tags() },
		"of another account":   func(i *cloud.Image) { i.OwnerID = "210987654321" },
		"registered by itself": func(i *cloud.Image) { i.SourceInstanceID, i.SourceImageID = "", "" },
	} {
		image := good
		if spoil(&image); owned().Captured(image, good.Name) == "" {
			t.Errorf("an image with %s is believed", name)
		}
	}
}

func TestCopied(t *testing.T) {
	good := cloud.Image{
		ID: "ami-3", Name: "web-v1-01234567", OwnerID: fleet.Account, SourceImageID: "ami-2", SourceImageRegion: fleet.Region,
		Tags: owned().Tags().With(cloud.Tags{cloud.TagCopyOf: "ami-2"}),
	}
	if why := owned().Copied(good, good.Name); why != "" {
		t.Fatalf("its own copy %s", why)
	}
	for name, spoil := range map[string]func(*cloud.Image){
		"another name":           func(i *cloud.Image) { i.Name = "dr-copy" },
		"another source":         func(i *cloud.Image) { i.SourceImageID = "ami-9" },
		"another source region":  func(i *cloud.Image) { i.SourceImageRegion = "eu-west-1" },
		"nothing it was made of": func(i *cloud.Image) { i.SourceImageID = "" },
		"of another account":     func(i *cloud.Image) { i.OwnerID = "210987654321" },
	} {
		image := good
		if spoil(&image); owned().Copied(image, good.Name) == "" {
			t.Errorf("a copy with %s is believed", name)
		}
	}
}

func TestSnapshotOf(t *testing.T) {
	tags := owned().Tags().With(cloud.Tags{cloud.TagBuilder: "i-1", cloud.TagCopyOf: "ami-2"})
	for name, test := range map[string]struct {
		snapshot cloud.Snapshot
		image    string
		ours     bool
	}{
		"captured":           {cloud.Snapshot{Description: "Created by CreateImage(i-1) for ami-2", Tags: tags}, "ami-2", true},
		"captured, long ago": {cloud.Snapshot{Description: "Created by CreateImage(i-1) for ami-2 from vol-1", Tags: tags}, "ami-2", true},
		"another instance's": {cloud.Snapshot{Description: "Created by CreateImage(i-9) for ami-2", Tags: tags}, "ami-2", false},
		"copied": {cloud.Snapshot{
			Description: "Copied for DestinationAmi ami-3 from SourceAmi ami-2 for SourceSnapshot snap-1. Task created on 1.", Tags: tags,
		}, "ami-3", true},
		"another image's copy": {cloud.Snapshot{
			Description: "Copied for DestinationAmi ami-3 from SourceAmi ami-9 for SourceSnapshot snap-1. Task created on 1.", Tags: tags,
		}, "ami-3", false},
		"somebody's own":   {cloud.Snapshot{Description: "payroll nightly", Tags: tags}, "", false},
		"without our tags": {cloud.Snapshot{Description: "Created by CreateImage(i-1) for ami-2"}, "", false},
	} {
		if image, ours := owned().SnapshotOf(test.snapshot); image != test.image || ours != test.ours {
			t.Errorf("%s: %q, %t, want %q, %t", name, image, ours, test.image, test.ours)
		}
	}
}
