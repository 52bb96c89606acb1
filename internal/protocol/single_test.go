package protocol

import (
	"fmt"
	"slices"
	"testing"
)

// life is a resource from its create to its destroy.
type life struct {
	typeName string
	// acts are configurations that are applied one after the other.
	acts []act
}

// act is one apply.
type act struct {
	edits []edit
}

// TestSingle edits each attribute by itself, in every way that is easily forgotten, first in
// a create and then in an update, known and unknown when it is planned.
func TestSingle(t *testing.T) {
	for typeName, base := range bases {
		t.Run(typeName, func(t *testing.T) {
			schema := schemaOf(t, typeName)
			for _, p := range places(schema.Block.Attributes, "") {
				values := odd(p)
				values = append(values, sensible(typeName, p)...)
				if !thorough() {
					values = slices.Concat(odd(p), sensible(typeName, p)[:1])
				}
				for _, value := range values {
					for _, late := range []bool{false, true} {
						e := edit{place: p, value: value, late: late}
						final, first := edited(typeName, schema.Block.Attributes, base, []edit{e})
						report(t, e.String(), inWorld(t, func(w *world) []string {
							c := w.core(typeName)
							final, first := w.config(final), w.config(first)
							c.guarded(func() {
								c.turn(first, final)
								c.end()
							})
							return c.faults
						}))
						report(t, "then "+e.String(), inWorld(t, func(w *world) []string {
							c := w.core(typeName)
							before, final, first := w.config(cloneObject(base)), w.config(final), w.config(first)
							c.guarded(func() {
								c.turn(before, before)
								c.turn(first, final)
								c.end()
							})
							return c.faults
						}))
					}
				}
			}
		})
	}
}

func report(t *testing.T, what string, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Errorf("%s\n    %s", what, fault)
	}
}

// config is a configuration with the account's names in it.
func (w *world) config(config map[string]any) map[string]any {
	named, ok := w.named(clone(config)).(map[string]any)
	if !ok {
		w.t.Fatal(fmt.Sprintf("%v is no object", config))
	}
	return named
}

// turn plans a configuration and applies it when more is known of it.
func (c *core) turn(first, final map[string]any) {
	c.process()
	if !c.validate(first) || !c.refresh() {
		return
	}
	planned, ok := c.plan(first)
	if !ok {
		return
	}
	c.process()
	if c.apply(planned, final) {
		c.settled(final)
	}
}

// end destroys what there is.
func (c *core) end() {
	c.process()
	if !c.refresh() {
		return
	}
	if c.object.value == nil {
		return
	}
	if planned, ok := c.plan(nil); ok {
		c.process()
		c.apply(planned, nil)
	}
}
