package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider/wire"
)

// fleetFolds are the attributes that grow with a fleet. The framework sees each as one
// string: docs/decisions/010-folded-values.md.
var fleetFolds = []wire.Path{{"instances"}, {"instance_ids"}, {"private_ips"}, {"slots", "overrides"}}

// wholeFleet is the resource with the schema that Terraform sees.
type wholeFleet struct{ fleetResource }

func newWholeFleet() resource.Resource { return &wholeFleet{} }

// Schema is what HCL may say.
func (r *wholeFleet) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = fleetSchema(ctx)
}

// foldedFleetSchema is the schema that the framework works with.
func foldedFleetSchema(ctx context.Context) schema.Schema {
	folded := fleetSchema(ctx)
	for _, name := range []string{"instances", "instance_ids", "private_ips"} {
		folded.Attributes[name] = schema.StringAttribute{Computed: true}
	}
	if slots, ok := folded.Attributes["slots"].(schema.SingleNestedAttribute); ok {
		slots.Attributes = maps.Clone(slots.Attributes)
		slots.Attributes["overrides"] = schema.StringAttribute{Optional: true}
		folded.Attributes["slots"] = slots
	}
	return folded
}

// overridesAttribute is the part of the schema whose validators the framework does not
// come to see.
func overridesAttribute() schema.MapNestedAttribute {
	slots, _ := slotsAttribute().(schema.SingleNestedAttribute)
	overrides, _ := slots.Attributes["overrides"].(schema.MapNestedAttribute)
	return overrides
}

// foldedFleet is a fleet as the framework has it.
type foldedFleet struct {
	fleetModel

	Instances   types.String `tfsdk:"instances"`
	InstanceIDs types.String `tfsdk:"instance_ids"`
	PrivateIPs  types.String `tfsdk:"private_ips"`
}

// unfolded are values that were unfolded already, by attribute and string: in a plan that
// changes little, configuration, plan and state share nearly all of them.
type unfolded map[[2]string]attr.Value

// getter is a configuration, a plan or a state.
type getter interface {
	Get(ctx context.Context, target any) diag.Diagnostics
}

// get reads a model.
func (m *fleetModel) get(ctx context.Context, from getter) diag.Diagnostics {
	return m.getLike(ctx, from, unfolded{})
}

// getLike reads a model beside others of the same request.
func (m *fleetModel) getLike(ctx context.Context, from getter, others unfolded) diag.Diagnostics {
	var folded foldedFleet
	diags := from.Get(ctx, &folded)
	if diags.HasError() {
		return diags
	}
	*m = folded.fleetModel
	texts := types.ListType{ElemType: types.StringType}
	m.Instances = unfold[types.Map](ctx, folded.Instances, types.MapType{ElemType: memberType}, path.Root("instances"), others, &diags)
	m.InstanceIDs = unfold[types.List](ctx, folded.InstanceIDs, texts, path.Root("instance_ids"), others, &diags)
	m.PrivateIPs = unfold[types.List](ctx, folded.PrivateIPs, texts, path.Root("private_ips"), others, &diags)
	m.unfoldOverrides(ctx, others, &diags)
	return diags
}

// setter is a plan or a state.
type setter interface {
	Set(ctx context.Context, value any) diag.Diagnostics
}

// set writes the model into a plan or a state.
func (m *fleetModel) set(ctx context.Context, into setter) diag.Diagnostics {
	var diags diag.Diagnostics
	folded := foldedFleet{fleetModel: *m}
	folded.Instances = foldOf(ctx, m.Instances, path.Root("instances"), &diags)
	folded.InstanceIDs = foldOf(ctx, m.InstanceIDs, path.Root("instance_ids"), &diags)
	folded.PrivateIPs = foldOf(ctx, m.PrivateIPs, path.Root("private_ips"), &diags)
	folded.foldOverrides(ctx, &diags)
	if !diags.HasError() {
		diags.Append(into.Set(ctx, folded)...)
	}
	return diags
}

func (m *fleetModel) unfoldOverrides(ctx context.Context, others unfolded, diags *diag.Diagnostics) {
	kind := types.MapType{ElemType: overridesAttribute().NestedObject.Type()}
	m.changeOverrides(ctx, kind, diags, func(value attr.Value) attr.Value {
		folded, _ := value.(types.String)
		return unfold[types.Map](ctx, folded, kind, path.Root("slots").AtName("overrides"), others, diags)
	})
}

func (m *fleetModel) foldOverrides(ctx context.Context, diags *diag.Diagnostics) {
	m.changeOverrides(ctx, types.StringType, diags, func(value attr.Value) attr.Value {
		return foldOf(ctx, value, path.Root("slots").AtName("overrides"), diags)
	})
}

// changeOverrides puts something of another type in the place of the overrides.
func (m *fleetModel) changeOverrides(ctx context.Context, kind attr.Type, diags *diag.Diagnostics, change func(attr.Value) attr.Value) {
	kinds := maps.Clone(m.Slots.AttributeTypes(ctx))
	kinds["overrides"] = kind
	switch {
	case m.Slots.IsNull():
		m.Slots = types.ObjectNull(kinds)
	case m.Slots.IsUnknown():
		m.Slots = types.ObjectUnknown(kinds)
	default:
		values := m.Slots.Attributes()
		values["overrides"] = change(values["overrides"])
		slots, wrong := types.ObjectValue(kinds, values)
		diags.Append(wrong...)
		m.Slots = slots
	}
}

func unfold[T attr.Value](ctx context.Context, folded types.String, kind attr.Type, at path.Path, others unfolded, diags *diag.Diagnostics) T {
	key := [2]string{at.String(), folded.ValueString()}
	if value, ok := others[key].(T); ok && !folded.IsNull() && !folded.IsUnknown() {
		return value
	}
	value, err := wire.Unfold[T](ctx, folded, kind)
	if err != nil {
		misfolded(at, err, diags)
	} else if !folded.IsNull() && !folded.IsUnknown() {
		others[key] = value
	}
	return value
}

func foldOf(ctx context.Context, value attr.Value, at path.Path, diags *diag.Diagnostics) types.String {
	folded, err := wire.Fold(ctx, value)
	if err != nil {
		misfolded(at, err, diags)
	}
	return folded
}

func misfolded(at path.Path, err error, diags *diag.Diagnostics) {
	attributeError(diags, at, "The provider does not understand its own value",
		"Nothing was changed because of it. This is a bug of the provider; please report it with this text: "+err.Error())
}
