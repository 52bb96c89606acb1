package wire

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// foldState makes a string of each value at a path of a state that Terraform has read
// from its file. The type is the whole state's.
func foldState(state []byte, kind tftypes.Type, paths []Path) ([]byte, error) {
	if string(state) == "null" {
		return state, nil
	}
	for _, path := range paths {
		if len(path) == 0 {
			return foldJSON(state, kind)
		}
	}
	object, ok := kind.(tftypes.Object)
	if !ok {
		return nil, fmt.Errorf("a %s has no attributes", kind)
	}
	attributes := map[string]json.RawMessage{}
	if err := json.Unmarshal(state, &attributes); err != nil {
		return nil, err
	}
	for name, value := range attributes {
		inside := below(paths, name)
		if len(inside) == 0 {
			continue
		}
		folded, err := foldState(value, object.AttributeTypes[name], inside)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		attributes[name] = folded
	}
	return json.Marshal(attributes)
}

// foldJSON is like the framework in leaving out attributes that the schema no longer has.
func foldJSON(value []byte, kind tftypes.Type) ([]byte, error) {
	raw, err := tfprotov6.RawState{JSON: value}.UnmarshalWithOpts(kind, tfprotov6.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
	if err != nil {
		return nil, err
	}
	folded, err := foldRaw(raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(folded.ValueString())
}
