package protocol

import (
	"slices"
	"strings"
	"testing"
)

// TestBlame plans a create with one attribute edited: when that is refused, the answer names
// an attribute, so that Terraform shows its line.
func TestBlame(t *testing.T) {
	for typeName, base := range bases {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			attributes := schemaOf(t, typeName).Block.Attributes
			for at, p := range places(attributes, "") {
				for i, value := range slices.Concat(odd(p), sensible(typeName, p)) {
					if !thorough() && (i+at)%3 != 0 {
						continue
					}
					e := edit{place: p, value: value}
					final, _ := edited(typeName, attributes, base, []edit{e})
					report(t, "plan with "+e.String(), inWorld(t, func(w *world) []string {
						c := w.core(typeName)
						c.guarded(func() { c.blamed(w.config(c, final)) })
						return c.faults
					}))
				}
			}
		})
	}
}

// blamed plans a configuration, and looks whether a refusal says where.
func (c *core) blamed(config map[string]any) {
	if c.process(); !c.validate(config) {
		return // which is held to the same rule everywhere
	}
	c.said = nil
	c.plan(config)
	for _, said := range c.said {
		if strings.HasPrefix(said, "plan ERROR") && !strings.Contains(said, "(AttributeName(") {
			c.fault("an error that names no attribute: %s", said)
		}
	}
}
