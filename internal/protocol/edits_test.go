package protocol

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// place is an attribute that a configuration may set, or what is in it: "bake.steps",
// "bake.steps[].script". Elements are []: the first there is, or one that is made.
type place struct {
	path      string
	attribute *tfprotov6.SchemaAttribute
}

// places are all that a schema lets a configuration set.
func places(attributes []*tfprotov6.SchemaAttribute, below string) (all []place) {
	for _, attribute := range attributes {
		if !attribute.Optional && !attribute.Required {
			continue
		}
		at := below + attribute.Name
		all = append(all, place{at, attribute})
		if nested := attribute.NestedType; nested != nil {
			if nested.Nesting != tfprotov6.SchemaObjectNestingModeSingle {
				at += "[]"
			}
			all = append(all, places(nested.Attributes, at+".")...)
		}
	}
	return all
}

// root is the attribute of the resource that a place is in.
func (p place) root() string {
	name, _, _ := strings.Cut(p.path, ".")
	return strings.TrimSuffix(name, "[]")
}

// edit sets one place of a configuration.
type edit struct {
	place place
	value any
	// late values are unknown in the first plan.
	late bool
}

// String is the edit as HCL says it.
func (e edit) String() string {
	text := e.place.path + " = " + show(e.value)
	if e.late {
		text += " (unknown when planned)"
	}
	return text
}

// edited is a configuration with some edits, as it is in the end, and as it is planned
// first.
func edited(typeName string, attributes []*tfprotov6.SchemaAttribute, base map[string]any, edits []edit) (final, first map[string]any) {
	final = cloneObject(base)
	for _, e := range edits {
		e.set(typeName, attributes, final, e.value)
	}
	first = cloneObject(final)
	for _, e := range edits {
		if e.late {
			e.hide(first)
		}
	}
	return final, first
}

// set puts a value into a configuration, with the objects that it must be in.
func (e edit) set(typeName string, attributes []*tfprotov6.SchemaAttribute, config map[string]any, value any) {
	steps := strings.Split(e.place.path, ".")
	for i, step := range steps[:len(steps)-1] {
		name := strings.TrimSuffix(step, "[]")
		attribute := attributeOf(attributes, name)
		config = e.enter(typeName, config, attribute, strings.Join(steps[:i+1], "."))
		attributes = attribute.NestedType.Attributes
	}
	config[steps[len(steps)-1]] = clone(value)
}

// hide makes the place unknown, where a later edit has not taken away what it is in.
func (e edit) hide(config map[string]any) {
	steps := strings.Split(e.place.path, ".")
	for _, step := range steps[:len(steps)-1] {
		var next any
		name, isElement := strings.CutSuffix(step, "[]")
		switch inner := config[name].(type) {
		case map[string]any:
			if next = inner; isElement {
				next = firstOf(inner)
			}
		case []any:
			if len(inner) > 0 {
				next = inner[0]
			}
		}
		object, ok := next.(map[string]any)
		if !ok {
			return
		}
		config = object
	}
	config[steps[len(steps)-1]] = unknown{}
}

// enter returns the object of a nested attribute, which is made if need be.
func (e edit) enter(typeName string, config map[string]any, attribute *tfprotov6.SchemaAttribute, path string) map[string]any {
	fresh := func() map[string]any {
		made := cloneObject(minimal[typeName+" "+path])
		if made == nil {
			made = map[string]any{}
		}
		for _, inner := range attribute.NestedType.Attributes {
			if _, there := made[inner.Name]; inner.Required && !there {
				made[inner.Name] = clone(sensible(typeName, place{path + "." + inner.Name, inner})[0])
			}
		}
		return made
	}
	name := attribute.Name
	switch attribute.NestedType.Nesting {
	case tfprotov6.SchemaObjectNestingModeSingle:
		if object, ok := config[name].(map[string]any); ok {
			return object
		}
		made := fresh()
		config[name] = made
		return made
	case tfprotov6.SchemaObjectNestingModeMap:
		elements, _ := config[name].(map[string]any)
		if elements == nil {
			elements = map[string]any{}
			config[name] = elements
		}
		key := keys[typeName+" "+path]
		if object, ok := elements[key].(map[string]any); ok {
			return object
		}
		made := fresh()
		elements[key] = made
		return made
	default:
		elements, _ := config[name].([]any)
		if len(elements) > 0 {
			if object, ok := elements[0].(map[string]any); ok {
				return object
			}
		}
		made := fresh()
		config[name] = append([]any{made}, elements[min(1, len(elements)):]...)
		return made
	}
}

// firstOf is the value of the first key.
func firstOf(elements map[string]any) any {
	for _, key := range slices.Sorted(maps.Keys(elements)) {
		return elements[key]
	}
	return nil
}

func attributeOf(attributes []*tfprotov6.SchemaAttribute, name string) *tfprotov6.SchemaAttribute {
	for _, attribute := range attributes {
		if attribute.Name == name {
			return attribute
		}
	}
	panic(fmt.Sprintf("no attribute %s", name))
}

// empty are the values that say nothing: those that modules pass on from variables that
// nobody has set.
func empty(typ tftypes.Type) []any {
	switch {
	case typ.Is(tftypes.String):
		return []any{""}
	case typ.Is(tftypes.Number):
		return []any{0, -1}
	case typ.Is(tftypes.Bool):
		return []any{false}
	case typ.Is(tftypes.Object{}):
		return []any{map[string]any{}}
	case typ.Is(tftypes.Map{}):
		return []any{map[string]any{}, map[string]any{"k": nil}}
	}
	return []any{[]any{}, []any{nil}}
}

// plain are values of a type that nothing else is known of.
func plain(typ tftypes.Type) []any {
	switch typ := typ.(type) {
	case tftypes.Object:
		return []any{map[string]any{}}
	case tftypes.Map:
		return []any{map[string]any{"k": plain(typ.ElementType)[0]}}
	case tftypes.List:
		return []any{[]any{plain(typ.ElementType)[0]}}
	case tftypes.Set:
		return []any{[]any{plain(typ.ElementType)[0]}}
	}
	switch {
	case typ.Is(tftypes.Number):
		return []any{1, 2}
	case typ.Is(tftypes.Bool):
		return []any{true, false}
	}
	return []any{"x", "y"}
}

// sensible are values of a place that may well be accepted, or, for one that this test has
// not heard of, any values of its type.
func sensible(typeName string, p place) []any {
	if known := likely[typeName+" "+p.path]; known != nil {
		return known
	}
	return plain(p.attribute.ValueType())
}

// odd are values of a place that are easily forgotten: nothing, emptiness, nothing within.
func odd(p place) []any { return append(empty(p.attribute.ValueType()), nil) }
