package protocol

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var sample = []*tfprotov6.SchemaAttribute{
	{Name: "set", Type: tftypes.Set{ElementType: tftypes.String}, Optional: true},
	{Name: "name", Type: tftypes.String, Required: true},
	{Name: "note", Type: tftypes.String, Optional: true},
	{Name: "id", Type: tftypes.String, Computed: true},
	{Name: "region", Type: tftypes.String, Optional: true, Computed: true},
	{Name: "secret", Type: tftypes.String, Optional: true, WriteOnly: true},
	{Name: "inner", Optional: true, NestedType: &tfprotov6.SchemaObject{
		Nesting: tfprotov6.SchemaObjectNestingModeMap, Attributes: []*tfprotov6.SchemaAttribute{{Name: "size", Type: tftypes.Number, Optional: true}},
	}},
}

// TestPlanFaults holds the rules for a plan themselves: a rule that nothing breaks keeps
// nothing.
func TestPlanFaults(t *testing.T) {
	inner := func(size any) hcl { return hcl{"a": hcl{"size": size}} }
	tests := map[string]struct {
		prior, config, planned hcl
		want                   string
	}{
		"as configured":                   {nil, hcl{"name": "a"}, hcl{"name": "a"}, ""},
		"what is computed":                {nil, hcl{"name": "a"}, hcl{"name": "a", "id": unknown{}, "region": "here"}, ""},
		"as before":                       {hcl{"name": "a"}, hcl{"name": "A"}, hcl{"name": "a"}, ""},
		"a secret":                        {nil, hcl{"secret": "s"}, hcl{}, ""},
		"another value":                   {nil, hcl{"name": "a"}, hcl{"name": "b"}, `name: planned "b"`},
		"an unknown value":                {nil, hcl{"name": "a"}, hcl{"name": unknown{}}, "name: planned (known after apply)"},
		"a known value":                   {nil, hcl{"name": unknown{}}, hcl{"name": "a"}, `name: planned "a"`},
		"a value that was not asked for":  {hcl{"note": "n"}, hcl{}, hcl{"note": "n"}, "not configured and not computed"},
		"another region":                  {nil, hcl{"region": "here"}, hcl{"region": "there"}, `region: planned "there"`},
		"a secret that is told":           {nil, hcl{"secret": "s"}, hcl{"secret": "s"}, "write-only"},
		"another value inside":            {nil, hcl{"inner": inner(1.0)}, hcl{"inner": inner(2.0)}, `inner["a"].size: planned 2`},
		"an element that is gone":         {nil, hcl{"inner": inner(1.0)}, hcl{"inner": hcl{}}, "inner: planned"},
		"an object that is not wanted":    {nil, hcl{}, hcl{"inner": hcl{}}, "inner: planned"},
		"an object that is known already": {nil, hcl{"inner": unknown{}}, hcl{"inner": hcl{}}, "inner: planned"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantFault(t, planFaults(sample, test.prior, test.config, test.planned, ""), test.want)
		})
	}
}

// TestChanged holds the rules for what follows a plan.
func TestChanged(t *testing.T) {
	typ := (&tfprotov6.SchemaBlock{Attributes: sample}).ValueType()
	tests := map[string]struct {
		promised, actual hcl
		want             string
	}{
		"the same":                    {hcl{"name": "a"}, hcl{"name": "a"}, ""},
		"known by now":                {hcl{"name": unknown{}, "set": []any{unknown{}, "b"}}, hcl{"name": nil, "set": []any{"a", "b"}}, ""},
		"still unknown":               {hcl{"name": unknown{}}, hcl{"name": unknown{}}, ""},
		"two that are the same":       {hcl{"set": []any{unknown{}, "b"}}, hcl{"set": []any{"b"}}, ""},
		"another":                     {hcl{"name": "a"}, hcl{"name": "b"}, `name: was "a", but now "b"`},
		"gone":                        {hcl{"name": "a"}, hcl{"name": nil}, `name: was "a", but now <nil>`},
		"come":                        {hcl{"name": nil}, hcl{"name": "a"}, `name: was <nil>, but now "a"`},
		"unknown again":               {hcl{"name": "a"}, hcl{"name": unknown{}}, "but now (known after apply)"},
		"an element more":             {hcl{"set": []any{"a"}}, hcl{"set": []any{"a", "b"}}, `new element "b"`},
		"an element less":             {hcl{"set": []any{"a", "b"}}, hcl{"set": []any{"a"}}, `element "b" has vanished`},
		"a key more":                  {hcl{"inner": hcl{}}, hcl{"inner": hcl{"a": nil}}, `new element "a"`},
		"a key less":                  {hcl{"inner": hcl{"a": nil}}, hcl{"inner": hcl{}}, `element "a" has vanished`},
		"more than there were places": {hcl{"set": []any{unknown{}}}, hcl{"set": []any{"a", "b"}}, "had 1 elements, but now 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantFault(t, changed(typ, test.promised, test.actual, ""), test.want)
		})
	}
}

// TestAnswerFaults holds the rules for diagnostics.
func TestAnswerFaults(t *testing.T) {
	at := tftypes.NewAttributePath().WithAttributeName("name")
	tests := map[string]struct {
		diagnostic tfprotov6.Diagnostic
		want       string
	}{
		"good":            {tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError, Summary: "No", Detail: "Because.", Attribute: at}, ""},
		"without reason":  {tfprotov6.Diagnostic{Summary: "No", Attribute: at}, "without summary or detail"},
		"without place":   {tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError, Summary: "No", Detail: "Because."}, "names no attribute"},
		"the framework's": {tfprotov6.Diagnostic{Summary: "Value Conversion Error", Detail: "This is always an error in the provider.", Attribute: at}, "says"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantFault(t, answerFaults("validate", []*tfprotov6.Diagnostic{&test.diagnostic}), test.want)
		})
	}
}

// wantFault wants one fault with some words, or none.
func wantFault(t *testing.T, faults []string, want string) {
	t.Helper()
	if text := strings.Join(faults, "; "); want == "" && text != "" || !strings.Contains(text, want) {
		t.Errorf("found %q, want %q", text, want)
	}
}
