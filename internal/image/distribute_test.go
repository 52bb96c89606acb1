package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// handedOut is a spec that is copied and shared.
func handedOut(change func(*Spec)) Spec {
	return specOf(func(s *Spec) {
		s.Distribute = Distribute{
			Regions:     map[string]string{"eu-central-1": "", "eu-west-1": ""},
			Permissions: cloud.Permissions{AccountIDs: []string{"111122223333"}},
		}
		if change != nil {
			change(s)
		}
	})
}

// permissions are those of the current version's image in a region.
func (b *bakery) permissions(line Line, region string) cloud.Permissions {
	b.t.Helper()
	current := line.Current()
	id := current.ImageID
	if region != b.Region.Name() {
		id = current.Copies[region].ID
	}
	found, err := b.In(region).ImagePermissions(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func TestDistribute_copiesAndShares(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		line := b.apply(handedOut(nil)).Line
		ids := line.Current().ImageIDs("us-east-1", []string{"eu-central-1", "eu-west-1"})
		if len(ids) != 3 || len(line.Orphans) > 0 {
			t.Fatalf("the version is in %v, orphans %v", ids, line.Orphans)
		}
		for region := range ids {
			if got := b.permissions(line, region); !got.Equal(cloud.Permissions{AccountIDs: []string{"111122223333"}}) {
				t.Errorf("permissions in %s: %+v", region, got)
			}
		}
		copied := line.Current().Copies["eu-west-1"]
		if copied.IMDSSupport != imdsRequired || copied.Name != line.Current().ImageName || copied.Tags[cloud.TagHome] != "us-east-1" {
			t.Errorf("the copy is %+v", copied)
		}
		if again := b.apply(handedOut(nil)); !again.Plan.Empty() {
			t.Errorf("the same again: %s", again.Plan)
		}
		b.only(3)
		b.destroy()
	})
}

// What is taken off is taken away, and what was changed by hand is mended.
func TestDistribute_converges(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		line := b.apply(handedOut(nil)).Line
		byHand := cloud.Permissions{AccountIDs: []string{"999988887777"}}
		if err := b.In("eu-west-1").ChangeImagePermissions(t.Context(), line.Current().Copies["eu-west-1"].ID, byHand, cloud.Permissions{}); err != nil {
			t.Fatal(err)
		}
		want := handedOut(nil).Distribute
		shared, err := ObserveShared(t.Context(), b.Region, b.in, *line.Current(), []string{"eu-central-1", "eu-west-1"}, want)
		if diff := cmp.Diff([]string{"111122223333", "999988887777"}, shared.Permissions.AccountIDs); err != nil || diff != "" {
			t.Errorf("drift that is seen (-want +got):\n%s%v", diff, err)
		}
		if _, err := b.In("eu-central-1").RemoveImage(t.Context(), line.Current().Copies["eu-central-1"].ID); err != nil {
			t.Fatal(err)
		}
		line = b.apply(handedOut(nil)).Line
		for _, region := range []string{"us-east-1", "eu-central-1", "eu-west-1"} {
			if got := b.permissions(line, region); !got.Equal(want.Permissions) {
				t.Errorf("permissions in %s: %+v", region, got)
			}
		}
		result := b.apply(handedOut(func(s *Spec) {
			s.Distribute.Permissions.AccountIDs = nil
			delete(s.Distribute.Regions, "eu-west-1")
		}))
		if got := b.permissions(result.Line, "eu-central-1"); !got.Empty() || len(result.Line.Current().Copies) != 1 {
			t.Errorf("after taking off: %+v, %v", got, result.Line.Current().Copies)
		}
		if regions := result.Line.Current().Regions(); !cmp.Equal(regions, []string{"eu-central-1"}) {
			t.Errorf("the version still tells of %v", regions)
		}
		b.only(2)
		b.destroy()
	})
}

// An account that is taken off loses the older versions too; a version that goes takes
// its copies along.
func TestDistribute_olderVersions(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(handedOut(nil))
		line := b.apply(handedOut(func(s *Spec) { s.Bake.Steps = nil })).Line
		b.only(6)
		private := handedOut(func(s *Spec) { s.Bake.Steps, s.Distribute.Permissions = nil, cloud.Permissions{} })
		if result := b.apply(private); !cmp.Equal(result.Plan.Share, []int{2, 1}) {
			t.Errorf("the plan was %s", result.Plan)
		}
		older := line.Versions[1]
		for _, at := range older.places("us-east-1") {
			if got, err := b.In(at.region).ImagePermissions(t.Context(), at.image.ID); err != nil || !got.Empty() {
				t.Errorf("permissions of %s: %+v, %v", at, got, err)
			}
		}
		private.Capture.RetainVersions = 1
		if result := b.apply(private); !cmp.Equal(result.Plan.Retire, []string{older.ImageID}) || len(result.Warnings) > 0 {
			t.Errorf("the plan was %s, warnings %v", result.Plan, result.Warnings)
		}
		b.only(3)
		b.destroy()
	})
}

// A copy that somebody uses is kept, in whatever region, and named.
func TestDistribute_keepsACopyInUse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		line := b.apply(handedOut(nil)).Line
		users, err := b.In("eu-west-1").RunInstances(t.Context(), cloud.Launch{
			ImageID: line.Current().Copies["eu-west-1"].ID, InstanceType: "t3.small", MinCount: 1, MaxCount: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		result := b.apply(handedOut(func(s *Spec) { s.Distribute.Regions = nil }))
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Detail, users[0].ID) || len(result.Line.Current().Copies) != 1 {
			t.Fatalf("want the copy kept with a warning that names %s, have %v and %v", users[0].ID, result.Warnings, result.Line.Current().Copies)
		}
		if err := b.In("eu-west-1").TerminateInstances(t.Context(), []string{users[0].ID}); err != nil {
			t.Fatal(err)
		}
		b.destroy()
	})
}

// A key that is no key of its region lets that copy fail; the others stay, and the
// next apply does only what is missing.
func TestDistribute_oneRegionFails(t *testing.T) {
	broken := func(s *Spec) {
		s.Distribute.Regions["eu-west-3"] = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	}
	for name, before := range map[string]bool{"first version": false, "further version": true} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				number := 1
				if before {
					b.apply(specOf(func(s *Spec) { s.Bake.Steps = nil }))
					number = 2
				}
				result, err := b.try(handedOut(broken))
				if err == nil || !strings.Contains(err.Error(), "no copy in eu-west-3") {
					t.Fatalf("got %v", err)
				}
				// A first version is handed out where it can be; a further one waits.
				if got := result.Line.Current(); got.Number != 1 || !before && len(got.Copies) != 2 || before && len(result.Line.Candidates[0].Copies) != 2 {
					t.Errorf("version %d is current with %v, candidates %v", got.Number, got.Copies, result.Line.Candidates)
				}
				b.Lab.ResetBooks()
				mended := b.apply(handedOut(func(s *Spec) { s.Distribute.Regions["eu-west-3"] = "" }))
				if made := b.Lab.Books().Requests; made["CopyImage"] != 1 || made["RunInstances"]+made["CreateImage"] > 0 {
					t.Errorf("the next apply made %v", made)
				}
				if got := mended.Line.Current(); got.Number != number || len(got.Copies) != 3 {
					t.Errorf("version %d is current with %v", got.Number, got.Copies)
				}
				b.destroy()
			})
		})
	}
}

// Another key makes the copy anew.
func TestDistribute_keyChanges(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(handedOut(nil)).Line.Current().Copies["eu-west-1"].ID
		line := b.apply(handedOut(func(s *Spec) {
			s.Distribute.Regions["eu-west-1"], s.Distribute.Permissions = "alias/aws/ebs", cloud.Permissions{}
		})).Line
		if copied := line.Current().Copies["eu-west-1"]; copied.ID == first || !copied.Volumes[0].Encrypted {
			t.Errorf("the copy was %s and is %+v", first, copied)
		}
		b.only(3)
		b.destroy()
	})
}

// Two lines of one name in two regions, each copied to the other's, do not mix.
func TestDistribute_linesOfOneName(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(handedOut(nil))
		there := b.In("eu-west-1")
		source, err := there.Parameter(t.Context(), rehearsal.BaseImage)
		if err != nil {
			t.Fatal(err)
		}
		spec := handedOut(func(s *Spec) { s.Distribute.Regions = map[string]string{"us-east-1": ""} })
		abroad := nobody
		abroad.Region = "eu-west-1"
		result, err := Apply(t.Context(), there, spec, Options{Owner: abroad, SourceImageID: source, In: b.in})
		if err != nil || result.Line.Current().Number != 1 {
			t.Fatalf("the second line: %v, %+v", err, result.Line.Current())
		}
		if _, err := Destroy(t.Context(), there, result.Owner, Removal{In: b.in}); err != nil {
			t.Fatal(err)
		}
		b.only(3)
		b.destroy()
	})
}

// Stopped at any request on the way to a version that is copied and shared.
func TestDistribute_cutAnywhere(t *testing.T) {
	to := script("b")
	to.Distribute = handedOut(func(s *Spec) { delete(s.Distribute.Regions, "eu-west-1") }).Distribute
	cutEverywhere(t, rehearsal.Cut{After: true}, script("a"), to, 3)
}

// Snapshots go to the same accounts, and are taken back with them.
func TestDistribute_snapshots(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := handedOut(func(s *Spec) { s.Distribute.Snapshots = true })
		snapshots := func(line Line) (all []cloud.Permissions) {
			for _, at := range line.Current().places("us-east-1") {
				found, err := b.In(at.region).SnapshotPermissions(t.Context(), at.image.SnapshotIDs()[0])
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, found)
			}
			return all
		}
		line := b.apply(spec).Line
		for _, found := range snapshots(line) {
			if !found.Equal(cloud.Permissions{AccountIDs: []string{"111122223333"}}) {
				t.Errorf("permissions of a snapshot: %+v", found)
			}
		}
		shared, err := ObserveShared(t.Context(), b.Region, b.in, *line.Current(), []string{"eu-west-1"}, spec.Distribute)
		if err != nil || !shared.Snapshots {
			t.Errorf("seen: %+v, %v", shared, err)
		}
		spec.Distribute.Snapshots = false
		for _, found := range snapshots(b.apply(spec).Line) {
			if !found.Empty() {
				t.Errorf("taken back, but: %+v", found)
			}
		}
		b.destroy()
	})
}

func TestDistribute_public(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := handedOut(func(s *Spec) { s.Distribute.Permissions = cloud.Permissions{Public: true} })
		if _, err := b.try(spec); err == nil || !strings.Contains(err.Error(), "block public access") {
			t.Errorf("an account that blocks public images: %v", err)
		}
		b.AllowPublicImages("us-east-1", "eu-central-1", "eu-west-1")
		line := b.apply(spec).Line
		if !line.Current().Public || !line.Current().Copies["eu-west-1"].Public {
			t.Errorf("not public: %+v", line.Current())
		}
		spec.Distribute.Permissions = cloud.Permissions{}
		if line = b.apply(spec).Line; line.Current().Public || line.Current().Copies["eu-west-1"].Public {
			t.Errorf("still public: %+v", line.Current())
		}
		b.destroy()
	})
}
