package protocol

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// proposed is the state that core proposes: what the configuration says, and what it leaves
// to the provider as it was.
func proposed(attributes []*tfprotov6.SchemaAttribute, prior, config map[string]any) map[string]any {
	merged := map[string]any{}
	for _, attribute := range attributes {
		before, wanted := prior[attribute.Name], config[attribute.Name]
		switch {
		case attribute.Computed && wanted == nil:
			merged[attribute.Name] = before
		case attribute.NestedType != nil:
			merged[attribute.Name] = proposedNested(attribute.NestedType, before, wanted)
		default:
			merged[attribute.Name] = wanted
		}
	}
	return merged
}

func proposedNested(nested *tfprotov6.SchemaObject, before, wanted any) any {
	object := func(before, wanted any) any {
		config, ok := wanted.(map[string]any)
		if !ok {
			return wanted
		}
		prior, _ := before.(map[string]any)
		return proposed(nested.Attributes, prior, config)
	}
	switch config := wanted.(type) {
	case map[string]any:
		if nested.Nesting == tfprotov6.SchemaObjectNestingModeSingle {
			return object(before, config)
		}
		prior, _ := before.(map[string]any)
		merged := map[string]any{}
		for key, element := range config {
			merged[key] = object(prior[key], element)
		}
		return merged
	case []any:
		prior, _ := before.([]any)
		merged := []any{}
		for i, element := range config {
			var former any
			if i < len(prior) {
				former = prior[i]
			}
			merged = append(merged, object(former, element))
		}
		return merged
	}
	return wanted
}

// planFaults are the rules that a planned state breaks.
func planFaults(attributes []*tfprotov6.SchemaAttribute, prior, config, planned map[string]any, at string) (faults []string) {
	for _, attribute := range attributes {
		faults = append(faults, attributeFaults(attribute, prior[attribute.Name], config[attribute.Name], planned[attribute.Name],
			strings.TrimPrefix(at+"."+attribute.Name, "."))...)
	}
	return faults
}

func attributeFaults(attribute *tfprotov6.SchemaAttribute, prior, config, planned any, at string) []string {
	if attribute.WriteOnly {
		if planned != nil {
			return []string{at + ": planned a value for a write-only attribute"}
		}
		return nil
	}
	switch {
	case reflect.DeepEqual(planned, config):
	case prior != nil && config != nil && reflect.DeepEqual(planned, prior):
	case attribute.Computed && (!attribute.Optional || config == nil):
	case config == nil:
		return []string{fmt.Sprintf("%s: planned %s for an attribute that is not configured and not computed", at, show(planned))}
	case attribute.NestedType != nil:
		return nestedFaults(attribute.NestedType, prior, config, planned, at)
	default:
		return []string{fmt.Sprintf("%s: planned %s, neither the configuration's %s nor the prior %s", at, show(planned), show(config), show(prior))}
	}
	return nil
}

func nestedFaults(nested *tfprotov6.SchemaObject, prior, config, planned any, at string) (faults []string) {
	wrong := []string{fmt.Sprintf("%s: planned %s, configured %s", at, show(planned), show(config))}
	switch config := config.(type) {
	case map[string]any:
		plan, ok := planned.(map[string]any)
		if !ok {
			return wrong
		}
		before, _ := prior.(map[string]any)
		if nested.Nesting == tfprotov6.SchemaObjectNestingModeSingle {
			return planFaults(nested.Attributes, before, config, plan, at)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(config)), slices.Sorted(maps.Keys(plan))) {
			return wrong
		}
		for key := range config {
			faults = append(faults, elementFaults(nested, before[key], config[key], plan[key], fmt.Sprintf("%s[%q]", at, key))...)
		}
	case []any:
		plan, ok := planned.([]any)
		if !ok || len(plan) != len(config) {
			return wrong
		}
		before, _ := prior.([]any)
		for i := range config {
			var former any
			if i < len(before) {
				former = before[i]
			}
			faults = append(faults, elementFaults(nested, former, config[i], plan[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
	default:
		return wrong
	}
	return faults
}

func elementFaults(nested *tfprotov6.SchemaObject, prior, config, planned any, at string) []string {
	if reflect.DeepEqual(config, planned) {
		return nil
	}
	before, _ := prior.(map[string]any)
	wanted, isObject := config.(map[string]any)
	plan, planIs := planned.(map[string]any)
	if !isObject || !planIs {
		return []string{fmt.Sprintf("%s: planned %s, configured %s", at, show(planned), show(config))}
	}
	return planFaults(nested.Attributes, before, wanted, plan, at)
}

// changed says where a later value is not the one that was promised: what was unknown may
// become anything, all else must stay.
func changed(typ tftypes.Type, promised, actual any, at string) (faults []string) {
	if _, open := promised.(unknown); open {
		return nil
	}
	if _, open := actual.(unknown); open || promised == nil || actual == nil {
		if reflect.DeepEqual(promised, actual) {
			return nil
		}
		return []string{fmt.Sprintf("%s: was %s, but now %s", at, show(promised), show(actual))}
	}
	switch promised := promised.(type) {
	case map[string]any:
		if now, ok := actual.(map[string]any); ok {
			faults = changedKeys(typ, promised, now, at)
			slices.Sort(faults)
			return faults
		}
	case []any:
		if now, ok := actual.([]any); ok {
			return changedElements(typ, promised, now, at)
		}
	default:
		if promised == actual {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: was %s, but now %s", at, show(promised), show(actual))}
}

// elementType is the type of what is in a collection, or of an object's attribute.
func elementType(typ tftypes.Type, name string) tftypes.Type {
	switch typ := typ.(type) {
	case tftypes.Object:
		return typ.AttributeTypes[name]
	case tftypes.Map:
		return typ.ElementType
	case tftypes.Set:
		return typ.ElementType
	case tftypes.List:
		return typ.ElementType
	}
	return nil
}

func changedElements(typ tftypes.Type, promised, actual []any, at string) (faults []string) {
	if set, ok := typ.(tftypes.Set); ok {
		return changedSet(set, promised, actual, at)
	}
	if len(promised) != len(actual) {
		return []string{fmt.Sprintf("%s: had %d elements, but now %d", at, len(promised), len(actual))}
	}
	for i := range promised {
		faults = append(faults, changed(elementType(typ, ""), promised[i], actual[i], fmt.Sprintf("%s[%d]", at, i))...)
	}
	return faults
}

func changedKeys(typ tftypes.Type, promised, actual map[string]any, at string) (faults []string) {
	for key := range actual {
		if _, there := promised[key]; !there {
			faults = append(faults, fmt.Sprintf("%s: new element %q has appeared", at, key))
		}
	}
	for key, before := range promised {
		now, there := actual[key]
		if !there {
			faults = append(faults, fmt.Sprintf("%s: element %q has vanished", at, key))
			continue
		}
		where := fmt.Sprintf("%s[%q]", at, key)
		if _, ok := typ.(tftypes.Object); ok {
			where = strings.TrimPrefix(at+"."+key, ".")
		}
		faults = append(faults, changed(elementType(typ, key), before, now, where)...)
	}
	return faults
}

// changedSet pairs the elements: those that become equal once they are known count once.
func changedSet(set tftypes.Set, promised, actual []any, at string) []string {
	fits := func(before, now any) bool { return len(changed(set.ElementType, before, now, at)) == 0 }
	for _, before := range promised {
		if !slices.ContainsFunc(actual, func(now any) bool { return fits(before, now) }) {
			return []string{fmt.Sprintf("%s: element %s has vanished", at, show(before))}
		}
	}
	for _, now := range actual {
		if !slices.ContainsFunc(promised, func(before any) bool { return fits(before, now) }) {
			return []string{fmt.Sprintf("%s: new element %s has appeared", at, show(now))}
		}
	}
	if len(actual) > len(promised) {
		return []string{fmt.Sprintf("%s: had %d elements, but now %d", at, len(promised), len(actual))}
	}
	return nil
}

// unsaid are words that no user of ours should read: they are the framework's or core's,
// for those who write providers.
var unsaid = []string{
	"bug", "panic", "always an error in the provider", "Value Conversion Error", "Report the following", "report the following",
	"provider developer", "goroutine", "nil pointer", "Unhandled", "<nil>", "%!",
}

// frameworkRequires is what the framework says where a required attribute is null. Core itself
// refuses most of these before.
const frameworkRequires = "Missing Configuration for Required Attribute"

// answerFaults are the rules that an answer's diagnostics break.
func answerFaults(step string, diagnostics []*tfprotov6.Diagnostic) (faults []string) {
	for _, d := range diagnostics {
		if d.Summary == frameworkRequires {
			continue
		}
		text := d.Summary + ": " + d.Detail
		if d.Summary == "" || d.Detail == "" {
			faults = append(faults, fmt.Sprintf("%s: an answer without summary or detail: %q", step, text))
		}
		for _, word := range unsaid {
			if strings.Contains(text, word) {
				faults = append(faults, fmt.Sprintf("%s: says %q: %s", step, word, text))
				break
			}
		}
		if step == "validate" && d.Severity == tfprotov6.DiagnosticSeverityError && d.Attribute == nil {
			faults = append(faults, fmt.Sprintf("%s: an error that names no attribute: %s", step, text))
		}
	}
	return faults
}

func failed(diagnostics []*tfprotov6.Diagnostic) bool {
	return slices.ContainsFunc(diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError })
}
