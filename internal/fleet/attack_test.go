package fleet

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// stranger launches an instance that is not the fleet's, protected from termination.
func stranger(t *testing.T, stage *terraform, clientToken string) string {
	t.Helper()
	made, err := stage.Region.RunInstances(t.Context(), cloud.Launch{
		ImageID: stage.OtherImageID(), InstanceType: "t3.micro", MinCount: 1, MaxCount: 1, ClientToken: clientToken, TerminationProtection: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made[0].ID
}

func tagged(t *testing.T, stage *terraform, id string, tags cloud.Tags) {
	t.Helper()
	if err := stage.Region.CreateTags(t.Context(), []string{id}, tags); err != nil {
		t.Fatal(err)
	}
}

// untouched reports whether an instance runs and is still protected from termination.
func untouched(t *testing.T, stage *terraform, id string) {
	t.Helper()
	found, err := stage.Region.Instances(t.Context(), cloud.InstanceQuery{IDs: []string{id}})
	if err != nil || len(found) != 1 || found[0].State != cloud.InstanceRunning {
		t.Errorf("%s does not run any more: %v, %v", id, found, err)
	}
	if err := stage.Region.TerminateInstances(t.Context(), []string{id}); !cloud.HasCode(err, cloud.CodeNotPermitted) {
		t.Errorf("the termination protection of %s was lifted (%v)", id, err)
	}
}

func notServing(t *testing.T, stage *terraform, group, id string) {
	t.Helper()
	if targets, err := stage.Region.Targets(t.Context(), group); err != nil || targets[id].State != "" {
		t.Errorf("%s is %q in the target group (%v)", id, targets[id].State, err)
	}
}

// protect protects an instance from termination by hand, or takes that off.
func protect(t *testing.T, stage *terraform, id string, on bool) {
	t.Helper()
	if err := stage.Region.SetTerminationProtection(t.Context(), []string{id}, on); err != nil {
		t.Fatal(err)
	}
}

// namesNobody fails the test when a stranger changes what the fleet is, or is not named
// although it claims to be a member.
func namesNobody(t *testing.T, stage *terraform, spec Spec, id string, claims bool) {
	t.Helper()
	observed := observe(t, stage, spec)
	if plan := NewPlan(spec, observed); !plan.Empty() || len(observed.all()) != spec.Size || len(observed.Others) > 0 {
		t.Errorf("the plan is: %s; %d instances are counted; others: %v", plan, len(observed.all()), observed.Others)
	}
	if named := len(observed.Foreign) == 1 && strings.Contains(observed.Foreign[0].String(), id); named != claims {
		t.Errorf("what is foreign is %v", observed.Foreign)
	}
}

// Whoever may call CreateTags can write any tag. None of it makes somebody's instance a
// member of the fleet, has it ended, or its protection lifted.
func TestTags_proveNothing(t *testing.T) {
	spoils := map[string]func(member cloud.Tags, owner ownership.Owner) cloud.Tags{
		"the index": func(_ cloud.Tags, owner ownership.Owner) cloud.Tags { return owner.Index() },
		"a spoilt owner": func(_ cloud.Tags, owner ownership.Owner) cloud.Tags {
			return owner.Index().With(cloud.Tags{cloud.TagOwner: "me"})
		},
		"the owner":            func(_ cloud.Tags, owner ownership.Owner) cloud.Tags { return owner.Tags() },
		"all tags of a member": func(member cloud.Tags, _ ownership.Owner) cloud.Tags { return member },
		"that, and of newer days": func(member cloud.Tags, _ ownership.Owner) cloud.Tags {
			return member.With(cloud.Tags{cloud.TagGeneration: "7"})
		},
		"and a hidden image": func(member cloud.Tags, _ ownership.Owner) cloud.Tags {
			return member.With(cloud.Tags{cloud.TagGeneration: "7", cloud.TagRootImage: "IMAGE", cloud.TagLaunchImage: "IMAGE", cloud.TagProtection: "termination"})
		},
		"an owner that nobody is": func(member cloud.Tags, _ ownership.Owner) cloud.Tags {
			return member.With(cloud.Tags{cloud.TagOwner: "o-0123456789abcdef0123"})
		},
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				spec.TargetGroupARNs, spec.Slots = []string{stage.TargetGroup("web")}, &Slots{}
				before := applied(t, stage, spec, nil)
				id := stranger(t, stage, before.Members[0].Instance.ClientToken[:20])
				tags := maps.Clone(spoil(before.Members[0].Instance.Tags, stage.owner))
				for key, value := range tags {
					tags[key] = strings.ReplaceAll(value, "IMAGE", spec.ImageID)
				}
				tagged(t, stage, id, tags)

				claims := tags[cloud.TagOwner] != "o-0123456789abcdef0123"
				namesNobody(t, stage, spec, id, claims)
				smaller := spec
				smaller.Size = 2
				after := applied(t, stage, smaller, &spec)
				if len(after.Members) != 2 || idOf(after, 0) != idOf(before, 0) {
					t.Errorf("slot 0 has %s, want %s", idOf(after, 0), idOf(before, 0))
				}
				notServing(t, stage, spec.TargetGroupARNs[0], id)
				warnings, err := stage.destroy(t.Context(), stage.Region, smaller)
				if err != nil || (len(warnings) == 1) != claims {
					t.Errorf("destroy: %v, warnings %v", err, warnings)
				}
				untouched(t, stage, id)
				protect(t, stage, id, false)
				if err := stage.Region.TerminateInstances(t.Context(), []string{id}); err != nil {
					t.Fatal(err)
				}
				nothingLeft(t, stage)
			})
		})
	}
}

// An instance of the fleet's own stays that, whatever somebody does to the tags by which it is
// found: the state has its id, and its client token says whose it is. It gets its tags again,
// and a destroy ends it.
func TestTags_removedOrChanged(t *testing.T) {
	spoils := map[string]func(t *testing.T, stage *terraform, id string){
		"owner changed": func(t *testing.T, stage *terraform, id string) {
			t.Helper()
			tagged(t, stage, id, cloud.Tags{cloud.TagOwner: "o-0123456789abcdef0123"})
		},
		"fleet changed": func(t *testing.T, stage *terraform, id string) {
			t.Helper()
			tagged(t, stage, id, cloud.Tags{cloud.TagFleet: "garbage"})
		},
	}
	for _, key := range []string{cloud.TagOwner, cloud.TagFleet, cloud.TagManagedBy} {
		spoils[key+" removed"] = func(t *testing.T, stage *terraform, id string) {
			t.Helper()
			if err := stage.Region.DeleteTags(t.Context(), []string{id}, []string{key}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				before := applied(t, stage, spec, nil)
				slots := map[string]int{}
				for slot, member := range before.Members {
					slots[member.Instance.ID] = slot
				}
				watch := spec.watch(stage.owner)
				watch.Slots = slots
				spoil(t, stage, idOf(before, 1))
				observed, err := Observe(t.Context(), stage.Region, watch)
				if err != nil {
					t.Fatal(err)
				}
				if plan := NewPlan(spec, observed); len(observed.Members) != 3 || len(observed.Foreign) != 0 || plan.String() != "tag 1 again" {
					t.Errorf("%d members, foreign %v, to do: %s", len(observed.Members), observed.Foreign, plan)
				}
				if _, err := Apply(t.Context(), stage.Region, spec, Options{Owner: stage.owner, Previous: &spec, Slots: slots}); err != nil {
					t.Fatal(err)
				}
				if after := observe(t, stage, spec); idOf(after, 1) != idOf(before, 1) || !NewPlan(spec, after).Empty() {
					t.Errorf("slot 1 has %s, want %s", idOf(after, 1), idOf(before, 1))
				}
				spoil(t, stage, idOf(before, 1))
				if _, err := Destroy(t.Context(), stage.Region, watch, nil); err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Minute)
				nothingLeft(t, stage)
			})
		})
	}
}

// Tags that somebody has spoilt on the fleet's own instances: a plan is made, at once, and
// what the state knows counts for more.
func TestTags_spoilt(t *testing.T) {
	spoils := map[string]cloud.Tags{
		"many slots": {cloud.TagSlots: strings.Repeat("0-999999,", 28) + "1"}, "no slots": {cloud.TagSlots: ""}, "another slot": {cloud.TagSlots: "500,501,502"},
		"many generations": {cloud.TagGeneration: "99999999999999999999999"}, "the last generation": {cloud.TagGeneration: "999999999"},
		"beyond the last number": {cloud.TagGeneration: "9223372036854775807"},
		"less than none":         {cloud.TagGeneration: "-5"},
	}
	for name, tags := range spoils {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				before := applied(t, stage, spec, nil)
				slots := map[string]int{}
				for slot, member := range before.Members {
					slots[member.Instance.ID] = slot
				}
				tagged(t, stage, idOf(before, 1), tags)
				watch := spec.watch(stage.owner)
				watch.Slots = slots
				observed, err := Observe(t.Context(), stage.Region, watch)
				if err != nil {
					t.Fatal(err)
				}
				if plan := NewPlan(spec, observed); !plan.Empty() || idOf(observed, 1) != idOf(before, 1) {
					t.Errorf("the plan is: %s", plan)
				}
				next := spec
				next.ImageID = stage.OtherImageID()
				for _, wanted := range []Spec{spec, next, spec} {
					outcome, err := Apply(t.Context(), stage.Region, wanted, Options{Owner: stage.owner, Slots: slots, Previous: &spec, Generation: 1})
					if err != nil || len(outcome.Observed.Members) != 3 || outcome.Observed.Members[1].ImageID != wanted.ImageID {
						t.Fatalf("%v, %+v", err, outcome.Observed)
					}
					if got := outcome.Observed.Generation; got < 1 || got > maxGeneration {
						t.Errorf("the generation is %d", got)
					}
					if plan := NewPlan(wanted, outcome.Observed); !plan.Empty() {
						t.Errorf("the plan is: %s", plan)
					}
				}
				destroyed(t, stage, spec)
			})
		})
	}
}

// Protection that somebody has put on by hand is not lifted: the error names the instance
// once all else is gone, and the same command does the rest when it is off.
func TestProtection_ofSomebodyElse(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Size = 9
		before := applied(t, stage, spec, nil)
		kept := idOf(before, 7)
		protect(t, stage, kept, true)
		smaller := spec
		smaller.Size = 3
		observed, err := stage.apply(t.Context(), stage.Region, smaller, &spec)
		var protected *ProtectedError
		if !errors.As(err, &protected) || len(protected.InstanceIDs) != 1 || protected.InstanceIDs[0] != kept {
			t.Fatalf("got %v, want that %s is protected", err, kept)
		}
		if advice := adviceOf(t, err); !strings.Contains(advice, "--instance-id "+kept) {
			t.Error(advice)
		}
		if len(observed.Members) != 4 || idOf(observed, 7) != kept {
			t.Errorf("%d instances are left, want 3 and the one that is protected", len(observed.Members))
		}
		_, err = stage.destroy(t.Context(), stage.Region, smaller)
		if !errors.As(err, &protected) {
			t.Errorf("got %v, want that it is protected", err)
		}
		if left := observe(t, stage, smaller); len(left.all()) != 1 || left.all()[0].Instance.ID != kept {
			t.Errorf("%d instances are left, want the one that is protected", len(left.all()))
		}
		untouched(t, stage, kept)
		protect(t, stage, kept, false)
		destroyed(t, stage, smaller)
	})
}

// clock is an EC2 whose clock is not this machine's.
type clock struct {
	AWS
	ahead time.Duration
}

func (c clock) shifted(instances []cloud.Instance, err error) ([]cloud.Instance, error) {
	for i := range instances {
		instances[i].LaunchedAt = instances[i].LaunchedAt.Add(c.ahead)
	}
	return instances, err
}

// The grace of a new instance is as long as it says, whatever EC2's clock shows.
func TestGrace_clocksApart(t *testing.T) {
	for _, ahead := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
				spec.Health.Grace = 20 * minute
				stage.Order(lab.Impair{Image: spec.ImageID})
				begun := time.Now()
				_, err := stage.apply(t.Context(), clock{stage.Region, ahead}, spec, nil)
				took := time.Since(begun)
				if err == nil || !strings.Contains(report.As(err, "").Error(), "status check") || took < 20*minute || took > 40*minute {
					t.Errorf("after %s: %v", took, err)
				}
				destroyed(t, stage, spec)
			})
		})
	}
}

// Nor does it hide that a canary has failed in its soak.
func TestGrace_clocksApartInASoak(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		spec.Rollout.Canary, spec.Rollout.Soak = 1, 10*minute
		aws := clock{stage.Region, 3 * time.Hour}
		if _, err := stage.apply(t.Context(), aws, spec, nil); err != nil {
			t.Fatal(err)
		}
		bad := spec
		bad.ImageID = stage.OtherImageID()
		stage.Order(lab.Impair{Image: bad.ImageID, AfterSeconds: 600})
		_, err := stage.apply(t.Context(), aws, bad, &spec)
		if err == nil || !strings.Contains(err.Error(), "did not survive its soak") {
			t.Errorf("got %v, want that the canary did not survive", err)
		}
	})
}

func (c clock) Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error) {
	return c.shifted(c.AWS.Instances(ctx, query))
}

func (c clock) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	return c.shifted(c.AWS.RunInstances(ctx, launch))
}
