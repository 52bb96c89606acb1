package image

import (
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// The current version was disabled, by a lifecycle rule for one: it is not gone, and is
// enabled again, for those whom it is shared with too.
func TestApply_enablesTheCurrentVersion(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := everywhere("a")
		current := b.apply(spec).Line.Current()
		b.DisableImage("us-east-1", current.ImageID)
		b.DisableImage("eu-west-1", current.Copies["eu-west-1"].ID)
		plan := b.planned(spec)
		if plan.Action != Keep || !plan.Enable || plan.Empty() || !strings.Contains(plan.Reason, "disabled outside of Terraform") || !slices.Equal(plan.Copy, []string{"eu-west-1"}) {
			t.Fatalf("the plan is %s: %+v", plan, plan)
		}
		if there, err := Exists(t.Context(), b.Region, current.ImageID); err != nil || !there {
			t.Errorf("it is there: %t, %v", there, err)
		}
		result := b.apply(spec)
		after := result.Line.Current()
		if after.ImageID != current.ImageID || after.State != cloud.ImageAvailable || len(b.builders) != 1 {
			t.Fatalf("current is %+v, %d builders", after, len(b.builders))
		}
		for _, at := range after.places("us-east-1") {
			if got := b.permissions(result.Line, at.region); !got.Equal(spec.Distribute.Permissions) {
				t.Errorf("permissions of %s: %+v", at, got)
			}
		}
		if plan := b.planned(spec); !plan.Empty() {
			t.Errorf("afterwards the plan is %s", plan)
		}
		b.only(3)
		b.destroy()
	})
}

// A kept version that was disabled is left so, can be gone back to, retired and destroyed.
func TestApply_keptVersionsThatAreDisabled(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current().ImageID
		second := b.apply(script("b")).Line.Current().ImageID
		b.DisableImage("us-east-1", first)
		if plan := b.planned(script("b")); !plan.Empty() {
			t.Errorf("the plan is %s", plan)
		}
		if back := b.apply(script("a")).Line.Current(); back.ImageID != first || back.State != cloud.ImageAvailable {
			t.Errorf("gone back to %+v", back)
		}
		b.DisableImage("us-east-1", second)
		b.apply(retaining(script("a"), 1))
		b.only(1)
		b.DisableImage("us-east-1", first)
		b.destroy()
	})
}

// A bake does not stumble over a version of the same name that was disabled meanwhile.
func TestApply_disabledAndGone(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current()
		b.apply(script("b"))
		b.DisableImage("us-east-1", first.ImageID)
		spec := script("a")
		spec.Refresh.MaxAge = 1 // always too old
		if got := b.apply(spec).Line.Current(); got.Number != 3 {
			t.Errorf("version %d is current", got.Number)
		}
		b.destroy()
	})
}

// The version itself was deregistered by hand, and copies are left: they are not taken for
// those of the next version, and go; one that is used stays, and is said.
func TestApply_whereOnlyCopiesAreLeft(t *testing.T) {
	for name, used := range map[string]bool{"unused": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				spec := handedOut(nil)
				gone := b.apply(spec).Line.Current()
				if _, err := b.Region.RemoveImage(t.Context(), gone.ImageID); err != nil {
					t.Fatal(err)
				}
				images, warnings := 3, 0
				if used {
					images, warnings = 5, 1 // the copies of a version stay together
					if _, err := b.In("eu-west-1").RunInstances(t.Context(), cloud.Launch{
						ImageID: gone.Copies["eu-west-1"].ID, InstanceType: "t3.small", MinCount: 1, MaxCount: 1, Tags: cloud.Tags{"Name": "user"},
					}); err != nil {
						t.Fatal(err)
					}
				}
				result := b.apply(spec)
				current := result.Line.Current()
				if len(current.Copies) != 2 || len(result.Warnings) != warnings {
					t.Fatalf("copies %v, warnings %v", current.Copies, result.Warnings)
				}
				for region, copied := range current.Copies {
					if copied.ID == gone.Copies[region].ID || copied.SourceImageID != current.ImageID {
						t.Errorf("%s serves the old bake: %+v", region, copied)
					}
				}
				if left := b.leftovers(); left["image"] != images {
					t.Errorf("want %d images, have %v", images, b.Lab.Books().Leftovers)
				}
				if _, err := Destroy(t.Context(), b.Region, b.state, b.removal(spec)); err != nil {
					t.Fatal(err)
				}
				if left := b.leftovers(); left["image"]+left["snapshot"] != 0 {
					t.Errorf("after the destroy there is still %v", b.Lab.Books().Leftovers)
				}
			})
		})
	}
}

// A bake was killed after its capture, and then the checks are others: what was captured has
// not passed them, and makes room for what does.
func TestApply_otherChecksAfterACapture(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		for request := 20; len(b.observed().Candidates) == 0; request++ {
			b.cut(rehearsal.Cut{Request: request, After: true, Dead: true}, script("b"), b.options())
		}
		left := b.observed().Candidates[0].ImageID
		spec := script("b")
		spec.Verify.Checks[0].Script, spec.Verify.FreshInstance = "test -e /etc/other", false
		if got := b.apply(spec).Line.Current(); got.ImageID == left || got.Number != 2 {
			t.Errorf("%+v is current, %s was left", got, left)
		}
		b.only(2)
		b.destroy()
	})
}

// Whoever is interrupted for so long that another apply has taken over leaves everything.
func TestApply_thatHasLostItsLease(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		b.Order(lab.FailCall{Action: "CreateLaunchTemplateVersion", Times: -1, Code: "InternalError", Message: "no"})
		spec := script("b")
		spec.Bake.Transport = ""
		b.boots = said{builder: []string{"begin", "start step install"}}.boot
		_, err := b.try(spec)
		failure, ok := asFailure(err)
		if !ok || !strings.Contains(failure.Cause.Error(), "another one has taken over") || !strings.Contains(failure.Next, "wait until that apply has ended") {
			t.Fatalf("got %v", err)
		}
		if len(b.instances()) != 1 {
			t.Errorf("the builder is not left: %v", b.instances())
		}
	})
}

// An apply whose very last request fails has done all else, says so, and is repeated.
func TestApply_thatCannotBeEnded(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.Order(lab.FailCall{Action: "DeleteLaunchTemplate", Times: -1, Code: "UnauthorizedOperation", Message: notAuthorized})
		result, err := b.try(script("a"))
		if _, ok := asFailure(err); !ok || result.Owner.ID == "" {
			t.Fatalf("got %v, %+v", err, result.Owner)
		}
		golden(t, "apply that cannot be ended", failureText(err))
		anHour()
		if plan := b.planned(script("a")); plan.Empty() || plan.Action != Keep {
			t.Errorf("the lease that is left is in no plan: %s", plan)
		}
	})
}

// failureText is what people read.
func failureText(err error) string {
	failure, _ := asFailure(err)
	return failure.Summary + "\n\n" + failure.Detail() + "\n"
}

// Protection that is switched on together with a change that removes a version, or a copy,
// does not stand in the way of either.
func TestApply_protectsAndRetires(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := handedOut(nil)
		spec.Capture.RetainVersions = 1
		b.apply(spec)
		next := handedOut(func(s *Spec) { s.Bake.Steps = nil })
		next.Capture.RetainVersions, next.Capture.Protect, next.Distribute.Regions = 1, true, nil
		result := b.apply(next)
		if len(result.Line.Versions) != 1 || len(result.Line.Current().Copies) != 0 {
			t.Errorf("%d versions, copies %v, warnings %v", len(result.Line.Versions), result.Line.Current().Copies, result.Warnings)
		}
		next.Distribute.Regions = map[string]string{"eu-west-1": ""}
		b.apply(next)
		next.Distribute.Regions = nil
		result = b.apply(next)
		if len(result.Line.Current().Copies) != 0 {
			t.Errorf("copies %v, warnings %v", result.Line.Current().Copies, result.Warnings)
		}
	})
}

// seesOneSpoilt fails the test unless the line has a current version, with tags to be written
// again, and nothing foreign.
func (b *bakery) seesOneSpoilt(vouched Vouched) {
	b.t.Helper()
	line, err := Observe(b.t.Context(), b.Region, b.state, vouched)
	if err != nil || line.Current() == nil || len(line.Foreign) > 0 || len(line.Spoilt) != 1 {
		b.t.Fatalf("%v, current %v, foreign %v, spoilt %v", err, line.Current(), line.Foreign, line.Spoilt)
	}
}

// A version that the state has stays that, whatever somebody does to its tags: a plan is
// made that writes them again, nothing is baked, and a destroy removes it.
func TestApply_marksVersionsAgain(t *testing.T) {
	for _, key := range []string{
		cloud.TagManagedBy, cloud.TagImage, cloud.TagOwner, cloud.TagRole, cloud.TagBuilder, cloud.TagFingerprint, cloud.TagPromotedAt,
	} {
		t.Run(key, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				spec := script("a")
				current := b.apply(spec).Line.Current()
				vouched := Vouched{current.ImageID: current.Fingerprint}
				spoil := func() {
					if err := b.Region.DeleteTags(t.Context(), []string{current.ImageID}, []string{key}); err != nil {
						t.Fatal(err)
					}
				}
				spoil()
				b.seesOneSpoilt(vouched)
				options := b.optionsFor(spec)
				options.Owner, options.Vouched = b.state, vouched
				result, err := Apply(t.Context(), b.Region, spec, options)
				if err != nil || result.Plan.Action != Keep || !strings.Contains(result.Plan.Reason, key) || result.Line.Current().ImageID != current.ImageID {
					t.Fatalf("%v, the plan was: %s", err, result.Plan)
				}
				if line, err := Observe(t.Context(), b.Region, b.state, nil); err != nil || line.Current() == nil || len(line.Foreign) > 0 {
					t.Errorf("%v, without the state's help current is %v, foreign %v", err, line.Current(), line.Foreign)
				}
				spoil()
				if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Vouched: vouched}); err != nil {
					t.Fatal(err)
				}
				if left := b.leftovers(); len(left) > 0 {
					t.Errorf("after the destroy there is still %v", b.Lab.Books().Leftovers)
				}
			})
		})
	}
}
