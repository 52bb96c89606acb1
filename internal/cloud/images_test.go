package cloud

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRegion_Images_reads(t *testing.T) {
	region, _ := overWire(t, func(request) (int, string) {
		return ok("DescribeImages", `<imagesSet><item><imageId>ami-1</imageId><name>web-v1</name><description>d</description>
			<imageOwnerId>123456789012</imageOwnerId><imageState>failed</imageState><stateReason><message>Client.Why</message></stateReason>
			<architecture>arm64</architecture><rootDeviceName>/dev/xvda</rootDeviceName><creationDate>2026-01-02T03:04:05.000Z</creationDate>
			<imdsSupport>v2.0</imdsSupport><tagSet><item><key>k</key><value>v</value></item></tagSet><blockDeviceMapping>
			<item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize><volumeType>gp3</volumeType>
			<encrypted>true</encrypted></ebs></item><item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item>
			</blockDeviceMapping></item></imagesSet>`)
	})
	got, err := region.Images(t.Context(), ImageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Image{{
		ID: "ami-1", Name: "web-v1", Description: "d", OwnerID: "123456789012", State: ImageFailed, StateReason: "Client.Why",
		Architecture: "arm64", RootDeviceName: "/dev/xvda", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), IMDSSupport: "v2.0",
		Volumes: []ImageVolume{
			{DeviceName: "/dev/xvda", SnapshotID: "snap-1", Size: 8, Type: "gp3", Encrypted: true}, {DeviceName: "/dev/sdb"},
		},
		Tags: Tags{"k": "v"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"snap-1"}, got[0].SnapshotIDs()); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

func TestRegion_Images_asks(t *testing.T) {
	tests := map[string]struct {
		query ImageQuery
		want  map[string]string
	}{
		"by id": {
			ImageQuery{IDs: []string{"ami-1"}}, map[string]string{"ImageId.1": "ami-1", "IncludeDeprecated": "true"},
		},
		"by owner, tags and filters": {
			ImageQuery{Owners: []string{"self"}, Tags: Tags{"t": "1"}, Filters: map[string][]string{"name": {"web-*"}, "architecture": {"arm64"}}},
			map[string]string{
				"Owner.1": "self", "MaxResults": "1000", "Filter.1.Name": "tag:t", "Filter.1.Value.1": "1",
				"Filter.2.Name": "architecture", "Filter.2.Value.1": "arm64", "Filter.3.Name": "name", "Filter.3.Value.1": "web-*",
			},
		},
		"no ids at all": {query: ImageQuery{IDs: []string{}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(request) (int, string) { return ok("DescribeImages", "") })
			if _, err := region.Images(t.Context(), test.query); err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			for _, r := range w.sent("DescribeImages") {
				got = flat(r.form)
				delete(got, "Action")
				delete(got, "Version")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRegion_images_changes holds what is sent, and which errors mean that the work is
// done already.
func TestRegion_images_changes(t *testing.T) {
	ctx := t.Context()
	type want struct {
		parameters map[string]string
		// tolerated are codes that are no error.
		tolerated []string
	}
	tests := map[string]struct {
		do   func(*Region) error
		want want
	}{
		"DeregisterImage": {
			func(r *Region) error { return r.DeregisterImage(ctx, "ami-1") },
			want{map[string]string{"ImageId": "ami-1"}, []string{CodeImageNotFound, CodeImageGone}},
		},
		"DeleteSnapshot": {
			func(r *Region) error { return r.DeleteSnapshot(ctx, "snap-1") },
			want{map[string]string{"SnapshotId": "snap-1"}, []string{CodeSnapshotNotFound}},
		},
		"ModifyImageAttribute": {
			func(r *Region) error { return r.RequireIMDSv2(ctx, "ami-1") },
			want{map[string]string{"ImageId": "ami-1", "ImdsSupport.Value": "v2.0"}, nil},
		},
		"ModifyImageAttribute, description": {
			func(r *Region) error { return r.SetImageDescription(ctx, "ami-1", "") },
			want{map[string]string{"ImageId": "ami-1", "Description.Value": ""}, nil},
		},
		"CreateImage": {
			func(r *Region) error {
				id, err := r.CreateImage(ctx, Capture{InstanceID: "i-1", Name: "web-v1", Description: "d", Tags: Tags{"k": "v"}})
				if err == nil && id != "ami-9" {
					return fmt.Errorf("the new image is %q, want ami-9", id)
				}
				return err
			},
			want{map[string]string{
				"InstanceId": "i-1", "Name": "web-v1", "Description": "d",
				"TagSpecification.1.ResourceType": "image", "TagSpecification.1.Tag.1.Key": "k", "TagSpecification.1.Tag.1.Value": "v",
				"TagSpecification.2.ResourceType": "snapshot", "TagSpecification.2.Tag.1.Key": "k", "TagSpecification.2.Tag.1.Value": "v",
			}, nil},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(r request) (int, string) { return ok(r.action, "<imageId>ami-9</imageId>") })
			if err := test.do(region); err != nil {
				t.Fatal(err)
			}
			got := flat(w.requests[0].form)
			delete(got, "Action")
			delete(got, "Version")
			if diff := cmp.Diff(test.want.parameters, got); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			w.answer = func(request) (int, string) { return refusal(400, "InvalidSnapshot.InUse", "in use by ami-2") }
			if err := test.do(region); ClassOf(err) != InUse {
				t.Errorf("got %v, want that it is in use", err)
			}
			for _, code := range test.want.tolerated {
				w.answer = func(request) (int, string) { return refusal(400, code, "gone") }
				if err := test.do(region); err != nil {
					t.Errorf("got %v, want that %s is as good as done", err, code)
				}
			}
		})
	}
}

// TestCreated waits for what is not visible yet, and no longer than that.
func TestCreated(t *testing.T) {
	missing := &Error{Class: NotFound, Code: CodeImageNotFound}
	tests := map[string]struct {
		err     error
		visible time.Duration
		want    error
		took    time.Duration
	}{
		"there":           {missing, 0, nil, 0},
		"in two seconds":  {missing, 2 * time.Second, nil, 3500 * time.Millisecond},
		"never":           {missing, time.Hour, missing, 55500 * time.Millisecond},
		"another problem": {&Error{Class: Denied}, time.Hour, &Error{Class: Denied}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				err := created(t.Context(), func() error {
					if time.Since(begun) < test.visible {
						return test.err
					}
					return nil
				})
				if got := time.Since(begun); got != test.took || fmt.Sprint(err) != fmt.Sprint(test.want) {
					t.Errorf("got %v after %v, want %v after %v", err, got, test.want, test.took)
				}
			})
		})
	}
}

func TestCreated_cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := created(ctx, func() error { return &Error{Class: NotFound, Code: CodeImageNotFound} })
		if !errors.Is(err, context.DeadlineExceeded) || HasCode(err, CodeImageNotFound) {
			t.Errorf("got %v, want the context's end, which nobody takes for a thing that is gone", err)
		}
	})
}

func TestRegion_Snapshots(t *testing.T) {
	region, w := overWire(t, func(r request) (int, string) {
		if r.form.Get("NextToken") == "" {
			return ok("DescribeSnapshots", `<snapshotSet><item><snapshotId>snap-1</snapshotId><description>d</description>
				<status>completed</status><startTime>2026-01-02T03:04:05.000Z</startTime><tagSet><item><key>k</key><value>v</value></item></tagSet>
				</item></snapshotSet><nextToken>two</nextToken>`)
		}
		return ok("DescribeSnapshots", `<snapshotSet><item><snapshotId>snap-2</snapshotId></item></snapshotSet>`)
	})
	got, err := region.Snapshots(t.Context(), Tags{"k": "v"})
	want := []Snapshot{
		{ID: "snap-1", Description: "d", State: "completed", StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Tags: Tags{"k": "v"}},
		{ID: "snap-2", Tags: Tags{}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, snapshots (-want +got):\n%s", err, diff)
	}
	first := w.requests[0]
	if first.form.Get("Owner.1") != "self" || first.form.Get("MaxResults") != "1000" || first.filters()[0] != "tag:k=v" {
		t.Errorf("asked %v", first.form)
	}
}
