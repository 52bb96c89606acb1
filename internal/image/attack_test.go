package image

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// tag is what anybody may do who has ec2:CreateTags.
func (b *bakery) tag(id string, tags cloud.Tags) {
	b.t.Helper()
	if err := b.Region.CreateTags(b.t.Context(), []string{id}, tags); err != nil {
		b.t.Fatal(err)
	}
}

// stamped are the tags of a thing that are the provider's.
func stamped(tags cloud.Tags) cloud.Tags {
	tags = maps.Clone(tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return !cloud.Owned(key) })
	return tags
}

// strangersInstance is one that somebody has launched for himself.
func (b *bakery) strangersInstance() cloud.Instance {
	b.t.Helper()
	made, err := b.Region.RunInstances(b.t.Context(), cloud.Launch{
		ImageID: b.BaseImageID(), InstanceType: "t3.small", MinCount: 1, MaxCount: 1, ClientToken: "somebody's",
		TerminationProtection: true, Tags: cloud.Tags{"Name": "payroll-db"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return made[0]
}

// strangersImage is an image of another team, with its snapshot.
func (b *bakery) strangersImage(name string) cloud.Image {
	b.t.Helper()
	id, err := b.Region.CopyImage(b.t.Context(), cloud.ImageCopy{SourceRegion: "us-east-1", SourceImageID: b.BaseImageID(), Name: name, Tags: cloud.Tags{"Team": "payroll"}})
	if err != nil {
		b.t.Fatal(err)
	}
	anHour()
	return b.image("us-east-1", id)
}

// image is one as it is.
func (b *bakery) image(region, id string) cloud.Image {
	b.t.Helper()
	images, err := b.In(region).Images(b.t.Context(), cloud.ImageQuery{IDs: []string{id}, IncludeDisabled: true})
	if err != nil || len(images) != 1 {
		b.t.Fatalf("image %s (%s): %v, %v", id, region, images, err)
	}
	return images[0]
}

// running fails the test unless the instance is there as it was.
func (b *bakery) running(id string) {
	b.t.Helper()
	found, err := b.Region.Instances(b.t.Context(), cloud.InstanceQuery{IDs: []string{id}})
	if err != nil || len(found) != 1 || found[0].State != cloud.InstanceRunning {
		b.t.Fatalf("instance %s: %+v, %v", id, found, err)
	}
}

// named fails the test unless one thing is named as foreign.
func (b *bakery) named(line Line, id string) {
	b.t.Helper()
	for _, foreign := range line.Foreign {
		if strings.Contains(foreign.What, id) && foreign.Why != "" {
			return
		}
	}
	b.t.Errorf("%s is not named: %v", id, line.Foreign)
}

// An instance that somebody has tagged like a builder is not given the steps, is not
// captured and is not ended.
func TestAttack_aBuilderOfSomebodyElse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		current := b.apply(script("a")).Line.Current()
		spec := script("b")
		stranger := b.strangersInstance()
		for _, role := range []string{cloud.RoleBuilder, cloud.RoleProof} {
			tags := stamped(current.Tags)
			tags[cloud.TagRole], tags[cloud.TagFingerprint] = role, spec.Recipe(b.BaseImageID()).Fingerprint()
			tags[cloud.TagChecks] = spec.ChecksDigest()
			b.tag(stranger.ID, tags)
			if plan := b.planned(script("a")); !plan.Empty() {
				t.Fatalf("with the role %s there is to do: %s", role, plan)
			}
		}
		result := b.apply(spec)
		if made := b.image("us-east-1", result.Line.Current().ImageID); made.SourceInstanceID == stranger.ID || len(b.builders) < 2 {
			t.Fatalf("captured from %s", made.SourceInstanceID)
		}
		b.named(result.Line, stranger.ID)
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
			t.Fatal(err)
		}
		b.running(stranger.ID)
	})
}

// Two tags alone have no instance ended.
func TestAttack_anInstanceWithoutAnOwner(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		stranger := b.strangersInstance()
		b.tag(stranger.ID, b.state.Index())
		if plan := b.planned(script("a")); !plan.Empty() {
			t.Fatalf("there is to do: %s", plan)
		}
		b.named(b.apply(script("b")).Line, stranger.ID)
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
			t.Fatal(err)
		}
		b.running(stranger.ID)
	})
}

// Another team's image with the tags of the current version is not made current, is not
// shared, is not changed, is not removed, and neither is its snapshot.
func TestAttack_anImageOfSomebodyElse(t *testing.T) {
	for name, imageName := range map[string]string{"by its own name": "payroll-db-backup", "by a version's name": "web-v2-0123abcd"} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				current := b.apply(everywhere("a")).Line.Current()
				stranger := b.strangersImage(imageName)
				tags := stamped(current.Tags)
				tags[cloud.TagVersion], tags[cloud.TagPromotedAt] = "2", "2000-06-01T00:00:00Z"
				b.tag(stranger.ID, tags)
				b.tag(stranger.SnapshotIDs()[0], tags)
				line := b.observed()
				if line.Current().ImageID != current.ImageID {
					t.Fatalf("%s is current", line.Current().ImageID)
				}
				b.named(line, stranger.ID)
				if plan := b.planned(everywhere("a")); !plan.Empty() {
					t.Fatalf("there is to do: %s", plan)
				}
				b.apply(everywhere("b"))
				b.apply(retaining(everywhere("c"), 1))
				if shared, err := b.Region.ImagePermissions(t.Context(), stranger.ID); err != nil || !shared.Empty() {
					t.Errorf("it is shared with %+v, %v", shared, err)
				}
				if found, err := Find(t.Context(), b.Region, Query{Name: "web"}); err != nil || len(found) != 1 || found[0].ImageID == stranger.ID {
					t.Errorf("the data source finds %+v, %v", found, err)
				}
				if _, err := Destroy(t.Context(), b.Region, b.state, b.removal(everywhere("a"))); err != nil {
					t.Fatal(err)
				}
				if left := b.leftovers(); left["image"] != 1 || left["snapshot"] != 1 || len(left) != 2 {
					t.Fatalf("want the other team's image with its snapshot, have %v", b.Lab.Books().Leftovers)
				}
				if after := b.image("us-east-1", stranger.ID); !maps.Equal(after.Tags, stranger.Tags.With(tags)) || after.Protection.Enabled() {
					t.Errorf("it was %+v and is %+v", stranger, after)
				}
			})
		})
	}
}

// Whoever copies a version with its tags, as people do for another region or account, has a
// copy of his own: it is not handed out, and retention takes neither it nor the current one.
func TestAttack_aCopyWithTags(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		t.Run(region, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				b.apply(script("a"))
				current := b.apply(script("b")).Line.Current()
				name := "dr-copy-of-web"
				if region != "us-east-1" {
					name = current.ImageName
				}
				id, err := b.In(region).CopyImage(t.Context(), cloud.ImageCopy{
					SourceRegion: "us-east-1", SourceImageID: current.ImageID, Name: name, Tags: current.Tags,
				})
				if err != nil {
					t.Fatal(err)
				}
				anHour()
				if found, err := Find(t.Context(), b.In(region), Query{Name: "web"}); region == "us-east-1" && (err != nil || found[0].ImageID != current.ImageID || len(found) != 2) ||
					region != "us-east-1" && !errorIs[*NotPublishedError](err) {
					t.Errorf("the data source finds %+v, %v", found, err)
				}
				result := b.apply(retaining(script("b"), 1))
				if result.Line.Current().ImageID != current.ImageID || len(result.Line.Versions) != 1 {
					t.Fatalf("the line is %+v", result.Line)
				}
				b.only(2)
				if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Regions: []string{"eu-west-1"}}); err != nil {
					t.Fatal(err)
				}
				b.image(region, id)
				b.only(1)
			})
		})
	}
}

// A snapshot that is not of an image of ours stays, whatever its tags say.
func TestAttack_aSnapshotOfSomebodyElse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		current := b.apply(script("a")).Line.Current()
		stranger := b.strangersImage("payroll")
		snapshots, err := b.Region.Snapshots(t.Context(), b.state.Tags())
		if err != nil || len(snapshots) != 1 {
			t.Fatal(snapshots, err)
		}
		snapshot := stranger.SnapshotIDs()[0]
		b.tag(snapshot, stamped(snapshots[0].Tags).With(cloud.Tags{cloud.TagCopyOf: current.ImageID}))
		if left, err := b.Region.RemoveImage(t.Context(), stranger.ID); err != nil || len(left) > 0 {
			t.Log(left, err)
		}
		stranger = b.strangersImage("payroll 2")
		b.tag(stranger.SnapshotIDs()[0], stamped(snapshots[0].Tags).With(cloud.Tags{cloud.TagCopyOf: b.BaseImageID()}))
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
			t.Fatal(err)
		}
		b.only(1)
	})
}

// A parameter with the line's tags that holds another team's image is that team's.
func TestAttack_aParameterOfSomebodyElse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		stranger := b.strangersImage("payroll")
		if err := b.Region.CreateImageParameter(t.Context(), "/golden/web", stranger.ID, "", b.state.Tags()); err != nil {
			t.Fatal(err)
		}
		anHour()
		if _, err := b.try(withParameter(script("a"))); !errorIs[*ParameterTakenError](err) {
			t.Errorf("got %v", err)
		}
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Parameter: "/golden/web"}); err != nil {
			t.Fatal(err)
		}
		if b.holds("/golden/web") != stranger.ID {
			t.Error("it was removed")
		}
	})
}

// Spoilt tags of our own things make no plan that cannot be made, and no destroy that cannot
// end.
func TestAttack_spoiltTags(t *testing.T) {
	const absurd = "99999999999999999999999"
	for name, tags := range map[string]cloud.Tags{
		"a number of a version":      {cloud.TagVersion: absurd},
		"a highest number":           {cloud.TagHighest: absurd},
		"a highest number that fits": {cloud.TagHighest: "999999999"},
		"a fingerprint":              {cloud.TagFingerprint: "x"},
		"no region":                  {cloud.TagRegions: "xx-bogus-9,eu-west-1"},
		"regions":                    {cloud.TagRegions: strings.Repeat(",", 250), cloud.TagRegions + "-2": "../..", cloud.TagRegions + "-x": "a b"},
		"a time":                     {cloud.TagPromotedAt: "tomorrow"},
		"a time far ahead":           {cloud.TagPromotedAt: "9999-12-31T23:59:59.999999999Z"},
		"an identity":                {cloud.TagIdentity: "machine-id:" + absurd},
		"a parameter":                {cloud.TagParameter: "/golden/other"},
		"permissions":                {cloud.TagShared: absurd},
	} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				first := b.apply(everywhere("a")).Line.Current()
				b.tag(first.ImageID, tags)
				line := b.observed()
				if line.Current() == nil || line.Current().ImageID != first.ImageID || line.Next() != 2 {
					t.Fatalf("the line is %+v, the next number %d", line, line.Next())
				}
				result := b.apply(everywhere("b"))
				if current := result.Line.Current(); current.Number != 2 || b.holds("/golden/web") != current.ImageID {
					t.Fatalf("version %d is current", current.Number)
				}
				b.tag(result.Line.Current().ImageID, tags)
				if _, err := Destroy(t.Context(), b.Region, b.state, b.removal(everywhere("b"))); err != nil {
					t.Fatal(err)
				}
				b.nothing(name)
			})
		})
	}
}

// A region that only a tag names is skipped, and said.
func TestObserveCopies_inARegionThatIsNone(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current()
		b.tag(first.ImageID, cloud.Tags{cloud.TagRegions: "xx-bogus-9"})
		line := b.observed()
		if len(line.Warnings) != 1 || !strings.Contains(line.Warnings[0].Detail, cloud.TagRegions) || !strings.Contains(line.Warnings[0].Summary, "xx-bogus-9") {
			t.Errorf("the warnings are %v", line.Warnings)
		}
		warnings, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in})
		if err != nil || len(warnings) != 1 {
			t.Errorf("a destroy ends with %v and warns %v", err, warnings)
		}
		b.nothing("destroyed")
	})
}

// A clock that was wrong, or a tag that somebody has written, dates a promotion in the
// future: the next one counts all the same.
func TestPromote_afterTheFuture(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"an hour": time.Hour, "a month": 30 * 24 * time.Hour, "a century": 100 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				first := b.apply(script("a")).Line.Current()
				b.tag(first.ImageID, cloud.Tags{cloud.TagPromotedAt: formatTime(time.Now().Add(ahead))})
				if line := b.observed(); len(line.Warnings) != 1 || !strings.Contains(line.Warnings[0].Detail, cloud.TagPromotedAt) {
					t.Errorf("the warnings are %v", line.Warnings)
				}
				begun := time.Now()
				second := b.apply(script("b")).Line.Current()
				if took := time.Since(begun); took > 10*time.Minute {
					t.Errorf("it took %s", took)
				}
				if line := b.observed(); line.Current().ImageID != second.ImageID || line.Current().Number != 2 {
					t.Errorf("current is %+v", line.Current())
				}
				if plan := b.planned(script("b")); !plan.Empty() {
					t.Errorf("there is to do: %s", plan)
				}
				b.destroy()
			})
		})
	}
}

// A bucket that somebody else has made anew, after it was deleted, gets no script.
func TestStage_intoABucketOfAnotherAccount(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.MakeBucket("staging")
		options := b.options()
		options.Owner.Account = otherID // the bucket is not this line's account's
		_, err := Apply(t.Context(), b.Region, staged(), options)
		if err == nil || !strings.Contains(err.Error(), " at s3://staging/") {
			t.Fatalf("got %v", err)
		}
		if left := b.leftovers(); left["object"] > 0 || left["instance"] > 0 {
			t.Errorf("there is %v", b.Lab.Books().Leftovers)
		}
	})
}
