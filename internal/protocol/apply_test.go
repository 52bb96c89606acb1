package protocol

import (
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// apply applies a plan with the configuration that is wholly known by now. It reports
// whether that was a success.
func (c *core) apply(planned change, config map[string]any) bool {
	switch planned.action {
	case noOp:
		return true
	case destroy:
		return c.applyDestroy()
	case replace:
		if !c.applyDestroy() {
			return false
		}
	}
	if !c.validate(config) {
		return false
	}
	final, ok := c.plan(config)
	if !ok {
		return false
	}
	if broken := changed(c.typ, planned.planned, final.planned, ""); len(broken) > 0 {
		c.fault("Provider produced inconsistent final plan: %s", strings.Join(broken, "; "))
		return false
	}
	switch wanted := planned.action; {
	case final.action == wanted, wanted == replace && final.action == create:
	case wanted == update && final.action == noOp:
		return true // what was unknown is as it was
	default:
		c.fault("Provider changed the planned action from %s to %s", wanted, final.action)
		return false
	}
	return c.applyOnce(final, c.ignoring(config, final.prior))
}

// applyDestroy plans the destroy again, as core does, and applies it.
func (c *core) applyDestroy() bool {
	planned, ok := c.plan(nil)
	if !ok {
		return false
	}
	return c.applyOnce(planned, nil)
}

// applyOnce applies one change and looks at what it has left.
func (c *core) applyOnce(planned change, config map[string]any) bool {
	response, err := c.server.ApplyResourceChange(c.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: c.typeName, PriorState: c.wire(planned.prior), PlannedState: c.wire(planned.planned), Config: c.wire(config),
		PlannedPrivate: planned.private, PlannedIdentity: planned.identity,
	})
	if err != nil {
		return c.heard("apply", nil, err)
	}
	ok := c.heard("apply", response.Diagnostics, nil)
	value := c.read("apply", response.NewState)
	c.stateFaults("apply", value, response.NewIdentity)
	if ok {
		c.appliedFaults(planned, value)
	}
	created := planned.prior == nil
	c.object = object{value: value, private: response.Private, identity: response.NewIdentity, tainted: created && !ok && value != nil}
	if value == nil {
		c.object = object{}
	}
	return ok
}

// appliedFaults are the rules for the result of an apply that succeeded.
func (c *core) appliedFaults(planned change, value map[string]any) {
	switch {
	case planned.planned == nil && value != nil:
		c.fault("apply: a destroy without an error has left a state")
	case planned.planned == nil:
	case value == nil:
		c.fault("Provider produced inconsistent result after apply: root object was present, but now absent")
	default:
		if broken := changed(c.typ, planned.planned, value, ""); len(broken) > 0 {
			c.fault("Provider produced inconsistent result after apply: %s", strings.Join(broken, "; "))
		}
	}
}

// settled looks whether the same configuration plans nothing now, with a refresh and
// without, and after one that was kept.
func (c *core) settled(config map[string]any) {
	kept := c.object
	for _, way := range []string{"-refresh=false", "", "-refresh-only"} {
		if way == "-refresh-only" && !thorough() {
			continue // another process alone
		}
		if c.process(); way != "-refresh=false" && !c.refresh() {
			return
		}
		if way == "-refresh-only" {
			c.process()
		}
		c.nothingPlanned(config, way)
		if way == "-refresh=false" {
			c.object = kept
		}
	}
}

func (c *core) nothingPlanned(config map[string]any, way string) {
	if c.object.value == nil {
		c.fault("nothing is left after an apply")
		return
	}
	planned, ok := c.plan(config)
	if !ok {
		c.fault("a plan of what was applied (%s) fails: %v", way, c.said)
		return
	}
	if planned.action == noOp {
		return
	}
	c.fault("a plan of what was applied (%s) is not empty: %s %s", way, planned.action, differences(planned.prior, planned.planned))
}

// differences names the attributes of two objects that differ.
func differences(before, after map[string]any) (found []string) {
	for name, now := range after {
		if !reflect.DeepEqual(before[name], now) {
			found = append(found, name+": "+show(before[name])+" → "+show(now))
		}
	}
	return found
}

// importAs imports an object that the state does not have, and returns whether it could.
func (c *core) importAs(id string) bool {
	response, err := c.server.ImportResourceState(c.ctx, &tfprotov6.ImportResourceStateRequest{TypeName: c.typeName, ID: id})
	if err != nil {
		return c.heard("import", nil, err)
	}
	if !c.heard("import", response.Diagnostics, nil) {
		return false
	}
	if len(response.ImportedResources) != 1 {
		c.fault("import: %d resources", len(response.ImportedResources))
		return false
	}
	imported := response.ImportedResources[0]
	c.object = object{value: c.read("import", imported.State), private: imported.Private, identity: imported.Identity}
	return c.readResource()
}
