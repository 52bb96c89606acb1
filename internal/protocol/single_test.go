package protocol

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parts are how many worlds there are at the same time.
const parts = 2

// TestSingle edits each attribute by itself, in every way that is easily forgotten, first in
// a create and then in an update, known and unknown when it is planned.
func TestSingle(t *testing.T) {
	for typeName := range bases {
		edits := singles(typeName, places(schemaOf(t, typeName).Block.Attributes, ""))
		for part := range parts {
			t.Run(fmt.Sprintf("%s %d", typeName, part), func(t *testing.T) {
				t.Parallel()
				for i := part; i < len(edits); i += parts {
					if thorough() || i/parts%2 == 0 {
						playCreate(t, typeName, edits[i])
					}
					if thorough() || i/parts%2 == 1 {
						playUpdate(t, typeName, edits[i])
					}
				}
			})
		}
	}
}

// singles are edits of one place. Unless all are asked for, each place is edited in one way.
func singles(typeName string, all []place) (edits []edit) {
	for at, p := range all {
		values := slices.Concat(odd(p), sensible(typeName, p))
		for i, value := range values {
			if thorough() {
				edits = append(edits, edit{place: p, value: value}, edit{place: p, value: value, late: true})
			} else if i == at%len(values) {
				edits = append(edits, edit{place: p, value: value, late: at%2 == 0})
			}
		}
	}
	return edits
}

func playCreate(t *testing.T, typeName string, e edit) {
	t.Helper()
	final, first := edited(typeName, schemaOf(t, typeName).Block.Attributes, bases[typeName], []edit{e})
	report(t, "create with "+e.String(), inWorld(t, func(w *world) []string {
		c := w.core(typeName)
		c.guarded(func() {
			c.turn(w.config(c, first), w.config(c, final))
			c.end()
		})
		return c.faults
	}))
}

func playUpdate(t *testing.T, typeName string, e edit) {
	t.Helper()
	final, first := edited(typeName, schemaOf(t, typeName).Block.Attributes, bases[typeName], []edit{e})
	report(t, "update to "+e.String(), inWorld(t, func(w *world) []string {
		c := w.core(typeName)
		before := w.config(c, bases[typeName])
		c.guarded(func() {
			if !c.turn(before, before) {
				c.fault("the base cannot be applied: %s", strings.Join(c.said, "\n"))
			}
			c.turn(w.config(c, first), w.config(c, final))
			c.end()
		})
		return c.faults
	}))
}
