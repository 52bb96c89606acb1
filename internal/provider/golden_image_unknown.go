package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// warnOfUnknown names what of a recipe is not known before the apply, where there is a version
// already. A value that is never known in a plan, like that of timestamp(), bakes each time.
func (p *goldenImagePlanner) warnOfUnknown(ctx context.Context) {
	if p.state == nil {
		return
	}
	var unknown []string
	for _, part := range []struct {
		name  string
		value attr.Value
	}{
		{"source", p.plan.Source}, {"bake", p.plan.Bake}, {"verify", p.plan.Verify}, {"capture", p.plan.Capture}, {"refresh", p.plan.Refresh},
	} {
		unknown = append(unknown, unknownIn(ctx, part.name, part.value)...)
	}
	if len(unknown) == 0 {
		return
	}
	appendWarnings(p.diags, []report.Warning{{
		Summary: fmt.Sprintf("Whether golden image %s is baked is known after apply", p.plan.Name.ValueString()),
		Detail: fmt.Sprintf("What decides it is not known yet: %s. The apply bakes a new version if the content is another one by then. "+
			"Of timestamp(), uuid() and their like it is another one each time, so that each apply bakes: leave them out, or write the time in a step of the bake.",
			strings.Join(unknown, ", ")),
	}})
}

// unknownIn are the paths of what is unknown in a value.
func unknownIn(ctx context.Context, name string, value attr.Value) []string {
	raw, err := value.ToTerraformValue(ctx)
	if err != nil {
		return nil
	}
	var paths []string
	_ = tftypes.Walk(raw, func(at *tftypes.AttributePath, value tftypes.Value) (bool, error) {
		if !value.IsKnown() {
			paths = append(paths, name+pathText(at))
		}
		return true, nil
	})
	slices.Sort(paths)
	return paths
}

// pathText is a path as people write it.
func pathText(at *tftypes.AttributePath) string {
	var text strings.Builder
	for _, step := range at.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			text.WriteString("." + string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&text, "[%d]", int64(step))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&text, "[%q]", string(step))
		}
	}
	return text.String()
}
