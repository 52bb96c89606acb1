package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// sourceKey is where private state keeps what the source was at the last refresh. A plan
// goes by that: Terraform plans once more when it applies, and must then find what the user
// has seen, although the source may have moved on.
const sourceKey = "source"

// seenSource is what a source meant when it was looked at.
type seenSource struct {
	Source  image.Source `json:"source"`
	ImageID string       `json:"image_id"`
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
	var seen seenSource
	if id, err := image.ResolveSource(ctx, region, said.spec()); err == nil {
		seen = seenSource{Source: said.spec(), ImageID: id}
	}
	kept, err := json.Marshal(seen)
	if err != nil {
		panic(err) // a source holds nothing that JSON cannot hold
	}
	diags.Append(private.SetKey(ctx, sourceKey, kept)...)
}

// resolve returns the AMI that the source means: the one that the refresh has found, when the
// configuration names the same source.
func (p *goldenImagePlanner) resolve(ctx context.Context, region *cloud.Region, source image.Source) (imageID string, err error) {
	if p.state != nil {
		raw, diags := p.private.GetKey(ctx, sourceKey)
		p.diags.Append(diags...)
		var seen seenSource
		if err := json.Unmarshal(raw, &seen); err == nil && seen.ImageID != "" && source.Equal(seen.Source) {
			return seen.ImageID, nil
		}
	}
	return image.ResolveSource(ctx, region, source)
}
