package lab

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// param is a node of the tree that a query request's parameters make:
// "Filter.1.Value.2" is Filter → 1 → Value → 2.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
type param struct {
	// name is the whole path, for error messages.
	name  string
	value string
	below map[string]*param
}

// maxDepth is how many parts of a name are told apart. No request of EC2's has half
// as many; what is deeper stays one part, and is refused with it.
const maxDepth = 16

// parameterTree builds the tree of a form.
func parameterTree(form url.Values) *param {
	root := &param{}
	for name, values := range form {
		node := root
		for _, part := range strings.SplitN(name, ".", maxDepth) {
			if node.below == nil {
				node.below = map[string]*param{}
			}
			next := node.below[part]
			if next == nil {
				next = &param{name: strings.TrimPrefix(node.name+"."+part, ".")}
				node.below[part] = next
			}
			node = next
		}
		node.value = values[0]
	}
	return root
}

// decode reads a tree into a struct whose fields are named like the parameters. A
// parameter that has no field is an error, so that nothing asked for is silently
// left out.
func (p *param) decode(into reflect.Value) *apiError {
	switch into.Kind() {
	case reflect.Pointer:
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		return p.decode(into.Elem())
	case reflect.Struct:
		return p.decodeStruct(into)
	case reflect.Slice:
		if into.Type().Elem().Kind() == reflect.Uint8 {
			return p.decodeBlob(into)
		}
		return p.decodeList(into)
	default:
		return p.decodeScalar(into)
	}
}

// unknown is the error for a parameter that has no place in the request.
func (p *param) unknown() *apiError {
	return fail("UnknownParameter", "The parameter %s is not recognized", p.name)
}

// decodeStruct reads parameters below a name. The name itself cannot have a value;
// an empty one is how some clients write an empty structure.
func (p *param) decodeStruct(into reflect.Value) *apiError {
	if p.value != "" {
		return p.unknown()
	}
	for _, name := range p.names() {
		// An embedded struct is known by its fields, not by its own name.
		field, ok := into.Type().FieldByName(name)
		if !ok || !field.IsExported() || field.Anonymous {
			return p.below[name].unknown()
		}
		if err := p.below[name].decode(into.FieldByIndex(field.Index)); err != nil {
			return err
		}
	}
	return nil
}

// decodeList reads numbered parameters. The numbers say the order; AWS takes gaps.
func (p *param) decodeList(into reflect.Value) *apiError {
	if p.value != "" {
		return p.unknown()
	}
	indices := make([]int, 0, len(p.below))
	for _, name := range p.names() {
		index, err := strconv.ParseUint(name, 10, 31)
		if err != nil || strconv.FormatUint(index, 10) != name {
			return p.below[name].unknown()
		}
		indices = append(indices, int(index))
	}
	slices.Sort(indices)
	list := reflect.MakeSlice(into.Type(), len(indices), len(indices))
	for at, index := range indices {
		if err := p.below[strconv.Itoa(index)].decode(list.Index(at)); err != nil {
			return err
		}
	}
	into.Set(list)
	return nil
}

func (p *param) decodeBlob(into reflect.Value) *apiError {
	if len(p.below) > 0 {
		return p.below[p.names()[0]].unknown()
	}
	content, err := base64.StdEncoding.DecodeString(p.value)
	if err != nil {
		return invalid("Value for parameter %s is invalid. It is not base64.", p.name)
	}
	into.SetBytes(content)
	return nil
}

func (p *param) decodeScalar(into reflect.Value) *apiError {
	if len(p.below) > 0 {
		return p.below[p.names()[0]].unknown()
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(p.value)
	case reflect.Bool:
		if !strings.EqualFold(p.value, "true") && !strings.EqualFold(p.value, "false") {
			return invalid("Value (%s) for parameter %s is invalid. It must be true or false", p.value, p.name)
		}
		into.SetBool(strings.EqualFold(p.value, "true"))
	case reflect.Float64:
		value, err := strconv.ParseFloat(p.value, 64)
		if err != nil {
			return invalid("Value (%s) for parameter %s is invalid. It must be a number", p.value, p.name)
		}
		into.SetFloat(value)
	default:
		value, err := strconv.ParseInt(p.value, 10, 32)
		if err != nil {
			return invalid("Value (%s) for parameter %s is invalid. It must be an integer", p.value, p.name)
		}
		into.SetInt(value)
	}
	return nil
}

// names are the names below, sorted, so that errors do not depend on map order.
func (p *param) names() []string {
	names := make([]string, 0, len(p.below))
	for name := range p.below {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
