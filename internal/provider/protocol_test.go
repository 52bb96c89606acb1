package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tfsdklog"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// caller speaks the plugin protocol with the provider as a CLI does, without one: what
// is measured then is the provider.
type caller struct {
	*world
	ctx      context.Context
	provider tfprotov6.ProviderServer
	schemas  *tfprotov6.GetProviderSchemaResponse
}

// object is an object of HCL: what is not said is null.
type object = map[string]any

func newCaller(t testing.TB) *caller {
	t.Helper()
	c := &caller{world: &world{Server: labtest.Start(t, lab.Options{}), t: t}, ctx: quiet(t)}
	c.start()
	return c
}

// quiet gives a context the loggers that a plugin's server has, as they are when nobody
// asks for a log.
func quiet(t testing.TB) context.Context {
	t.Helper()
	for _, name := range []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER"} {
		t.Setenv(name, "OFF")
	}
	ctx := tfsdklog.NewRootSDKLogger(t.Context(), tfsdklog.WithLevelFromEnv("TF_LOG_SDK"))
	return tfsdklog.NewRootProviderLogger(ctx, tfsdklog.WithLevelFromEnv("TF_LOG_PROVIDER"))
}

// start starts and configures a provider, as each command of a CLI does.
func (c *caller) start() {
	c.t.Helper()
	c.provider = provider.NewServer("test")()
	var err error
	if c.schemas, err = c.provider.GetProviderSchema(c.ctx, &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		c.t.Fatal(err)
	}
	kind := c.schemas.Provider.ValueType()
	endpoints := object{"ec2": c.URL, "elbv2": c.URL, "s3": c.URL, "ssm": c.URL, "sts": c.URL}
	config := value(kind, object{"region": "us-east-1", "access_key": "lab", "secret_key": "lab", "endpoints": []any{endpoints}})
	answer, err := c.provider.ConfigureProvider(c.ctx, &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.11.4", Config: c.pack(kind, config)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fine(answer.Diagnostics)
}

// kind is the type of a fleet on the wire.
func (c *caller) kind() tftypes.Object {
	kind, ok := c.schemas.ResourceSchemas["stamp_fleet"].ValueType().(tftypes.Object)
	if !ok {
		c.t.Fatal("a fleet is no object")
	}
	return kind
}

func (c *caller) pack(kind tftypes.Type, whole tftypes.Value) *tfprotov6.DynamicValue {
	c.t.Helper()
	packed, err := tfprotov6.NewDynamicValue(kind, whole)
	if err != nil {
		c.t.Fatal(err)
	}
	return &packed
}

func (c *caller) unpack(packed *tfprotov6.DynamicValue) tftypes.Value {
	c.t.Helper()
	whole, err := packed.Unmarshal(c.kind())
	if err != nil {
		c.t.Fatal(err)
	}
	return whole
}

func (c *caller) fine(diagnostics []*tfprotov6.Diagnostic) {
	c.t.Helper()
	for _, diagnostic := range diagnostics {
		if diagnostic.Severity == tfprotov6.DiagnosticSeverityError {
			c.t.Fatalf("%s: %s (%s)", diagnostic.Summary, diagnostic.Detail, diagnostic.Attribute)
		}
	}
}

// saved is what a CLI keeps of a fleet.
type saved struct {
	state    *tfprotov6.DynamicValue
	private  []byte
	identity *tfprotov6.ResourceIdentityData
}

// validate asks what is wrong with a configuration.
func (c *caller) validate(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	c.t.Helper()
	answer, err := c.provider.ValidateResourceConfig(c.ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: "stamp_fleet", Config: config})
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.Diagnostics
}

// plan plans a fleet; before is nil for one that is to be created.
func (c *caller) plan(config tftypes.Value, before *saved) *tfprotov6.PlanResourceChangeResponse {
	c.t.Helper()
	packed := c.pack(c.kind(), config)
	c.fine(c.validate(packed))
	req := &tfprotov6.PlanResourceChangeRequest{
		TypeName: "stamp_fleet", Config: packed, ProposedNewState: packed, PriorState: c.pack(c.kind(), tftypes.NewValue(c.kind(), nil)),
	}
	if before != nil {
		req.PriorState, req.PriorPrivate, req.PriorIdentity = before.state, before.private, before.identity
		req.ProposedNewState = c.pack(c.kind(), proposed(c, config, c.unpack(before.state)))
	}
	answer, err := c.provider.PlanResourceChange(c.ctx, req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.fine(answer.Diagnostics)
	return answer
}

// proposed is the state with what the configuration says; what only the provider says
// stays.
func proposed(c *caller, config, state tftypes.Value) tftypes.Value {
	c.t.Helper()
	said, merged := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if err := config.As(&said); err != nil {
		c.t.Fatal(err)
	}
	if err := state.As(&merged); err != nil {
		c.t.Fatal(err)
	}
	for _, attribute := range c.schemas.ResourceSchemas["stamp_fleet"].Block.Attributes {
		if !attribute.Computed || !said[attribute.Name].IsNull() {
			merged[attribute.Name] = said[attribute.Name]
		}
	}
	return tftypes.NewValue(c.kind(), merged)
}

// apply applies a plan.
func (c *caller) apply(config tftypes.Value, plan *tfprotov6.PlanResourceChangeResponse) *saved {
	c.t.Helper()
	answer, err := c.provider.ApplyResourceChange(c.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: "stamp_fleet", Config: c.pack(c.kind(), config), PriorState: c.pack(c.kind(), tftypes.NewValue(c.kind(), nil)),
		PlannedState: plan.PlannedState, PlannedPrivate: plan.PlannedPrivate, PlannedIdentity: plan.PlannedIdentity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fine(answer.Diagnostics)
	return &saved{answer.NewState, answer.Private, answer.NewIdentity}
}

// refresh reads a fleet whose state is in a file.
func (c *caller) refresh(file []byte, before *saved) *saved {
	c.t.Helper()
	upgraded, err := c.provider.UpgradeResourceState(c.ctx, &tfprotov6.UpgradeResourceStateRequest{
		TypeName: "stamp_fleet", RawState: &tfprotov6.RawState{JSON: file},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fine(upgraded.Diagnostics)
	read, err := c.provider.ReadResource(c.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: "stamp_fleet", CurrentState: upgraded.UpgradedState, Private: before.private, CurrentIdentity: before.identity,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fine(read.Diagnostics)
	return &saved{read.NewState, read.Private, read.NewIdentity}
}

// value makes a value of a type; what is not said is null.
func value(kind tftypes.Type, said any) tftypes.Value {
	if given, ok := said.(tftypes.Value); ok {
		return given
	}
	if said == nil {
		return tftypes.NewValue(kind, nil)
	}
	named, _ := said.(object)
	switch kind := kind.(type) {
	case tftypes.Object:
		all := map[string]tftypes.Value{}
		for name, inner := range kind.AttributeTypes {
			all[name] = value(inner, named[name])
		}
		return tftypes.NewValue(kind, all)
	case tftypes.Map:
		all := map[string]tftypes.Value{}
		for name, inner := range named {
			all[name] = value(kind.ElementType, inner)
		}
		return tftypes.NewValue(kind, all)
	case tftypes.List:
		return tftypes.NewValue(kind, values(kind.ElementType, said))
	case tftypes.Set:
		return tftypes.NewValue(kind, values(kind.ElementType, said))
	}
	return tftypes.NewValue(kind, said)
}

func values(kind tftypes.Type, said any) (all []tftypes.Value) {
	elements, _ := said.([]any)
	for _, inner := range elements {
		all = append(all, value(kind, inner))
	}
	return all
}

// inFile is a state as it is in a CLI's file.
func (c *caller) inFile(state tftypes.Value) []byte {
	c.t.Helper()
	text, err := json.Marshal(plain(c.t, state))
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// plain is a value as JSON has it. What is unknown is the word, in brackets.
func plain(t testing.TB, whole tftypes.Value) any {
	t.Helper()
	if whole.IsNull() {
		return nil
	}
	if !whole.IsKnown() {
		return "(unknown)"
	}
	kind := whole.Type()
	switch {
	case kind.Is(tftypes.Object{}), kind.Is(tftypes.Map{}):
		inner := map[string]tftypes.Value{}
		if err := whole.As(&inner); err != nil {
			t.Fatal(err)
		}
		all := object{}
		for name := range maps.Keys(inner) {
			all[name] = plain(t, inner[name])
		}
		return all
	case kind.Is(tftypes.List{}), kind.Is(tftypes.Set{}):
		inner, all := []tftypes.Value{}, []any{}
		if err := whole.As(&inner); err != nil {
			t.Fatal(err)
		}
		for _, element := range inner {
			all = append(all, plain(t, element))
		}
		return all
	}
	return scalar(t, whole)
}

func scalar(t testing.TB, whole tftypes.Value) any {
	t.Helper()
	var err error
	switch kind := whole.Type(); {
	case kind.Is(tftypes.String):
		var text string
		if err = whole.As(&text); err == nil {
			return text
		}
	case kind.Is(tftypes.Bool):
		var yes bool
		if err = whole.As(&yes); err == nil {
			return yes
		}
	case kind.Is(tftypes.Number):
		number := new(big.Float)
		if err = whole.As(&number); err == nil {
			return json.Number(number.Text('f', -1))
		}
	}
	t.Fatal(fmt.Errorf("%s: %w", whole, err))
	return nil
}
