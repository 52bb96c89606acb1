package cloud_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// onLab runs the test against a lab in calm weather.
func onLab(t *testing.T, test func(*testing.T, *cloud.Account)) {
	rehearsal.Run(t, lab.Options{Seed: 1}, func(t *testing.T, stage *rehearsal.Stage) { test(t, stage.Account) })
}

// must returns the value, or ends the test.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// fleetOnLab is 1,000 instances of one call.
func fleetOnLab(ctx context.Context, t *testing.T, region *cloud.Region) (launch cloud.Launch, launched []cloud.Instance) {
	t.Helper()
	image := must[string](t)(region.Parameter(ctx, rehearsal.BaseImage))
	subnets := must[[]cloud.Subnet](t)(region.DefaultSubnets(ctx))
	launch = cloud.Launch{
		ClientToken: cloud.Token("fleet", "web"), ImageID: image, InstanceType: "t3.small", SubnetID: subnets[1].ID,
		MinCount: 1, MaxCount: 1000, Metadata: cloud.MetadataOptions{Tokens: "required"}, Tags: cloud.Tags{cloud.TagFleet: "web", "App": "a*b"},
		Volumes: []cloud.Volume{{DeviceName: "/dev/xvda", Size: 20, Type: "gp3"}}, UserData: []byte("#!/bin/sh\n"),
	}
	return launch, must[[]cloud.Instance](t)(region.RunInstances(ctx, launch))
}

func idsOf(instances []cloud.Instance) []string {
	ids := make([]string, 0, len(instances))
	for _, instance := range instances {
		ids = append(ids, instance.ID)
	}
	return ids
}

func TestLab_tokens(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		ctx := t.Context()
		region := must[*cloud.Region](t)(account.Region(""))
		launch, launched := fleetOnLab(ctx, t, region)
		again := must[[]cloud.Instance](t)(region.RunInstances(ctx, launch))
		if len(launched) != 1000 || len(again) != 1000 || launched[0].ID != again[0].ID {
			t.Fatalf("launched %d, then %d: the token must bring back the same 1,000", len(launched), len(again))
		}
		launch.MaxCount = 1
		if _, err := region.RunInstances(ctx, launch); !cloud.HasCode(err, cloud.CodeTokenMismatch) {
			t.Errorf("got %v for the same token with other parameters", err)
		}
	})
}

func TestLab_readsByTagAndID(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		ctx := t.Context()
		region := must[*cloud.Region](t)(account.Region(""))
		launch, _ := fleetOnLab(ctx, t, region)
		byTag := must[[]cloud.Instance](t)(region.Instances(ctx, cloud.InstanceQuery{Tags: launch.Tags}))
		indexes := map[int]bool{}
		for _, instance := range byTag {
			indexes[instance.LaunchIndex] = true
			if instance.SubnetID != launch.SubnetID || instance.ImageID != launch.ImageID || !instance.Live() {
				t.Fatalf("%+v is not what was launched", instance)
			}
		}
		ids := idsOf(byTag)
		if len(ids) != 1000 || len(indexes) != 1000 {
			t.Fatalf("found %d instances with %d launch indexes, want 1,000", len(ids), len(indexes))
		}
		unknown := append([]string{"i-0123456789abcdef0"}, ids...)
		if named := must[[]cloud.Instance](t)(region.Instances(ctx, cloud.InstanceQuery{IDs: unknown})); len(named) != 1000 {
			t.Errorf("found %d by id, want 1,000", len(named))
		}
		for _, some := range [][]string{ids, ids[:100], ids[:1]} {
			for _, status := range must[[]cloud.InstanceStatus](t)(region.Statuses(ctx, cloud.StatusQuery{IDs: some})) {
				if !status.Ready() {
					t.Fatalf("%+v is not ready", status)
				}
			}
		}
		if err := region.TerminateInstances(ctx, unknown); err != nil {
			t.Fatal(err)
		}
		if left := must[[]cloud.Instance](t)(region.Instances(ctx, cloud.InstanceQuery{Tags: launch.Tags})); len(left) != 0 {
			t.Errorf("%d instances are left", len(left))
		}
	})
}

func TestLab_changesInPlace(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		ctx := t.Context()
		region := must[*cloud.Region](t)(account.Region(""))
		_, launched := fleetOnLab(ctx, t, region)
		ids := idsOf(launched)
		if err := region.CreateTags(ctx, ids, cloud.Tags{cloud.TagGeneration: "2"}); err != nil {
			t.Error(err)
		}
		if err := region.DeleteTags(ctx, ids, []string{"App"}); err != nil {
			t.Error(err)
		}
		few := ids[:3]
		for _, profile := range []string{"web", "other", "other", ""} {
			if err := region.SetInstanceProfile(ctx, few, profile); err != nil {
				t.Fatal(err)
			}
			for _, instance := range must[[]cloud.Instance](t)(region.Instances(ctx, cloud.InstanceQuery{IDs: few})) {
				if !strings.HasSuffix(instance.InstanceProfileARN, profile) || (profile == "") != (instance.InstanceProfileARN == "") {
					t.Errorf("the profile is %q, want %q", instance.InstanceProfileARN, profile)
				}
				want := cloud.Tags{cloud.TagFleet: "web", cloud.TagGeneration: "2"}
				if diff := cmp.Diff(want, instance.Tags); diff != "" {
					t.Errorf("tags (-want +got):\n%s", diff)
				}
			}
		}
		if err := region.SetSecurityGroups(ctx, ids[0], launched[0].SecurityGroupIDs); err != nil {
			t.Error(err)
		}
	})
}

// captureOnLab makes an image of a fresh instance.
func captureOnLab(ctx context.Context, t *testing.T, region *cloud.Region) (capture cloud.Capture, imageID string) {
	t.Helper()
	builders := must[[]cloud.Instance](t)(region.RunInstances(ctx, cloud.Launch{
		ImageID: must[string](t)(region.Parameter(ctx, rehearsal.BaseImage)), InstanceType: "t3.small", MinCount: 1, MaxCount: 1, AssociatePublicIP: new(bool),
	}))
	if _, err := region.ConsoleOutput(ctx, builders[0].ID); err != nil {
		t.Error(err)
	}
	capture = cloud.Capture{InstanceID: builders[0].ID, Name: "web-v1-01234567", Tags: cloud.Tags{cloud.TagImage: "web"}}
	return capture, must[string](t)(region.CreateImage(ctx, capture))
}

func TestLab_capture(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		ctx := t.Context()
		region := must[*cloud.Region](t)(account.Region("us-east-1"))
		capture, id := captureOnLab(ctx, t, region)
		if _, err := region.CreateImage(ctx, capture); !cloud.HasCode(err, cloud.CodeImageNameTaken) {
			t.Errorf("got %v for a name that is taken", err)
		}
		if err := region.RequireIMDSv2(ctx, id); err != nil {
			t.Error(err)
		}
		if err := region.SetImageDescription(ctx, id, "of the web"); err != nil {
			t.Error(err)
		}
		images := must[[]cloud.Image](t)(region.Images(ctx, cloud.ImageQuery{Owners: []string{"self"}, Tags: capture.Tags}))
		if len(images) != 1 || images[0].ID != id || images[0].IMDSSupport != "v2.0" || images[0].Description != "of the web" ||
			images[0].State != cloud.ImageAvailable || images[0].CreatedAt.IsZero() || len(images[0].SnapshotIDs()) != 1 {
			t.Fatalf("got %+v", images)
		}
		source := must[string](t)(region.Parameter(ctx, rehearsal.BaseImage))
		if named := must[[]cloud.Image](t)(region.Images(ctx, cloud.ImageQuery{IDs: []string{id, source}})); len(named) != 2 {
			t.Errorf("found %d by id, want 2", len(named))
		}
	})
}

func TestLab_removal(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		ctx := t.Context()
		region := must[*cloud.Region](t)(account.Region("us-east-1"))
		capture, id := captureOnLab(ctx, t, region)
		images := must[[]cloud.Image](t)(region.Images(ctx, cloud.ImageQuery{IDs: []string{id}}))
		snapshot := images[0].SnapshotIDs()[0]
		if err := region.DeleteSnapshot(ctx, snapshot); cloud.ClassOf(err) != cloud.InUse {
			t.Errorf("got %v for a snapshot that an image refers to", err)
		}
		for range 2 { // the second time it is gone already
			if err := region.DeregisterImage(ctx, id); err != nil {
				t.Error(err)
			}
			if err := region.DeleteSnapshot(ctx, snapshot); err != nil {
				t.Error(err)
			}
		}
		if left := must[[]cloud.Snapshot](t)(region.Snapshots(ctx, capture.Tags)); len(left) != 0 {
			t.Errorf("snapshots are left: %v", left)
		}
		if _, err := region.Images(ctx, cloud.ImageQuery{IDs: []string{id}}); cloud.ClassOf(err) != cloud.NotFound {
			t.Errorf("got %v for an image that is gone", err)
		}
		if _, err := region.Subnets(ctx, []string{"subnet-0123456789abcdef0"}); cloud.ClassOf(err) != cloud.NotFound {
			t.Errorf("got %v for a subnet that is none", err)
		}
	})
}

func TestLab_account(t *testing.T) {
	onLab(t, func(t *testing.T, account *cloud.Account) {
		if id := must[string](t)(account.ID(t.Context())); len(id) != 12 {
			t.Errorf("the account's id is %q", id)
		}
	})
}
