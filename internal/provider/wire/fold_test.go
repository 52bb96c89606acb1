package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

var (
	memberType  = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String, "port": tftypes.Number}}
	membersType = tftypes.Map{ElementType: memberType}
	// wholeType has two large values; the framework sees foldedType.
	wholeType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"name": tftypes.String, "size": tftypes.Number, "members": membersType,
		"slots": tftypes.Object{AttributeTypes: map[string]tftypes.Type{"hostname": tftypes.String, "overrides": membersType}},
	}}
	foldedType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"name": tftypes.String, "size": tftypes.Number, "members": tftypes.String,
		"slots": tftypes.Object{AttributeTypes: map[string]tftypes.Type{"hostname": tftypes.String, "overrides": tftypes.String}},
	}}
	paths = []Path{{"members"}, {"slots", "overrides"}}
)

func packed(t interface{ Fatal(...any) }, kind tftypes.Type, value tftypes.Value) []byte {
	message, err := tfprotov6.NewDynamicValue(kind, value)
	if err != nil {
		t.Fatal(err)
	}
	return message.MsgPack
}

func unpacked(t interface{ Fatal(...any) }, kind tftypes.Type, message []byte) tftypes.Value {
	value, err := tfprotov6.DynamicValue{MsgPack: message}.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// someValue draws a value of a type, null and unknown ones among them.
func someValue(t *rapid.T, kind tftypes.Type) tftypes.Value {
	switch rapid.IntRange(0, 5).Draw(t, "kind of value") {
	case 0:
		return tftypes.NewValue(kind, nil)
	case 1:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	}
	switch kind := kind.(type) {
	case tftypes.Object:
		all := map[string]tftypes.Value{}
		for name, inner := range kind.AttributeTypes {
			all[name] = someValue(t, inner)
		}
		return tftypes.NewValue(kind, all)
	case tftypes.Map:
		all := map[string]tftypes.Value{}
		for range rapid.IntRange(0, 20).Draw(t, "elements") {
			all[rapid.String().Draw(t, "key")] = someValue(t, kind.ElementType)
		}
		return tftypes.NewValue(kind, all)
	}
	if kind.Is(tftypes.Number) {
		return tftypes.NewValue(kind, rapid.Int64().Draw(t, "number"))
	}
	return tftypes.NewValue(kind, rapid.String().Draw(t, "text"))
}

// Whatever Terraform sends, the framework can read it, and Terraform gets it back.
func TestFold_andBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := someValue(t, wholeType)
		folded, err := fold(packed(t, wholeType, value), paths)
		if err != nil {
			t.Fatal(err)
		}
		seen := unpacked(t, foldedType, folded)
		if seen.IsNull() != value.IsNull() || seen.IsKnown() != value.IsKnown() {
			t.Fatalf("the framework sees %s of %s", seen, value)
		}
		whole, err := unfold(packed(t, foldedType, seen), paths)
		if err != nil {
			t.Fatal(err)
		}
		if back := unpacked(t, wholeType, whole); !back.Equal(value) {
			t.Fatalf("Terraform gets %s back for %s", back, value)
		}
	})
}

// The framework compares strings: equal values are equal strings, in whichever order their
// maps were written, and whatever is said of what is not known.
func TestFold_equalValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := someValue(t, wholeType)
		one, err := fold(packed(t, wholeType, value), paths)
		if err != nil {
			t.Fatal(err)
		}
		other, err := fold(packed(t, wholeType, value), paths) // tftypes writes maps in any order
		if err != nil {
			t.Fatal(err)
		}
		if !unpacked(t, foldedType, one).Equal(unpacked(t, foldedType, other)) {
			t.Fatalf("%s is folded in two ways", value)
		}
	})
}

func TestCanonical(t *testing.T) {
	write := func(refined bool, keys ...string) []byte {
		var b bytes.Buffer
		encoder := msgpack.NewEncoder(&b)
		_ = encoder.EncodeMapLen(len(keys))
		for _, key := range keys {
			_ = encoder.EncodeString(key)
			_ = encoder.EncodeArrayLen(2)
			_ = encoder.EncodeInt(int64(len(key)))
			if refined { // "is not null", as Terraform writes it since 1.6
				b.Write([]byte{0xc7, 3, 12, 0x81, 1, 0xc2})
			} else {
				b.Write(unknown)
			}
		}
		return b.Bytes()
	}
	want, err := canonical(write(false, "a", "bb", "ccc"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := canonical(write(true, "ccc", "a", "bb"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || !bytes.Equal(want, write(false, "a", "bb", "ccc")) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// What is cut off, or no message at all, is an error, and nothing else.
func TestFold_broken(t *testing.T) {
	value := tftypes.NewValue(wholeType, map[string]tftypes.Value{
		"name": tftypes.NewValue(tftypes.String, "web"), "size": tftypes.NewValue(tftypes.Number, 3),
		"members": tftypes.NewValue(membersType, map[string]tftypes.Value{"0": tftypes.NewValue(memberType, map[string]tftypes.Value{
			"id": tftypes.NewValue(tftypes.String, "i-1"), "port": tftypes.NewValue(tftypes.Number, 80),
		})}),
		"slots": tftypes.NewValue(wholeType.AttributeTypes["slots"], nil),
	})
	message := packed(t, wholeType, value)
	for length := range message {
		if _, err := fold(message[:length], paths); err == nil {
			t.Errorf("%d of %d bytes were folded", length, len(message))
		}
	}
	if _, err := unfold(packed(t, wholeType, value), paths); err == nil {
		t.Error("what was never folded was unfolded")
	}
}

func TestFoldState(t *testing.T) {
	state := `{"name":"web","size":3,"gone":[1],"members":{"1":{"id":null,"port":1,"gone":2},"0":{"id":"i-0","port":0}},"slots":{"hostname":null,"overrides":{}}}`
	folded, err := foldState([]byte(state), wholeType, paths)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := tfprotov6.RawState{JSON: folded}.UnmarshalWithOpts(foldedType, tfprotov6.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := unfold(packed(t, foldedType, seen), paths)
	if err != nil {
		t.Fatal(err)
	}
	want, err := tfprotov6.RawState{JSON: []byte(state)}.UnmarshalWithOpts(wholeType, tfprotov6.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := unpacked(t, wholeType, whole); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, odd := range []string{`null`, `{}`, `{"members":null,"slots":null}`} {
		if _, err := foldState([]byte(odd), wholeType, paths); err != nil {
			t.Errorf("%s: %v", odd, err)
		}
	}
	for _, wrong := range []string{``, `[]`, `{"members":[]}`, `{"slots":3}`} {
		if _, err := foldState([]byte(wrong), wholeType, paths); err == nil {
			t.Errorf("%s was folded", wrong)
		}
	}
}

// What a resource folds is what the server unfolds, and the other way round.
func TestUnfold(t *testing.T) {
	kind := types.MapType{ElemType: types.ListType{ElemType: types.StringType}}
	texts := func(of ...string) attr.Value {
		var all []attr.Value
		for _, text := range slices.Sorted(slices.Values(of)) {
			all = append(all, types.StringValue(text))
		}
		return types.ListValueMust(types.StringType, all)
	}
	for name, value := range map[string]types.Map{
		"null": types.MapNull(kind.ElemType), "unknown": types.MapUnknown(kind.ElemType), "empty": types.MapValueMust(kind.ElemType, nil),
		"some": types.MapValueMust(kind.ElemType, map[string]attr.Value{
			"a": texts("1", "2"), "b": texts(), "c": types.ListUnknown(types.StringType), "d": types.ListNull(types.StringType),
		}),
	} {
		folded, err := Fold(t.Context(), value)
		if err != nil {
			t.Fatal(err)
		}
		if folded.IsNull() != value.IsNull() || folded.IsUnknown() != value.IsUnknown() {
			t.Errorf("%s: folded %s", name, folded)
		}
		unfolded, err := Unfold[types.Map](t.Context(), folded, kind)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(value, unfolded); diff != "" {
			t.Errorf("%s (-folded +unfolded):\n%s", name, diff)
		}
	}
	if _, err := Unfold[types.List](t.Context(), types.StringValue("no base64!"), kind); err == nil {
		t.Error("what nobody has folded was unfolded")
	}
}
