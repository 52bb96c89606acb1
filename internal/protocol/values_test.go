package protocol

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A value is here what it is in JSON: nil, bool, float64, string, []any (lists and sets, the
// latter sorted) and map[string]any (objects and maps). Beside them there is unknown.

// unknown is a value that is known after apply.
type unknown struct{}

// String is how Terraform shows it.
func (unknown) String() string { return "(known after apply)" }

// GoString is the same for %#v.
func (u unknown) GoString() string { return u.String() }

// encode makes a wire value. An object's missing attributes are null.
func encode(typ tftypes.Type, value any) (tftypes.Value, error) {
	if value == nil {
		return tftypes.NewValue(typ, nil), nil
	}
	if _, isUnknown := value.(unknown); isUnknown {
		return tftypes.NewValue(typ, tftypes.UnknownValue), nil
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		return encodeObject(typ, value)
	case tftypes.Map:
		return encodeMap(typ, value)
	case tftypes.List:
		return encodeList(typ, typ.ElementType, value)
	case tftypes.Set:
		return encodeList(typ, typ.ElementType, value)
	}
	if number, ok := value.(float64); ok {
		value = new(big.Float).SetFloat64(number)
	}
	if err := tftypes.ValidateValue(typ, value); err != nil {
		return tftypes.Value{}, fmt.Errorf("%#v: %w", value, err)
	}
	return tftypes.NewValue(typ, value), nil
}

func encodeObject(typ tftypes.Object, value any) (tftypes.Value, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return tftypes.Value{}, fmt.Errorf("%#v is no object", value)
	}
	encoded := map[string]tftypes.Value{}
	for name, of := range typ.AttributeTypes {
		attribute, err := encode(of, object[name])
		if err != nil {
			return tftypes.Value{}, fmt.Errorf("%s: %w", name, err)
		}
		encoded[name] = attribute
	}
	for name := range object {
		if typ.AttributeTypes[name] == nil {
			return tftypes.Value{}, fmt.Errorf("there is no attribute %s", name)
		}
	}
	return tftypes.NewValue(typ, encoded), nil
}

func encodeMap(typ tftypes.Map, value any) (tftypes.Value, error) {
	elements, ok := value.(map[string]any)
	if !ok {
		return tftypes.Value{}, fmt.Errorf("%#v is no map", value)
	}
	encoded := map[string]tftypes.Value{}
	for key, element := range elements {
		of, err := encode(typ.ElementType, element)
		if err != nil {
			return tftypes.Value{}, fmt.Errorf("%q: %w", key, err)
		}
		encoded[key] = of
	}
	return tftypes.NewValue(typ, encoded), nil
}

func encodeList(typ, of tftypes.Type, value any) (tftypes.Value, error) {
	elements, ok := value.([]any)
	if !ok {
		return tftypes.Value{}, fmt.Errorf("%#v is no list", value)
	}
	encoded := []tftypes.Value{}
	for _, element := range elements {
		one, err := encode(of, element)
		if err != nil {
			return tftypes.Value{}, err
		}
		encoded = append(encoded, one)
	}
	return tftypes.NewValue(typ, encoded), nil
}

// decode is encode undone.
func decode(value tftypes.Value) any {
	switch {
	case value.IsNull():
		return nil
	case !value.IsKnown():
		return unknown{}
	}
	switch typ := value.Type(); {
	case typ.Is(tftypes.String):
		return as[string](value)
	case typ.Is(tftypes.Bool):
		return as[bool](value)
	case typ.Is(tftypes.Number):
		number := as[big.Float](value)
		rounded, _ := number.Float64()
		return rounded
	case typ.Is(tftypes.Object{}), typ.Is(tftypes.Map{}):
		decoded := map[string]any{}
		for name, element := range as[map[string]tftypes.Value](value) {
			decoded[name] = decode(element)
		}
		return decoded
	default:
		decoded := []any{}
		for _, element := range as[[]tftypes.Value](value) {
			decoded = append(decoded, decode(element))
		}
		if typ.Is(tftypes.Set{}) {
			slices.SortFunc(decoded, func(a, b any) int { return cmp.Compare(show(a), show(b)) })
		}
		return decoded
	}
}

func as[T any](value tftypes.Value) (decoded T) {
	if err := value.As(&decoded); err != nil {
		panic(fmt.Sprintf("%s: %v", value.Type(), err))
	}
	return decoded
}

// show is a value for people; maps come in the order of their keys.
func show(value any) string { return fmt.Sprintf("%#v", value) }

// whollyKnown reports whether nothing in a value is unknown.
func whollyKnown(value any) bool {
	switch value := value.(type) {
	case unknown:
		return false
	case []any:
		return !slices.ContainsFunc(value, func(element any) bool { return !whollyKnown(element) })
	case map[string]any:
		for _, element := range value {
			if !whollyKnown(element) {
				return false
			}
		}
	}
	return true
}

// clone copies all that can be changed.
func clone(value any) any {
	switch value := value.(type) {
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = clone(element)
		}
		return copied
	case map[string]any:
		return cloneObject(value)
	case int:
		return float64(value)
	}
	return value
}

func cloneObject(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	copied := make(map[string]any, len(object))
	for name, element := range object {
		copied[name] = clone(element)
	}
	return copied
}
