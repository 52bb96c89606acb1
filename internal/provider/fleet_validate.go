package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// ValidateConfig refuses what needs more than one attribute to be seen.
func (r *fleetResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config fleetModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config.validateTimeouts(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	config.validateSoak(ctx, &resp.Diagnostics)
	if config.Size.ValueInt64() < 0 || config.Size.IsUnknown() || config.Slots.IsNull() || !known(ctx, config.Slots) {
		return
	}
	slots := slotsSpec(ctx, config.Slots, &resp.Diagnostics)
	size := int(config.Size.ValueInt64())
	at := path.Root("slots")
	for _, slot := range slices.Sorted(maps.Keys(slots.Overrides)) {
		if slot >= size {
			attributeError(&resp.Diagnostics, at.AtName("overrides").AtMapKey(strconv.Itoa(slot)), "Override for a slot that does not exist",
				fmt.Sprintf("There is no slot %d in a fleet of %d: %s.", slot, size, slotRange(size)))
		}
	}
	if slots.Hostname != "" && size > 1 && !guest.PatternHasNumber(slots.Hostname) {
		attributeError(&resp.Diagnostics, at.AtName("hostname"), "The same hostname for all",
			fmt.Sprintf("%q has no %%d, so all %d instances would have the same hostname. Use a pattern like \"web-%%03d\".", slots.Hostname, size))
	}
}

// validateTimeouts refuses time limits within which nothing can be done.
func (m *fleetModel) validateTimeouts(diags *diag.Diagnostics) {
	for _, name := range []string{"create", "update", "delete"} {
		value, _ := m.Timeouts.Attributes()[name].(types.String)
		if limit := durationOr(value, 1); limit <= 0 {
			attributeError(diags, path.Root("timeouts").AtName(name), "No time at all",
				fmt.Sprintf("%q leaves no time to do anything. Give a duration above zero, like \"30m\", or leave it out.", value.ValueString()))
		}
	}
}

// validateSoak refuses a canary that no update could wait for.
func (m *fleetModel) validateSoak(ctx context.Context, diags *diag.Diagnostics) {
	if !known(ctx, m.Rollout, m.Timeouts) {
		return
	}
	limit, wrong := m.Timeouts.Update(withoutNoise(ctx), fleetUpdateTimeout)
	soak := durationOr(objectOf[rolloutModel](ctx, m.Rollout, diags).Soak, 0)
	if wrong.HasError() || soak < limit { // what is no duration, its own validator says
		return
	}
	attributeError(diags, path.Root("rollout").AtName("soak"), "The soak is longer than an update may take",
		fmt.Sprintf("The canary must stay ready for %s, and the whole update may take %s. Raise timeouts.update.", soak, limit))
}

func slotRange(size int) string {
	if size == 0 {
		return "it has none"
	}
	return fmt.Sprintf("its slots are 0 to %d", size-1)
}

// check refuses what cannot be launched before anything is.
func (p *fleetPlanner) check(spec fleet.Spec) {
	err := spec.Validate()
	if large, ok := errors.AsType[*guest.TooLargeError](err); ok {
		attributeError(p.diags, path.Root("user_data"), "The user data does not fit",
			fmt.Sprintf("%v.\n\nShorten it, put what is large into the image, or have it fetch the rest from S3.", large))
		return
	}
	if wrong, ok := errors.AsType[*guest.InputError](err); ok && wrong.Which == guest.InUserData {
		attributeError(p.diags, path.Root("user_data"), "The user data cannot go with slots",
			wrong.Reason+".\n\nTake slots away, or make it a fleet of size 1 for each server that differs.")
		return
	}
	p.refuse(err)
}

// preflight refuses what does not go with the image, and an image that is not there. It
// asks AWS, so it is for plans that launch something.
func (p *fleetPlanner) preflight(ctx context.Context, wanted *fleetModel) {
	if !p.session.ready() || wanted.Region.IsUnknown() || p.plan.ImageID.IsUnknown() {
		return
	}
	region := p.region()
	if region == nil {
		return
	}
	spec := fleet.Spec{ImageID: p.plan.ImageID.ValueString()}
	if p.plan.wanted(ctx) {
		spec = p.plan.spec(ctx, p.diags)
	}
	p.refuse(fleet.Preflight(ctx, region, spec))
}

// refuse says what cannot be, at its attribute.
func (p *fleetPlanner) refuse(err error) {
	wrong, ok := errors.AsType[*fleet.SpecError](err)
	switch {
	case err == nil:
	case !ok:
		p.diags.AddError("The fleet cannot be as configured", err.Error())
	case wrong.Field == "image_id":
		attributeError(p.diags, path.Root("image_id"), "The image cannot be used", wrong.Reason+".")
	default:
		attributeError(p.diags, fieldPath(wrong.Field), "The fleet cannot be as configured", wrong.Reason+".")
	}
}

// fieldPath is the path of a field like rollout.max_unavailable or volumes["/dev/sdf"].size.
func fieldPath(field string) path.Path {
	at := path.Empty()
	for field != "" {
		if rest, ok := strings.CutPrefix(field, "["); ok {
			quoted, after, _ := strings.Cut(rest, "]")
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return at
			}
			at, field = at.AtMapKey(key), strings.TrimPrefix(after, ".")
			continue
		}
		end := strings.IndexAny(field, ".[")
		if end < 0 {
			end = len(field)
		}
		at, field = at.AtName(field[:end]), strings.TrimPrefix(field[end:], ".")
	}
	return at
}
