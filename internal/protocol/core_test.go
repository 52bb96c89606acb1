package protocol

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What core does with a resource.
const (
	noOp    = "no-op"
	create  = "create"
	update  = "update"
	replace = "replace"
	destroy = "delete"
)

// object is what a state has of one resource.
type object struct {
	// value is nil while there is nothing.
	value    map[string]any
	private  []byte
	identity *tfprotov6.ResourceIdentityData
	tainted  bool
}

// change is a planned change.
type change struct {
	action         string
	prior, planned map[string]any
	private        []byte
	identity       *tfprotov6.ResourceIdentityData
}

// core is Terraform's core with one resource. Every step that is a process of its own in
// Terraform is given a provider that knows nothing of the former ones.
type core struct {
	ctx      context.Context
	typeName string
	schema   *tfprotov6.Schema
	typ      tftypes.Type
	// start starts a provider.
	start  func() tfprotov6.ProviderServer
	server tfprotov6.ProviderServer
	object object
	// ignored are the attributes that ignore_changes names.
	ignored []string
	// faults are the broken rules, said what the last answers that were no success.
	faults []string
	said   []string
}

func (c *core) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// heard looks at the diagnostics of an answer, and reports whether it is a success.
func (c *core) heard(step string, diagnostics []*tfprotov6.Diagnostic, err error) bool {
	if err != nil {
		c.fault("%s: %v", step, err)
		return false
	}
	c.faults = append(c.faults, answerFaults(step, diagnostics)...)
	for _, d := range diagnostics {
		at := ""
		if d.Attribute != nil {
			at = " (" + d.Attribute.String() + ")"
		}
		c.said = append(c.said, fmt.Sprintf("%s %s: %s: %s%s", step, d.Severity, d.Summary, d.Detail, at))
	}
	return !failed(diagnostics)
}

// guarded turns a panic into a fault.
func (c *core) guarded(do func()) {
	defer func() {
		if r := recover(); r != nil {
			c.fault("panic: %v\n%s", r, debug.Stack())
		}
	}()
	do()
}

func (c *core) wire(value map[string]any) *tfprotov6.DynamicValue {
	var tree any
	if value != nil {
		tree = value
	}
	encoded, err := encode(c.typ, tree)
	if err != nil {
		panic(err)
	}
	dynamic, err := tfprotov6.NewDynamicValue(c.typ, encoded)
	if err != nil {
		panic(err)
	}
	return &dynamic
}

// read takes a value off the wire; what does not conform to the schema is a fault.
func (c *core) read(step string, dynamic *tfprotov6.DynamicValue) map[string]any {
	if dynamic == nil {
		return nil
	}
	value, err := dynamic.Unmarshal(c.typ)
	if err != nil {
		c.fault("%s: a value that does not conform to the schema: %v", step, err)
		return nil
	}
	object, _ := decode(value).(map[string]any)
	return object
}

// process begins a step that has a provider of its own.
func (c *core) process() { c.server = c.start() }

func (c *core) validate(config map[string]any) bool {
	response, err := c.server.ValidateResourceConfig(c.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: c.typeName, Config: c.wire(config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		return c.heard("validate", nil, err)
	}
	return c.heard("validate", response.Diagnostics, nil)
}

// refresh upgrades the state and reads it anew.
func (c *core) refresh() bool {
	if c.object.value == nil {
		return true
	}
	raw, err := json.Marshal(c.object.value)
	if err != nil {
		panic(err)
	}
	upgraded, err := c.server.UpgradeResourceState(c.ctx, &tfprotov6.UpgradeResourceStateRequest{
		TypeName: c.typeName, Version: c.schema.Version, RawState: &tfprotov6.RawState{JSON: raw},
	})
	if err != nil || !c.heard("upgrade", upgraded.Diagnostics, nil) {
		return c.heard("upgrade", nil, err)
	}
	if was := c.read("upgrade", upgraded.UpgradedState); !reflect.DeepEqual(was, c.object.value) {
		c.fault("upgrade: the state is another one: %s, was %s", show(was), show(c.object.value))
	}
	return c.readResource()
}

func (c *core) readResource() bool {
	response, err := c.server.ReadResource(c.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: c.typeName, CurrentState: c.wire(c.object.value), Private: c.object.private, CurrentIdentity: c.object.identity,
	})
	if err != nil {
		return c.heard("read", nil, err)
	}
	if !c.heard("read", response.Diagnostics, nil) {
		return false
	}
	c.object.value = c.read("read", response.NewState)
	c.object.private, c.object.identity = response.Private, response.NewIdentity
	c.stateFaults("read", c.object.value, c.object.identity)
	if c.object.value == nil {
		c.object = object{}
	}
	return true
}

// stateFaults are the rules for what goes into a state.
func (c *core) stateFaults(step string, value map[string]any, identity *tfprotov6.ResourceIdentityData) {
	if value == nil {
		return
	}
	if !whollyKnown(value) {
		c.fault("%s: a state with unknown values: %s", step, show(value))
	}
	c.faults = append(c.faults, writtenOnly(c.schema.Block.Attributes, value, step)...)
	if identity == nil || identity.IdentityData == nil {
		c.fault("%s: no identity", step)
	}
}

// writtenOnly finds write-only attributes that a state has.
func writtenOnly(attributes []*tfprotov6.SchemaAttribute, value map[string]any, at string) (faults []string) {
	for _, attribute := range attributes {
		if attribute.WriteOnly && value[attribute.Name] != nil {
			faults = append(faults, at+": a state with the write-only attribute "+attribute.Name)
		}
		if nested, ok := value[attribute.Name].(map[string]any); ok && attribute.NestedType != nil &&
			attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeSingle {
			faults = append(faults, writtenOnly(attribute.NestedType.Attributes, nested, at)...)
		}
	}
	return faults
}

// plan plans a configuration; nil is a destroy.
func (c *core) plan(config map[string]any) (change, bool) {
	before := c.object
	prior, private := before.value, before.private
	if config == nil {
		planned, ok := c.planOnce(prior, private, before.identity, nil)
		return change{action: destroy, prior: prior, private: planned.private, identity: planned.identity}, ok
	}
	if before.tainted {
		prior, private = nil, nil
	}
	planned, ok := c.planOnce(prior, private, before.identity, c.ignoring(config, prior))
	if !ok {
		return change{}, false
	}
	switch {
	case before.tainted:
		planned.action = replace
	case planned.action == replace:
		// There is nothing then that could be kept of what ignore_changes names.
		again, ok := c.planOnce(nil, planned.private, nil, config)
		if !ok {
			return change{}, false
		}
		planned.planned, planned.private, planned.identity = again.planned, again.private, again.identity
	}
	return planned, true
}

// planOnce asks the provider for a plan, and looks whether it may be one.
func (c *core) planOnce(prior map[string]any, private []byte, identity *tfprotov6.ResourceIdentityData, config map[string]any) (change, bool) {
	attributes := c.schema.Block.Attributes
	var proposal map[string]any
	if config != nil {
		proposal = proposed(attributes, prior, config)
	}
	response, err := c.server.PlanResourceChange(c.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: c.typeName, PriorState: c.wire(prior), ProposedNewState: c.wire(proposal), Config: c.wire(config),
		PriorPrivate: private, PriorIdentity: identity,
	})
	if err != nil {
		return change{}, c.heard("plan", nil, err)
	}
	if !c.heard("plan", response.Diagnostics, nil) {
		return change{}, false
	}
	planned := change{prior: prior, planned: c.read("plan", response.PlannedState), private: response.PlannedPrivate, identity: response.PlannedIdentity}
	if config == nil {
		if planned.planned != nil {
			c.fault("plan: a destroy that leaves something")
		}
		return planned, true
	}
	if planned.planned == nil {
		c.fault("plan: planned nothing at all")
		return planned, false
	}
	for _, broken := range planFaults(attributes, prior, config, planned.planned, "") {
		c.fault("plan: %s", broken)
	}
	planned.action = c.actionOf(planned, response.RequiresReplace)
	return planned, true
}

// actionOf is what core makes of a plan.
func (c *core) actionOf(planned change, replaces []*tftypes.AttributePath) string {
	if planned.prior == nil {
		return create
	}
	for _, at := range replaces {
		steps := at.Steps()
		name, ok := steps[0].(tftypes.AttributeName)
		if !ok || len(steps) != 1 {
			c.fault("plan: requires a replacement for %s, which this test does not understand", at)
			continue
		}
		if !reflect.DeepEqual(planned.prior[string(name)], planned.planned[string(name)]) {
			return replace
		}
	}
	if reflect.DeepEqual(planned.prior, planned.planned) {
		return noOp
	}
	return update
}

// ignoring puts the prior values of ignored attributes into a configuration.
func (c *core) ignoring(config, prior map[string]any) map[string]any {
	if prior == nil || len(c.ignored) == 0 {
		return config
	}
	config = cloneObject(config)
	for _, name := range c.ignored {
		config[name] = clone(prior[name])
	}
	return config
}
