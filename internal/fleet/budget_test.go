package fleet

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// budgetSizes are fleets whose time is measured; the large ones take real seconds too,
// and are for make bench.
func budgetSizes() []int {
	if os.Getenv("STAMP_BENCH") != "" {
		return []int{1000, 3000, 10000}
	}
	return []int{1000}
}

// slowest is the longest that one of the instances took from its launch until it
// passed its checks: nobody can be faster than that.
func slowest(t *testing.T, stage *terraform, observed *Observation) time.Duration {
	t.Helper()
	longest := time.Duration(0)
	for _, member := range observed.Members {
		passes, err := stage.Lab.PassesAt(member.Instance.ID)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, passes.Sub(member.Instance.LaunchedAt))
	}
	return longest
}

// launchFloor is how long EC2's bucket of 1,000 instances, and 2 more each second,
// makes the last one wait.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
func launchFloor(launches int) time.Duration {
	return time.Duration(max(0, launches-1000)) * time.Second / 2
}

// In aws weather a fleet is up within 1.10 times what EC2's buckets, boots and status
// checks take.
func TestBudget_create(t *testing.T) {
	rehearsal.OnlyThorough(t)
	for _, size := range budgetSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
				spec.Size, spec.Slots = size, &Slots{Hostname: "web-%05d"}
				begun := time.Now()
				var observed *Observation
				requests := stage.Requests(func() {
					var err error
					if observed, err = stage.apply(t.Context(), stage.Region, spec, nil); err != nil {
						t.Fatal(err)
					}
				})
				took, floor := time.Since(begun), launchFloor(size)+slowest(t, stage, observed)
				t.Logf("%d instances in %s of virtual time; the floor is %s (%.2f times that), %d requests, throttled %v",
					size, took.Round(time.Second), floor.Round(time.Second), took.Seconds()/floor.Seconds(), requests, stage.Lab.Books().Throttled)
				if took.Seconds() > 1.10*floor.Seconds() {
					t.Errorf("a fleet of %d took %s, more than 1.10 times the floor of %s", size, took, floor)
				}
			})
		})
	}
}

// A rolling replacement takes at most 1.08 times its floor, the slowest instance of each
// batch, and 300 requests, of any size up to 1,000.
func TestBudget_roll(t *testing.T) {
	rehearsal.OnlyThorough(t)
	size := 100
	if os.Getenv("STAMP_BENCH") != "" {
		size = 1000
	}
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = size
		if _, err := stage.apply(t.Context(), stage.Region, spec, nil); err != nil {
			t.Fatal(err)
		}
		next := spec
		next.ImageID = stage.OtherImageID()
		begun := time.Now()
		var observed *Observation
		requests := stage.Requests(func() {
			var err error
			if observed, err = stage.apply(t.Context(), stage.Region, next, &spec); err != nil {
				t.Fatal(err)
			}
		})
		took := time.Since(begun)
		batches := map[int][]Member{}
		for slot, member := range observed.Members {
			batches[slot/(size/10)] = append(batches[slot/(size/10)], member)
		}
		floor := time.Duration(0)
		for _, members := range batches {
			floor += slowest(t, stage, observationOf(members))
		}
		t.Logf("%d instances rolled in %s of virtual time; the floor is %s (%.2f times that), %d requests",
			size, took.Round(time.Second), floor.Round(time.Second), took.Seconds()/floor.Seconds(), requests)
		if took.Seconds() > 1.08*floor.Seconds() {
			t.Errorf("the rollout took %s, more than 1.08 times the floor of %s", took, floor)
		}
		if requests > 300 {
			t.Errorf("the rollout took %d requests, more than 300", requests)
		}
	})
}

// What is missing and what is broken is healed in one wave: in at most 1.15 times what the
// slowest of the new instances takes.
func TestBudget_heal(t *testing.T) {
	rehearsal.OnlyThorough(t)
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = 100
		before, err := stage.apply(t.Context(), stage.Region, spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		for slot, fate := range map[int]string{3: "terminated", 50: "terminated", 7: "impaired", 70: "impaired"} {
			if err := stage.Lab.SetState(idOf(before, slot), fate); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(spec.Health.Grace + minute)
		begun := time.Now()
		observed, err := stage.apply(t.Context(), stage.Region, spec, &spec)
		if err != nil {
			t.Fatal(err)
		}
		var healed []Member
		for slot, member := range observed.Members {
			if member.Instance.ID != idOf(before, slot) {
				healed = append(healed, member)
			}
		}
		took, floor := time.Since(begun), slowest(t, stage, observationOf(healed))
		t.Logf("%d of %d healed in %s of virtual time; the floor is %s (%.2f times that)", len(healed), spec.Size,
			took.Round(time.Second), floor.Round(time.Second), took.Seconds()/floor.Seconds())
		if len(healed) != 4 || took.Seconds() > 1.15*floor.Seconds() {
			t.Errorf("%d healed in %s, want 4 in at most 1.15 times %s", len(healed), took, floor)
		}
	})
}

// A plan of 10,000 unchanged instances takes at most 30 requests, 5 seconds and 300 MiB.
func TestBudget_plan(t *testing.T) {
	if os.Getenv("STAMP_BENCH") == "" {
		t.Skip("10,000 instances take real seconds: make bench")
	}
	const size = 10000
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size, spec.Slots = size, &Slots{Hostname: "web-%05d"}
		if _, err := stage.apply(t.Context(), stage.Region, spec, nil); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var plan Plan
		requests := stage.Requests(func() { plan = NewPlan(spec, observe(t, stage, spec)) })
		runtime.ReadMemStats(&after)
		t.Logf("a plan of %d unchanged: %d requests, %d MiB of heap more than before, lab and client together",
			size, requests, (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
		if requests > 30 || !plan.Empty() {
			t.Errorf("%d requests, want at most 30; plan: %s", requests, plan)
		}
	})
}
