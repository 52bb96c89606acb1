package provider

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// givenElements refuses elements that are null or empty, which variables that were not
// set leave in a list.
type givenElements struct{}

// Description says what is demanded.
func (givenElements) Description(context.Context) string { return "no element is null or empty" }

// MarkdownDescription says what is demanded.
func (g givenElements) MarkdownDescription(ctx context.Context) string { return g.Description(ctx) }

// ValidateList points at the elements.
func (g givenElements) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, element := range req.ConfigValue.Elements() {
		g.check(element, req.Path.AtListIndex(i), &resp.Diagnostics)
	}
}

// ValidateSet points at the set: its elements have no names.
func (g givenElements) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	for _, element := range req.ConfigValue.Elements() {
		g.check(element, req.Path, &resp.Diagnostics)
	}
}

func (givenElements) check(element attr.Value, at path.Path, diags *diag.Diagnostics) {
	text, ok := element.(types.String)
	switch {
	case !ok || text.IsUnknown():
	case text.IsNull():
		attributeError(diags, at, "Element without a value", "One element is null. Leave it out, for example with compact().")
	case text.ValueString() == "":
		attributeError(diags, at, "Element without a value", "One element is an empty string. Leave it out, for example with compact().")
	}
}

// wholeBetween is a range of whole numbers.
type wholeBetween struct{ least, most int64 }

// Description says what is demanded.
func (w wholeBetween) Description(context.Context) string {
	return fmt.Sprintf("a whole number between %d and %d", w.least, w.most)
}

// MarkdownDescription says what is demanded.
func (w wholeBetween) MarkdownDescription(ctx context.Context) string { return w.Description(ctx) }

// ValidateInt64 applies the range to known values.
func (w wholeBetween) ValidateInt64(ctx context.Context, req validator.Int64Request, resp *validator.Int64Response) {
	value := req.ConfigValue.ValueInt64()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || value >= w.least && value <= w.most {
		return
	}
	attributeError(&resp.Diagnostics, req.Path, "Not a number of instances", fmt.Sprintf("%d is not %s.", value, w.Description(ctx)))
}

// fleetDevice is what a device's name may look like. The image, once it is known, says
// more: it may have a volume of an unusual name.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
func fleetDevice() validator.String {
	return formatRule(regexp.MustCompile(`^(/dev/(sd[a-z]([1-9]|1[0-5])?|hd[a-z]([1-9]|1[0-5])?|xvd[a-z]{1,2})|xvd[a-z]{1,2})$`), "Not a device name",
		`a device name for a volume, like "/dev/sdf" or "/dev/xvdb"`)
}
