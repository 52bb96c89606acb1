package protocol

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// act is one apply of a life.
type act struct {
	edits []edit
	// ignored is an attribute that ignore_changes names, "" for none.
	ignored string
	// before and between happen before the plan, and between plan and apply.
	before, between string
	// stale plans with -refresh=false; imported removes the resource from the state and
	// imports it first.
	stale, imported bool
}

// String is the act as it is told when something is wrong.
func (a act) String() string {
	var said []string
	for _, e := range a.edits {
		said = append(said, e.String())
	}
	text := strings.Join(said, "; ")
	for what, value := range map[string]string{"ignore_changes": a.ignored, "before": a.before, "between": a.between} {
		if value != "" {
			text += fmt.Sprintf(" [%s %s]", what, value)
		}
	}
	return text + map[bool]string{true: " [-refresh=false]"}[a.stale] + map[bool]string{true: " [imported]"}[a.imported]
}

// TestLives plays random lives of each resource: creates, updates, imports and destroys of
// configurations that are drawn from the schema, while the world goes on.
func TestLives(t *testing.T) {
	for typeName := range bases {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			all := places(schemaOf(t, typeName).Block.Attributes, "")
			applied := 0
			rapid.Check(t, func(rt *rapid.T) {
				acts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) act { return drawAct(rt, typeName, all) }), 1, 3).Draw(rt, "acts")
				faults := inWorld(t, func(w *world) []string {
					c := w.core(typeName)
					c.guarded(func() { applied += w.live(c, acts) })
					return c.faults
				})
				input := fmt.Sprint(acts)
				if faults = slices.DeleteFunc(faults, func(fault string) bool { return expectedWhy(input, fault) != "" }); len(faults) > 0 {
					rt.Fatalf("%s\n    %s", input, strings.Join(faults, "\n    "))
				}
			})
			t.Logf("%d applies succeeded", applied)
			if applied == 0 {
				t.Error("nothing was ever applied: all that is drawn is refused")
			}
		})
	}
}

func drawAct(rt *rapid.T, typeName string, all []place) act {
	edits := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) edit {
		p := rapid.SampledFrom(all).Draw(rt, "place")
		values := sensible(typeName, p)
		if rapid.IntRange(0, 4).Draw(rt, "odd") == 4 {
			values = odd(p)
		}
		return edit{place: p, value: rapid.SampledFrom(values).Draw(rt, "value"), late: rapid.IntRange(0, 3).Draw(rt, "late") == 3}
	}), 0, 4).Draw(rt, "edits")
	a := act{edits: edits, stale: rapid.IntRange(0, 5).Draw(rt, "stale") == 5, imported: rapid.IntRange(0, 7).Draw(rt, "imported") == 7}
	if rapid.IntRange(0, 3).Draw(rt, "ignores") == 3 {
		a.ignored = rapid.SampledFrom(all).Draw(rt, "ignored").root()
	}
	happenings := append([]string{"", "", ""}, events(typeName)...)
	a.before = rapid.SampledFrom(happenings).Draw(rt, "before")
	a.between = rapid.SampledFrom(happenings).Draw(rt, "between")
	return a
}

// live plays the acts, and counts those that were applied.
func (w *world) live(c *core, acts []act) (applied int) {
	attributes := c.schema.Block.Attributes
	base := bases[c.typeName]
	for _, a := range acts {
		final, first := edited(c.typeName, attributes, base, a.edits)
		if c.ignored = nil; a.ignored != "" {
			c.ignored = []string{a.ignored}
		}
		w.befall(a.before, c)
		if name, ok := c.object.value["name"].(string); ok && a.imported {
			region, _ := c.object.value["region"].(string)
			if c.process(); !c.importAs(name + "@" + region) {
				c.end()
				return applied
			}
		}
		if c.planAndApply(w.config(c, first), w.config(c, final), !a.stale, func() { w.befall(a.between, c) }) {
			applied++
			base = final
			if a.between == "" && !a.stale { // otherwise there may be something left to find
				c.settled(w.config(c, final))
			}
		}
	}
	c.end()
	return applied
}
