package provider

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// lineKey is where private state keeps what the line was when it was looked at last.
const lineKey = "line"

// seenImage is what a refresh or an apply has seen of a line.
type seenImage struct {
	Line image.Memory `json:"line"`
	// At is when, if the state has a limit of age: a version must not become too old between a
	// plan and its apply. Without one it is left out, or each refresh would change the state.
	At time.Time `json:"at,omitzero"`
}

// rememberLine keeps the line for plans that do not refresh: those with -refresh=false, and
// the one that Terraform makes when it applies.
func (m *goldenImageModel) rememberLine(ctx context.Context, private privateWriter, line image.Line, now time.Time) diag.Diagnostics {
	seen := seenImage{Line: line.Remember()}
	if m.maxAge() > 0 {
		seen.At = now
	}
	return keep(ctx, private, lineKey, seen)
}

// maxAge is refresh.max_age, zero without one.
func (m *goldenImageModel) maxAge() time.Duration {
	age, ok := m.Refresh.Attributes()["max_age"].(types.String)
	if !ok {
		return 0
	}
	return durationOr(age, 0)
}

// recallLine returns what was seen last.
func recallLine(ctx context.Context, private privateReader, diags *diag.Diagnostics) (seen seenImage, there bool) {
	raw, more := private.GetKey(ctx, lineKey)
	diags.Append(more...)
	return seen, len(raw) > 0 && json.Unmarshal(raw, &seen) == nil
}

// recallLineOf returns what was seen last of an owner's line. The private state of a plan may
// be another one's: one that takes over the name of what is destroyed beside it, for example.
func recallLineOf(ctx context.Context, private privateReader, owner ownership.Owner, diags *diag.Diagnostics) (line image.Line, there bool) {
	if holder, held := heldBy(ctx, private, diags); !held || holder != owner {
		return line, false
	}
	seen, there := recallLine(ctx, private, diags)
	return seen.Line.Recall(owner), there
}

// line is what there is of the image: as the refresh has just read it, as state remembers it,
// or, for one that is yet to be created, read now.
func (p *goldenImagePlanner) line(ctx context.Context, region *cloud.Region) (image.Line, error) {
	if p.now = p.session.now(); p.state != nil {
		seen, there := recallLine(ctx, p.private, p.diags)
		if !seen.At.IsZero() {
			p.now = seen.At
		}
		if line, fresh := p.session.lines.take(p.owner); fresh {
			return line, nil
		}
		if there {
			p.recalled = true
			return seen.Line.Recall(p.owner), nil
		}
	}
	return observeLine(ctx, region, p.session, p.owner, p.state)
}

// observeLine reads a line with what is temporary: three requests, and one for each region
// that the state, or the current version itself, tells of. Regions that do not answer are no
// error.
func observeLine(ctx context.Context, region *cloud.Region, session *session, owner ownership.Owner, state *goldenImageModel) (image.Line, error) {
	line, err := image.Observe(ctx, region, owner, state.vouched())
	if err != nil || state == nil {
		return line, err
	}
	line, err = image.ObserveCopiesSoon(ctx, region, session.regions, owner, line, state.copyRegions())
	if isUnreached(err) {
		return line, nil
	}
	return line, err
}
