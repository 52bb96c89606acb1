package lab

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// source is what the package's own source says about its actions: it knows, without
// being told, every action that is added.
type source struct {
	structs map[string]*ast.StructType
	// actions are those that are made of a method and its input struct.
	actions map[string]knownAction
	// words are the short texts that the code compares with.
	words []string
}

type knownAction struct{ service, input string }

// makers are the functions that make actions of methods, by the service that they are
// for.
var makers = map[string]string{"of": "ec2", "elb": "elasticloadbalancing", "asJSON": "ssm"}

func readSource(t testing.TB) *source {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	r := reader{structs: map[string]*ast.StructType{}, handlers: map[string][2]string{}, inputs: map[string]string{}, words: map[string]bool{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, r.see)
	}
	s := &source{structs: r.structs, actions: map[string]knownAction{}, words: slices.Sorted(maps.Keys(r.words))}
	for action, handler := range r.handlers {
		service := handler[0]
		if kmsActions[action] != nil {
			service = "kms"
		}
		s.actions[action] = knownAction{service: service, input: r.inputs[handler[1]]}
	}
	return s
}

// reader collects what the source says.
type reader struct {
	structs map[string]*ast.StructType
	// handlers are service and method by action, inputs the input structs by method.
	handlers map[string][2]string
	inputs   map[string]string
	words    map[string]bool
}

func (r reader) see(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.TypeSpec:
		if form, ok := node.Type.(*ast.StructType); ok {
			r.structs[node.Name.Name] = form
		}
	case *ast.FuncDecl:
		if input := inputOf(node); input != "" {
			r.inputs[node.Name.Name] = input
		}
	case *ast.KeyValueExpr:
		if action, service, method := actionOf(node); action != "" {
			r.handlers[action] = [2]string{service, method}
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(node.Value); err == nil && node.Kind == token.STRING && len(text) < 30 {
			r.words[text] = true
		}
	}
	return true
}

// inputOf is the input struct of a method of a region that may be an action.
func inputOf(method *ast.FuncDecl) string {
	if method.Recv == nil || method.Type.Params.NumFields() != 1 {
		return ""
	}
	if pointer, ok := method.Type.Params.List[0].Type.(*ast.StarExpr); ok {
		if name, ok := pointer.X.(*ast.Ident); ok {
			return name.Name
		}
	}
	return ""
}

// actionOf reads an entry like "RunInstances": of((*region).runInstances).
func actionOf(entry *ast.KeyValueExpr) (action, service, method string) {
	key, isText := entry.Key.(*ast.BasicLit)
	call, isCall := entry.Value.(*ast.CallExpr)
	if !isText || !isCall || len(call.Args) != 1 {
		return "", "", ""
	}
	maker, isName := call.Fun.(*ast.Ident)
	handler, isMethod := call.Args[0].(*ast.SelectorExpr)
	if !isName || !isMethod || makers[maker.Name] == "" {
		return "", "", ""
	}
	action, _ = strconv.Unquote(key.Value)
	return action, makers[maker.Name], handler.Sel.Name
}

// content makes what a request of the action carries.
func (s *source) content(action string, luck *rand.Rand) string {
	form := s.form(action, luck)
	if service := s.actions[action].service; service == "ec2" || service == "elasticloadbalancing" {
		return form.Encode()
	}
	text, err := json.Marshal(asDocument(parameterTree(form)))
	if err != nil {
		return ""
	}
	return string(text)
}

// asDocument turns a form's tree into what JSON has for it.
func asDocument(node *param) any {
	if len(node.below) == 0 && node.name != "" {
		if number, err := strconv.Atoi(node.value); err == nil {
			return number
		}
		if node.value == "true" || node.value == "false" {
			return node.value == "true"
		}
		return node.value
	}
	object, list := map[string]any{}, []any{}
	for _, name := range node.names() {
		if _, err := strconv.Atoi(name); err == nil {
			list = append(list, asDocument(node.below[name]))
		} else {
			object[name] = asDocument(node.below[name])
		}
	}
	if len(list) > 0 {
		return list
	}
	return object
}

// form makes a request of the action with some of its parameters, mostly sensible.
func (s *source) form(action string, luck *rand.Rand) url.Values {
	form := url.Values{}
	s.fields(s.structs[s.actions[action].input], "", form, luck, 0)
	return form
}

func (s *source) fields(of *ast.StructType, prefix string, form url.Values, luck *rand.Rand, depth int) {
	if of == nil || depth > 6 {
		return
	}
	for _, field := range of.Fields.List {
		if len(field.Names) == 0 {
			if embedded, ok := field.Type.(*ast.Ident); ok {
				s.fields(s.structs[embedded.Name], prefix, form, luck, depth+1)
			}
			continue
		}
		for _, name := range field.Names {
			if name.IsExported() && luck.IntN(100) < chance(name.Name, depth) {
				s.value(field.Type, prefix+name.Name, form, luck, depth+1)
			}
		}
	}
}

// chance is how likely a parameter is there, in percent. What most actions cannot do
// without is there most often.
func chance(name string, depth int) int {
	switch {
	case depth == 0 && (strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "Count") || name == "Attribute" || strings.HasSuffix(name, "Name")):
		return 80
	case depth == 0:
		return 20
	}
	return 50
}

func (s *source) value(of ast.Expr, name string, form url.Values, luck *rand.Rand, depth int) {
	switch of := of.(type) {
	case *ast.StarExpr:
		s.value(of.X, name, form, luck, depth)
	case *ast.StructType:
		s.fields(of, name+".", form, luck, depth)
	case *ast.ArrayType:
		if elements, ok := of.Elt.(*ast.Ident); ok && elements.Name == "byte" {
			form.Set(name, pick(luck, "c3NoLWVkMjU1MTkgQUFBQQ==", "aGk=", "", "%"))
			return
		}
		for at := range luck.IntN(3) {
			s.value(of.Elt, name+"."+strconv.Itoa(at+1), form, luck, depth)
		}
	case *ast.Ident:
		switch of.Name {
		case "bool":
			form.Set(name, pick(luck, "true", "false", "true", "perhaps"))
		case "int", "float64":
			form.Set(name, pick(luck, "1", "1", "2", "5", "8", "0", "-1", "8", "100", "3000", "2147483647", "16384", "x"))
		case "string":
			form.Set(name, s.text(name, luck))
		default:
			s.fields(s.structs[of.Name], name+".", form, luck, depth)
		}
	}
}

// text is a value for a parameter of that name: most often an id that its name asks
// for, or a word that the code knows.
func (s *source) text(name string, luck *rand.Rand) string {
	// "SecurityGroupId.1" asks for a group as "SecurityGroupId" does.
	last := strings.TrimRight(name, ".0123456789")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if luck.IntN(4) > 0 && !strings.HasPrefix(name, "Filter") {
		for _, known := range []struct{ part, value string }{
			{"ResourceId", pick(luck, "INSTANCE", "VOLUME", "IMAGE", "SNAPSHOT", "CARD")},
			{"InstanceId", "INSTANCE"},
			{"ImageId", pick(luck, "IMAGE", "BASE")},
			{"SubnetId", "SUBNET"},
			{"VpcId", "VPC"},
			{"NetworkInterfaceId", "CARD"},
			{"GroupId", "GROUP"},
			{"SnapshotId", "SNAPSHOT"},
			{"VolumeId", "VOLUME"},
			{"AssociationId", "PROFILE"},
			{"InstanceType", pick(luck, "t3.small", "c7g.large")},
			{"DeviceName", pick(luck, "/dev/xvda", "/dev/sdf")},
			{"Name", pick(luck, "golden", "web-v1", "a")},
			{"Token", pick(luck, "t", "YWZ0ZXI6MQ")},
		} {
			if strings.HasSuffix(last, known.part) {
				return known.value
			}
		}
	}
	if luck.IntN(8) == 0 {
		return pick(luck, "", "*", "\\", "?", "\x00", "\xff", "é", strings.Repeat("x", 300), "<&>", "i-", "-", ".", "9", "arn:aws:", " ")
	}
	return s.words[luck.IntN(len(s.words))]
}

func pick[T any](luck *rand.Rand, from ...T) T { return from[luck.IntN(len(from))] }

// FuzzForms sends requests made from the actions' own input structs: a few that follow
// one another in one lab.
func FuzzForms(f *testing.F) {
	known := readSource(f)
	actions := slices.Sorted(maps.Keys(known.actions))
	if len(actions) < 90 || len(known.structs) < 100 {
		f.Fatalf("only %d actions and %d structs found in the source", len(actions), len(known.structs))
	}
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		luck := rand.New(rand.NewPCG(seed, seed))
		synctest.Test(t, func(t *testing.T) {
			world := newFuzzWorld(t)
			for range 8 {
				action := actions[luck.IntN(len(actions))]
				service := known.actions[action].service
				content := world.names.Replace(known.content(action, luck))
				answer := world.ask(service, action, content)
				if complaint := complain(service, answer); complaint != nil {
					t.Fatalf("%s %s: %v\n%d %s", action, content, complaint, answer.Code, answer.Body)
				}
			}
			if err := world.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
}
