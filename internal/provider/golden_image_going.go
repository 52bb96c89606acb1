package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// planDestroy refuses credentials of another account before anything is destroyed, and says
// what goes.
func (r *goldenImage) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state goldenImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !r.session.ready() || resp.Diagnostics.HasError() {
		return
	}
	owner := r.session.owner(ctx, req.Private, ownership.Image, state.Name.ValueString(), state.Region.ValueString(), state.held, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || state.SkipDestroy.ValueBool() {
		return
	}
	r.session.warnOfGoing(ctx, req.Private, owner, &state, "is destroyed with its versions", "", &resp.Diagnostics)
}

// bakeAgain is for those who replace a resource because they want another bake.
const bakeAgain = "To bake again, change refresh.triggers and do not replace: then what is there stays until the new version has passed, and also when its bake fails."

// warnOfGoing says what goes with an image: how many versions, which copies, whom they are
// shared with, and how many instances run from them. What cannot be read is left out: nothing
// may keep anybody from destroying. A nil state is one that is not at hand.
func (s *session) warnOfGoing(ctx context.Context, private privateReader, owner ownership.Owner, state *goldenImageModel, how, advice string, diags *diag.Diagnostics) {
	region, err := s.account.Region(owner.Region)
	if err != nil {
		return
	}
	line, there := s.lines.take(owner)
	if !there {
		if line, there = recallLineOf(ctx, private, owner, diags); !there {
			line, err = observeLine(ctx, region, s, owner, state)
		}
	}
	if err != nil {
		return
	}
	goes := image.Going(ctx, region, s.regions, line)
	if goes == "" {
		return
	}
	var parts []string
	for _, part := range []string{"An apply removes " + goes, state.sharedWith(ctx), advice} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	appendWarnings(diags, []report.Warning{{
		Summary: fmt.Sprintf("Golden image %s (%s) %s", owner.Name, owner.Region, how), Detail: strings.Join(parts, "\n\n"),
	}})
}

// sharedWith says who loses the image, for people.
func (m *goldenImageModel) sharedWith(ctx context.Context) string {
	if m == nil {
		return ""
	}
	said := m.distribution(ctx, &diag.Diagnostics{})
	var whom []string
	for _, list := range []struct {
		name  string
		count int
	}{
		{"account", len(said.AccountIDs.Elements())},
		{"organization", len(said.OrganizationARNs.Elements())},
		{"organizational unit", len(said.OrganizationalUnitARNs.Elements())},
	} {
		switch {
		case list.count == 1:
			whom = append(whom, "1 "+list.name)
		case list.count > 1:
			whom = append(whom, fmt.Sprintf("%d %ss", list.count, list.name))
		}
	}
	if said.Public.ValueBool() {
		whom = append(whom, "everyone")
	}
	if len(whom) == 0 {
		return ""
	}
	return "They are shared with " + strings.Join(whom, ", ") + ": whether somebody there runs instances from them is not known here."
}
