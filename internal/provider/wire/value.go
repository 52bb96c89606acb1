package wire

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Fold is what the framework sees of a value.
func Fold(ctx context.Context, value attr.Value) (types.String, error) {
	switch {
	case value.IsNull():
		return types.StringNull(), nil
	case value.IsUnknown():
		return types.StringUnknown(), nil
	}
	raw, err := value.ToTerraformValue(ctx)
	if err != nil {
		return types.StringNull(), err
	}
	return foldRaw(raw)
}

func foldRaw(raw tftypes.Value) (types.String, error) {
	message, err := tfprotov6.NewDynamicValue(raw.Type(), raw)
	if err != nil {
		return types.StringNull(), err
	}
	ordered, err := canonical(message.MsgPack)
	return types.StringValue(text.EncodeToString(ordered)), err
}

// Unfold is the value of a type that the framework sees as a string.
func Unfold[T attr.Value](ctx context.Context, folded types.String, kind attr.Type) (T, error) {
	var none T
	raw, err := unfoldRaw(folded, kind.TerraformType(ctx))
	if err != nil {
		return none, err
	}
	value, err := kind.ValueFromTerraform(ctx, raw)
	if err != nil {
		return none, err
	}
	unfolded, ok := value.(T)
	if !ok {
		return none, fmt.Errorf("a %T where a %T is wanted", value, none)
	}
	return unfolded, nil
}

func unfoldRaw(folded types.String, kind tftypes.Type) (tftypes.Value, error) {
	switch {
	case folded.IsNull():
		return tftypes.NewValue(kind, nil), nil
	case folded.IsUnknown():
		return tftypes.NewValue(kind, tftypes.UnknownValue), nil
	}
	message, err := text.DecodeString(folded.ValueString())
	if err != nil {
		return tftypes.Value{}, err
	}
	return tfprotov6.DynamicValue{MsgPack: message}.Unmarshal(kind)
}
