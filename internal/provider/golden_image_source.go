package provider

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// sourceKey is where private state keeps what the source was at the last refresh. A plan
// goes by that: Terraform plans once more when it applies, and must then find what the user
// has seen, although the source may have moved on.
const sourceKey = "source"

// seenSource is what a source meant when it was looked at.
type seenSource struct {
	Source  image.Source `json:"source"`
	ImageID string       `json:"image_id"`
	// Why says why it meant nothing.
	Why string `json:"why,omitempty"`
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// rememberSource resolves the source that state tells of. One that leads nowhere is for the
// plan to complain of: a destroy does not need it.
func (m *goldenImageModel) rememberSource(ctx context.Context, region *cloud.Region, private privateWriter, diags *diag.Diagnostics) {
	if m.Source.IsNull() {
		return
	}
	var said sourceModel
	diags.Append(m.Source.As(ctx, &said, basetypes.ObjectAsOptions{})...)
	if diags.HasError() {
		return
	}
	seen := seenSource{Source: said.spec()}
	id, err := image.ResolveSource(ctx, region, seen.Source)
	if seen.ImageID = id; err != nil {
		seen.Why = err.Error()
	}
	diags.Append(keep(ctx, private, sourceKey, seen)...)
}

// keep writes a value into private state.
func keep(ctx context.Context, private privateWriter, key string, value any) diag.Diagnostics {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // what is kept is strings, numbers and times alone
	}
	return private.SetKey(ctx, key, raw)
}

// resolvedSource is what the source of a plan means.
type resolvedSource struct {
	imageID string
	// fixed is set when the plan that comes with the apply will find the same: what only this
	// plan has looked up may have moved on by then.
	fixed bool
}

// resolve returns the AMI that the source means: the one that the refresh has found, when the
// configuration names the same source. When that led nowhere then, it is the one that the
// current version was baked on: nothing needs another until a bake does.
func (p *goldenImagePlanner) resolve(ctx context.Context, region *cloud.Region, source image.Source, line image.Line) (resolvedSource, error) {
	if source.ImageID != "" {
		return resolvedSource{source.ImageID, true}, nil
	}
	if p.state != nil {
		raw, diags := p.private.GetKey(ctx, sourceKey)
		p.diags.Append(diags...)
		var seen seenSource
		known := json.Unmarshal(raw, &seen) == nil && source.Equal(seen.Source)
		current := line.Current()
		switch {
		case known && seen.ImageID != "":
			return resolvedSource{seen.ImageID, true}, nil
		case known && seen.Why != "" && current != nil && current.SourceImageID != "":
			p.diags.AddAttributeWarning(path.Root("source"), "The source of golden image "+p.plan.Name.ValueString()+" leads nowhere",
				report.Clean(fmt.Sprintf("%s.\n\nThe plan goes on with %s, which version %d was baked on: the current version stays as long as nothing else asks for a new one. "+
					"Correct source before the next bake.", sentence(seen.Why), current.SourceImageID, current.Number)))
			return resolvedSource{current.SourceImageID, true}, nil
		}
	}
	id, err := image.ResolveSource(ctx, region, source)
	return resolvedSource{imageID: id}, err
}
