package fleet

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// terraform is a stage, and what Terraform's state has of one fleet there.
type terraform struct {
	*rehearsal.Stage
	owner ownership.Owner
}

// apply applies a spec, as Terraform does: a fleet that the state does not know is created.
func (tf *terraform) apply(ctx context.Context, aws AWS, spec Spec, previous *Spec) (*Observation, error) {
	outcome, err := Apply(ctx, aws, spec, Options{Owner: tf.owner, Previous: previous})
	if tf.owner.ID == "" && err != nil && outcome.Observed.Empty() {
		return outcome.Observed, err // nothing goes into the state then
	}
	tf.owner = outcome.Owner
	return outcome.Observed, err
}

// destroy destroys the fleet, which the state knows no more then.
func (tf *terraform) destroy(ctx context.Context, aws AWS, spec Spec) ([]report.Warning, error) {
	warnings, err := Destroy(ctx, aws, spec.watch(tf.owner), nil)
	if err == nil {
		tf.owner.ID = ""
	}
	return warnings, err
}

// nobody owns anything yet.
func nobody(name string) ownership.Owner {
	return ownership.Owner{Kind: ownership.Fleet, Name: name, Account: "123456789012", Partition: "aws", Region: "us-east-1"}
}

// onStage plays a test with an ordinary fleet's spec that fits the lab.
func onStage(t *testing.T, options lab.Options, play func(t *testing.T, stage *terraform, spec Spec)) {
	t.Helper()
	rehearsal.Run(t, options, func(t *testing.T, stage *rehearsal.Stage) {
		spec := ordinary(3)
		spec.ImageID, spec.InstanceTypes, spec.SubnetIDs = stage.BaseImageID(), []string{"t3.small", "t3a.small"}, nil
		spec.Metadata.Tokens = "required"
		play(t, &terraform{stage, nobody(spec.Name)}, spec)
	})
}

// applied applies the spec, which must succeed, and returns what is there.
func applied(t *testing.T, stage *terraform, spec Spec, previous *Spec) *Observation {
	t.Helper()
	observed, err := stage.apply(t.Context(), stage.Region, spec, previous)
	if err != nil {
		t.Fatal(err)
	}
	if plan := NewPlan(spec, observe(t, stage, spec)); !plan.Empty() {
		t.Fatalf("after an apply there is something to do: %s", plan)
	}
	return observed
}

func observe(t *testing.T, stage *terraform, spec Spec) *Observation {
	t.Helper()
	observed, err := Observe(t.Context(), stage.Region, spec.watch(stage.owner))
	if err != nil {
		t.Fatal(err)
	}
	return observed
}

// destroyed destroys the fleet, after which nothing may be left in the account but
// what the test has made beside it.
func destroyed(t *testing.T, stage *terraform, spec Spec) {
	t.Helper()
	if _, err := stage.destroy(t.Context(), stage.Region, spec); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, stage)
}

func nothingLeft(t *testing.T, stage *terraform) {
	t.Helper()
	for _, left := range stage.Lab.Books().Leftovers {
		if slices.Contains([]string{"instance", "volume", "network-interface", "image", "snapshot", "launch-template"}, left.Type) {
			t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
		}
	}
}

// idOf is the instance in a slot.
func idOf(observed *Observation, slot int) string { return observed.Members[slot].Instance.ID }

// perSubnet counts the fleet's instances by subnet, the fewest first.
func perSubnet(observed *Observation) []int {
	counts := map[string]int{}
	for _, member := range observed.Members {
		counts[member.Instance.SubnetID]++
	}
	var all []int
	for _, count := range counts {
		all = append(all, count)
	}
	slices.Sort(all)
	return all
}

// census counts, at every change that the engine makes, how many instances there are
// and how many of them work.
type census struct {
	*cloud.Region
	t     *testing.T
	owner ownership.Owner
	// most is the largest number that existed, least the smallest that was ready after
	// the first time that all were.
	most, least int
}

func newCensus(t *testing.T, stage *terraform, spec Spec) *census {
	return &census{Region: stage.Region, t: t, owner: stage.owner, least: spec.Size}
}

func (c *census) count(ctx context.Context) {
	c.t.Helper()
	live, err := c.Instances(ctx, cloud.InstanceQuery{Tags: c.owner.Index()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.most = max(c.most, len(live))
	ids := make([]string, 0, len(live))
	for _, instance := range live {
		ids = append(ids, instance.ID)
	}
	statuses, err := c.Statuses(ctx, cloud.StatusQuery{IDs: ids})
	if err != nil {
		c.t.Fatal(err)
	}
	ready := 0
	for _, status := range statuses {
		if status.Ready() {
			ready++
		}
	}
	c.least = min(c.least, ready)
}

func (c *census) RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error) {
	launched, err := c.Region.RunInstances(ctx, launch)
	c.count(ctx)
	return launched, err
}

func (c *census) TerminateInstances(ctx context.Context, ids []string) error {
	c.count(ctx) // what was launched is not seen at once, but long before others end
	err := c.Region.TerminateInstances(ctx, ids)
	c.count(ctx)
	return err
}

// AWS weather takes minutes for what calm weather does at once.
var awsWeather = lab.Options{Weather: "aws", Seed: 1}

const minute = time.Minute
