package protocol

import (
	"fmt"
	"testing"
)

// TestBetween lets the world go on between a plan and its apply, as it does while a pull
// request waits for a review. The apply does what was planned or says what has changed.
func TestBetween(t *testing.T) {
	upload := hcl{"steps": []any{hcl{"name": "up", "upload": hcl{"source": "@file", "destination": "/opt/f"}}}}
	directory := hcl{"steps": []any{hcl{"name": "up", "upload": hcl{"source": "@dir", "destination": "/opt/d"}}}}
	newest := hcl{"lookup": hcl{"owners": []any{"self"}, "name": "base-*"}}
	tests := map[string]struct {
		typeName string
		// before are applied first, one after the other; wanted is planned and applied.
		before []hcl
		wanted hcl
		event  string
	}{
		"a file, create":                   {imageType, nil, hcl{"bake": upload}, "a file changes"},
		"a file, bake":                     {imageType, []hcl{{}}, hcl{"bake": upload}, "a file changes"},
		"a file, no bake":                  {imageType, []hcl{{"bake": upload}}, hcl{"bake": upload, "description": "new"}, "a file changes"},
		"a directory, bake":                {imageType, []hcl{{}}, hcl{"bake": directory}, "a file changes"},
		"a file that goes, create":         {imageType, nil, hcl{"bake": upload}, "a file goes"},
		"a file that goes, no bake":        {imageType, []hcl{{"bake": upload}}, hcl{"bake": upload, "description": "new"}, "a file goes"},
		"a source, create":                 {imageType, nil, hcl{"source": newest}, "a newer source"},
		"a source, bake":                   {imageType, []hcl{{"source": newest}}, hcl{"source": newest, "refresh": hcl{"triggers": hcl{"r": "2"}}}, "a newer source"},
		"a source, edited":                 {imageType, []hcl{{}}, hcl{"source": newest}, "a newer source"},
		"a source, no bake":                {imageType, []hcl{{"source": newest}}, hcl{"source": newest, "description": "new"}, "a newer source"},
		"a parameter, no bake":             {imageType, []hcl{{"source": hcl{"ssm_parameter": "/base"}}}, hcl{"source": hcl{"ssm_parameter": "/base"}, "description": "new"}, "a newer source"},
		"a maximum of age":                 {imageType, []hcl{{"refresh": hcl{"max_age": "720h"}}}, hcl{"refresh": hcl{"max_age": "720h"}, "description": "new"}, "months pass"},
		"a kept version, promote":          {imageType, []hcl{{}, {"bake": directory}}, hcl{}, "the oldest version goes"},
		"a kept version, pinned":           {imageType, []hcl{{}, {"bake": directory}}, hcl{"bake": directory, "refresh": hcl{"pin_version": 1}}, "the oldest version goes"},
		"a kept version, description":      {imageType, []hcl{{}, {"bake": directory}}, hcl{"bake": directory, "description": "new"}, "the oldest version goes"},
		"the current version":              {imageType, []hcl{{}}, hcl{"description": "new"}, "the newest version goes"},
		"the current version, bake":        {imageType, []hcl{{}}, hcl{"bake": directory}, "the newest version goes"},
		"an instance, tags":                {fleetType, []hcl{{}}, hcl{"tags": hcl{"A": "1"}}, "an instance ends"},
		"an instance, image":               {fleetType, []hcl{{}}, hcl{"image_id": "@ami2"}, "an instance ends"},
		"an instance, growing":             {fleetType, []hcl{{}}, hcl{"size": 3}, "an instance ends"},
		"a stopped instance, shrinking":    {fleetType, []hcl{{}}, hcl{"size": 1}, "an instance stops"},
		"a stopped instance, other checks": {fleetType, []hcl{{}}, hcl{"health": hcl{"target_groups": false}}, "an instance stops"},
		"a stopped instance, a new group":  {fleetType, []hcl{{}}, hcl{"target_group_arns": []any{"@tg0"}}, "an instance stops"},
		"an instance, another type of its slot": {
			fleetType, []hcl{{}}, hcl{"slots": hcl{"overrides": hcl{"0": hcl{"instance_type": "t3.medium"}}}}, "an instance ends",
		},
		"an instance, another subnet of its slot": {
			fleetType, []hcl{{}}, hcl{"slots": hcl{"overrides": hcl{"0": hcl{"subnet_id": "@subnet1"}}}}, "an instance ends",
		},
		"an instance, hostnames of its slot": {fleetType, []hcl{{}}, hcl{"slots": hcl{"hostname": "h-%d"}}, "an instance ends"},
		"an instance, nothing":               {fleetType, []hcl{{}}, hcl{"timeouts": hcl{"update": "2h"}}, "an instance ends"},
		"a stopped instance, volumes":        {fleetType, []hcl{{}}, hcl{"volumes": hcl{"/dev/sdf": hcl{"size": 10}}}, "an instance stops"},
		"an impaired instance, tags":         {fleetType, []hcl{{"health": hcl{"grace_period": "0s"}}}, hcl{"health": hcl{"grace_period": "0s"}, "tags": hcl{"A": "1"}}, "an instance is impaired"},
		"a group, tags": {
			fleetType,
			[]hcl{{"vpc_security_group_ids": []any{"@sg1"}}},
			hcl{"vpc_security_group_ids": []any{"@sg1"}, "tags": hcl{"A": "1"}},
			"an instance leaves a group",
		},
		"a tag, description of the image": {imageType, []hcl{{}}, hcl{"description": "new"}, "a tag is written by hand"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report(t, fmt.Sprintf("%s [between %s]", name, test.event), inWorld(t, func(w *world) []string {
				c := w.core(test.typeName)
				with := func(changes hcl) map[string]any {
					config := cloneObject(bases[test.typeName])
					for name, value := range changes {
						config[name] = clone(value)
					}
					return w.config(c, config)
				}
				c.guarded(func() {
					for _, before := range test.before {
						if !c.turn(with(before), with(before)) {
							c.fault("it cannot begin: %v", c.said)
							return
						}
					}
					wanted := with(test.wanted)
					c.planAndApply(wanted, wanted, true, func() { w.befall(test.event, c) })
					if test.event == "a file goes" {
						w.write("file", "back")
					}
					if !c.turn(wanted, wanted) && len(c.faults) == 0 && test.wanted["refresh"] == nil {
						c.fault("the next apply fails: %v", c.said)
					}
					c.end()
				})
				return c.faults
			}))
		})
	}
}
