package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// edit is what a person, or bad luck, does between two applies.
type edit struct {
	// what is one of the kinds; number says which slot, how many, or which of several.
	what   string
	number int
}

var edits = []string{"size", "image", "tags", "environment", "user data", "kill", "stop", "impair", "spoil", "no room", "call fails", "call is cut"}

// Whatever is edited and whatever fails, the next apply in peace reaches what is wanted:
// each slot has one working instance, and an instance that is not the fleet's is not
// touched. What was drawn is played in a bubble of its own, so that it can be shrunk.
func TestApply_reachesTheWish(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(0, 6).Draw(rt, "size")
		unavailable, surge := rapid.IntRange(0, 3).Draw(rt, "unavailable"), rapid.IntRange(0, 3).Draw(rt, "surge")
		steps := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) edit {
			return edit{rapid.SampledFrom(edits).Draw(rt, "what"), rapid.IntRange(0, 7).Draw(rt, "number")}
		}), 1, 3), 1, 4).Draw(rt, "steps")
		var wrong []string
		onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
			spec.Size, spec.Health.Grace, spec.Slots = size, 0, &Slots{Hostname: "web-%d", Overrides: map[int]Override{}}
			spec.Rollout = Rollout{MaxUnavailable: Amount{Number: unavailable}, MaxSurge: Amount{Number: surge}, Rollback: true, Canary: 1}
			wrong = playEdits(t, stage, spec, steps)
		})
		if len(wrong) > 0 {
			rt.Fatal(wrong)
		}
	})
}

func playEdits(t *testing.T, stage *terraform, spec Spec, steps [][]edit) (wrong []string) {
	ctx := t.Context()
	foreign, err := stage.Region.RunInstances(ctx, cloud.Launch{ImageID: spec.ImageID, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1})
	if err != nil {
		return []string{err.Error()}
	}
	images := []string{spec.ImageID, stage.OtherImageID()}
	var previous *Spec
	for i, step := range steps {
		wanted := spec
		// Trouble that is ordered is meant for the engine, not for the test's own looks.
		slices.SortStableFunc(step, func(a, b edit) int { return cmp.Compare(slices.Index(edits, a.what), slices.Index(edits, b.what)) })
		for _, e := range step {
			wanted = e.play(t, stage, wanted, images)
		}
		_, failed := stage.apply(ctx, stage.Region, wanted, previous)
		stage.Lab.LiftAll()
		if failed != nil {
			if _, err := stage.apply(ctx, stage.Region, wanted, previous); err != nil {
				return append(wrong, fmt.Sprintf("step %d: after %v the next apply in peace: %v", i, failed, err))
			}
		}
		wrong = append(wrong, unlike(t, stage, wanted, i)...)
		former := wanted
		spec, previous = wanted, &former
	}
	left, err := stage.Region.Instances(ctx, cloud.InstanceQuery{IDs: []string{foreign[0].ID}})
	if err != nil || len(left) != 1 || left[0].State != cloud.InstanceRunning {
		wrong = append(wrong, fmt.Sprintf("an instance of somebody else's is touched: %v %v", left, err))
	}
	if _, err := stage.destroy(ctx, stage.Region, spec); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

// unlike says how what is there differs from what is wanted.
func unlike(t *testing.T, stage *terraform, wanted Spec, step int) (wrong []string) {
	observed, err := Observe(t.Context(), stage.Region, wanted.watch(stage.owner))
	if err != nil {
		return []string{err.Error()}
	}
	if plan := NewPlan(wanted, observed); !plan.Empty() {
		wrong = append(wrong, fmt.Sprintf("step %d: there is something to do: %s", step, plan))
	}
	if slots := slices.Sorted(maps.Keys(observed.Members)); !slices.Equal(slots, firstSlots(wanted.Size)) || len(observed.Surplus) > 0 {
		wrong = append(wrong, fmt.Sprintf("step %d: slots %v and %d more, want %d", step, slots, len(observed.Surplus), wanted.Size))
	}
	return wrong
}

// play makes one edit of the spec, or does something to the fleet.
func (e edit) play(t *testing.T, stage *terraform, spec Spec, images []string) Spec {
	t.Helper()
	switch e.what {
	case "size":
		spec.Size = e.number
		spec.Slots = &Slots{Hostname: spec.Slots.Hostname, Overrides: map[int]Override{}}
	case "image":
		spec.ImageID = images[e.number%2]
	case "tags":
		spec.Tags = cloud.Tags{"Edit": fmt.Sprint(e.number)}
	case "environment":
		if spec.Size > 0 {
			spec.Slots = &Slots{Hostname: spec.Slots.Hostname, Overrides: map[int]Override{e.number % spec.Size: {Environment: map[string]string{"N": fmt.Sprint(e.number)}}}}
		}
	case "user data":
		spec.UserData = fmt.Appendf(nil, "#!/bin/sh\n: %d\n", e.number)
	default:
		e.strike(t, stage, spec)
	}
	return spec
}

// strike does to the fleet, or orders, what bad luck would.
func (e edit) strike(t *testing.T, stage *terraform, spec Spec) {
	t.Helper()
	actions := []string{"RunInstances", "TerminateInstances", "DescribeInstanceStatus", "CreateTags", "DescribeInstances", "DescribeSubnets"}
	action := actions[e.number%len(actions)]
	switch e.what {
	case "no room":
		stage.Order(lab.NoCapacity{Left: e.number, Times: 2})
		return
	case "call fails":
		stage.Order(lab.FailCall{Action: action, Code: "UnauthorizedOperation", Nth: 1 + e.number%2})
		return
	case "call is cut":
		stage.Order(lab.FailCall{Action: action, Cut: true, After: e.number%2 == 0, Times: 2})
		return
	}
	members := observe(t, stage, spec).all()
	if len(members) == 0 {
		return
	}
	id := members[e.number%len(members)].Instance.ID
	if e.what == "spoil" {
		if err := stage.Region.CreateTags(t.Context(), []string{id}, cloud.Tags{cloud.TagSlots: "?"}); err != nil {
			t.Fatal(err)
		}
		return
	}
	fate := map[string]string{"kill": "terminated", "stop": "stopped", "impair": "impaired"}[e.what]
	if err := stage.Lab.SetState(id, fate); err != nil {
		t.Fatal(err)
	}
}
