package protocol

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestProvider configures the provider with each attribute of its block in every way that is
// easily forgotten.
func TestProvider(t *testing.T) {
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range places(all.Provider.Block.Attributes, "") {
		for _, value := range slices.Concat(odd(p), plain(p.attribute.ValueType()), []any{unknown{}}) {
			e := edit{place: p, value: value}
			report(t, "provider with "+e.String(), inWorld(t, func(w *world) []string {
				c := w.core(fleetType)
				c.guarded(func() {
					_, diagnostics := w.startWith(map[string]any{p.path: value})
					c.heard("configure", diagnostics, nil)
				})
				return c.faults
			}))
		}
	}
}

// TestProvider_unknown plans while the provider block depends on what the same apply makes.
func TestProvider_unknown(t *testing.T) {
	for typeName, base := range bases {
		for _, name := range []string{"region", "access_key", "default_tags"} {
			for _, exists := range []bool{false, true} {
				report(t, fmt.Sprintf("%s, provider with unknown %s, exists %v", typeName, name, exists), inWorld(t, func(w *world) []string {
					c := w.core(typeName)
					config := w.config(c, base)
					c.guarded(func() {
						if exists {
							c.turn(config, config)
						}
						c.lateProvider(w, config, name)
						c.end()
					})
					return c.faults
				}))
			}
		}
	}
}

// lateProvider plans with an attribute of the provider block that is known when it applies.
func (c *core) lateProvider(w *world, config map[string]any, name string) {
	server, diagnostics := w.startWith(map[string]any{name: unknown{}})
	if !c.heard("configure", diagnostics, nil) {
		c.fault("an unknown %s is refused", name)
		return
	}
	c.server = server
	planned, ok := c.plan(config)
	if !ok {
		c.fault("a plan without an account fails: %s", strings.Join(c.said, "; "))
		return
	}
	c.process()
	if !c.apply(planned, config) {
		c.fault("the apply fails: %s", strings.Join(c.said, "; "))
		return
	}
	c.settled(config)
}

const dataType = "data.stamp_golden_image"

// TestDataSource reads a data source with each attribute in every way that is easily
// forgotten.
func TestDataSource(t *testing.T) {
	schema := schemaOf(t, dataType)
	for _, p := range places(schema.Block.Attributes, "") {
		for _, value := range slices.Concat(odd(p), sensible(dataType, p)) {
			e := edit{place: p, value: value}
			report(t, "data source with "+e.String(), inWorld(t, func(w *world) []string {
				c := w.core(imageType)
				config := w.config(c, bases[imageType])
				c.guarded(func() {
					c.turn(config, config)
					c.readData(w, map[string]any{"name": "line", p.path: value})
					c.end()
				})
				return c.faults
			}))
		}
	}
}

// readData reads the data source as core does: what the configuration says stays, and all
// else is known.
func (c *core) readData(w *world, config map[string]any) {
	data := &core{ctx: c.ctx, schema: schemaOf(w.t, dataType)}
	data.typ = data.schema.ValueType()
	config = w.config(data, config)
	server, name := w.start(), strings.TrimPrefix(dataType, "data.")
	validated, err := server.ValidateDataResourceConfig(c.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: data.wire(config)})
	w.must(err)
	if !c.heard("validate", validated.Diagnostics, nil) {
		return
	}
	response, err := server.ReadDataSource(c.ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: data.wire(config)})
	w.must(err)
	if !c.heard("read", response.Diagnostics, nil) {
		return
	}
	value := data.read("read", response.State)
	if c.faults = append(c.faults, data.faults...); !whollyKnown(value) {
		c.fault("read: unknown values: %s", show(value))
	}
	for _, broken := range planFaults(data.schema.Block.Attributes, nil, config, value, "") {
		c.fault("read: %s", broken)
	}
}
