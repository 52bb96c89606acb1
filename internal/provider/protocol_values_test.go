package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The framework does not see the overrides, and what it would have asked is asked.
func TestProtocol_overridesAreValidated(t *testing.T) {
	c := newCaller(t)
	unknown := tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	tests := map[string]struct {
		overrides any
		want      string
	}{
		"fine":                  {object{"0": object{"environment": object{"A": "1"}, "private_ip": "10.0.0.9"}, "1": nil}, ""},
		"none":                  {nil, ""},
		"a key that is none":    {object{"01": object{}}, `Not a slot: slots.overrides["01"]`},
		"an empty type":         {object{"0": object{"instance_type": ""}}, `Empty string: slots.overrides["0"].instance_type`},
		"no address":            {object{"1": object{"private_ip": "here"}}, `Not an address: slots.overrides["1"].private_ip`},
		"a name that is none":   {object{"0": object{"environment": object{"1A": "x"}}}, `Not a name of an environment variable: slots.overrides["0"].environment["1A"]`},
		"a reserved name":       {object{"0": object{"environment": object{"STAMP_X": "x"}}}, `Reserved variable: slots.overrides["0"].environment["STAMP_X"]`},
		"a reserved tag":        {object{"0": object{"tags": object{"stamp:x": "x"}}}, `Reserved tag: slots.overrides["0"].tags["stamp:x"]`},
		"a slot too many":       {object{"3": object{}}, `Override for a slot that does not exist: slots.overrides["3"]`},
		"what is not yet known": {object{"0": object{"private_ip": unknown}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := value(c.kind(), object{
				"name": "web", "image_id": "ami-0123456789abcdef0", "size": 3, "instance_types": []any{"t3.micro"}, "slots": object{"overrides": test.overrides},
			})
			var got []string
			for _, diagnostic := range c.validate(c.pack(c.kind(), config)) {
				where, _, _ := strings.Cut(diagnostic.Detail, ": ")
				got = append(got, diagnostic.Summary+": "+where)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Terraform sees the instances of a plan as ever: keys that are known, of what is known after
// the apply.
func TestProtocol_plan(t *testing.T) {
	c := newCaller(t)
	config := c.fleet(2, true)
	plan := c.plan(config, nil)
	shown, _ := plain(t, c.unpack(plan.PlannedState)).(object)
	instances, _ := shown["instances"].(object)
	if len(instances) != 2 || instances["0"] != "(unknown)" || instances["1"] != "(unknown)" {
		t.Errorf("the plan shows %v", instances)
	}
	if diff := cmp.Diff([]any{"(unknown)", "(unknown)"}, shown["instance_ids"]); diff != "" {
		t.Errorf("instance_ids (-want +got):\n%s", diff)
	}
	after, _ := plain(t, c.unpack(c.apply(config, plan).state)).(object)
	said, _ := plain(t, config).(object)
	if diff := cmp.Diff(said["slots"], after["slots"]); diff != "" {
		t.Errorf("slots (-configured +applied):\n%s", diff)
	}
	ids, _ := after["instance_ids"].([]any)
	created, _ := after["instances"].(object)
	if second, _ := created["1"].(object); len(ids) != 2 || second["instance_id"] != ids[1] {
		t.Errorf("the instances are %v, their ids %v", created, ids)
	}
}

// A state that cannot be read is said to be so.
func TestProtocol_brokenState(t *testing.T) {
	c := newCaller(t)
	answer, err := c.provider.UpgradeResourceState(c.ctx, &tfprotov6.UpgradeResourceStateRequest{
		TypeName: "stamp_fleet", RawState: &tfprotov6.RawState{JSON: []byte(`{"name": "web", "instances": 3}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(answer.Diagnostics, func(d *tfprotov6.Diagnostic) bool {
		return strings.Contains(d.Summary, "cannot be read") && strings.Contains(d.Detail, "instances")
	}) {
		t.Errorf("said %v", answer.Diagnostics)
	}
}
