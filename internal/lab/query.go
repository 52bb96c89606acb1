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

// parameterTree builds the tree of a form.
func parameterTree(form url.Values) *param {
	root := &param{}
	for name, values := range form {
		node := root
		for _, part := range strings.Split(name, ".") {
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

func (p *param) decodeStruct(into reflect.Value) *apiError {
	for _, name := range p.names() {
		field := into.FieldByName(name)
		if !field.IsValid() {
			return fail("UnknownParameter", "The parameter %s is not recognized", p.below[name].name)
		}
		if err := p.below[name].decode(field); err != nil {
			return err
		}
	}
	return nil
}

func (p *param) decodeList(into reflect.Value) *apiError {
	indices := make([]int, 0, len(p.below))
	for name := range p.below {
		index, err := strconv.Atoi(name)
		if err != nil {
			return fail("UnknownParameter", "The parameter %s is not recognized", p.below[name].name)
		}
		indices = append(indices, index)
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
	content, err := base64.StdEncoding.DecodeString(p.value)
	if err != nil {
		return invalid("Value for parameter %s is invalid. It is not base64.", p.name)
	}
	into.SetBytes(content)
	return nil
}

func (p *param) decodeScalar(into reflect.Value) *apiError {
	if len(p.below) > 0 {
		return fail("UnknownParameter", "The parameter %s is not recognized", p.below[p.names()[0]].name)
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(p.value)
	case reflect.Bool:
		value, err := strconv.ParseBool(p.value)
		if err != nil {
			return invalid("Value (%s) for parameter %s is invalid. It must be true or false", p.value, p.name)
		}
		into.SetBool(value)
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
