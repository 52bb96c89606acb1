package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Read follows the line: a version promoted or removed elsewhere shows in the plan.
func (r *goldenImage) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state goldenImageModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	region := r.session.region(state.Region.ValueString(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	owner := r.session.owner(ctx, req.Private, ownership.Image, state.Name.ValueString(), region.Name(), state.held, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	line, err := observeLine(ctx, region, r.session, owner, &state)
	if err != nil {
		appendFailure(&resp.Diagnostics, err, fmt.Sprintf("Golden image %s could not be read", state.Name.ValueString()))
		return
	}
	before, _ := recallLine(ctx, req.Private, &resp.Diagnostics)
	line = line.WithRemembered(before.Line, state.copyRegions())
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.Name, state.Region)...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, owner)...)
	warnOfForeign(owner, line.Foreign, &resp.Diagnostics)
	appendWarnings(&resp.Diagnostics, line.Warnings)
	state.hold(owner)
	current := line.Current()
	if current == nil && !state.ImageID.IsNull() {
		if there, err := image.Exists(ctx, region, state.ImageID.ValueString()); err != nil || there {
			appendFailure(&resp.Diagnostics, orUntagged(err, state.ImageID.ValueString()), fmt.Sprintf("Golden image %s could not be read", state.Name.ValueString()))
			return
		}
		resp.Diagnostics.AddWarning(fmt.Sprintf("Golden image %s is gone", state.Name.ValueString()),
			fmt.Sprintf("No version of it is left in %s: it was removed outside of Terraform. An apply bakes a new one.", region.Name()))
		// It stays in the state all the same: only by its owner are its snapshots and copies found.
		state.forgetOutputs()
	}
	if current != nil && current.Disabled() {
		resp.Diagnostics.AddWarning(fmt.Sprintf("Golden image %s is disabled", state.Name.ValueString()),
			fmt.Sprintf("Somebody has disabled version %d, %s (%s): nothing can be launched from it. An apply enables it again.", current.Number, current.ImageID, region.Name()))
	}
	imported := state.Source.IsNull()
	if current != nil {
		state.readImported(ctx, line, &resp.Diagnostics)
		r.drift(ctx, region, &state, line, imported, &resp.Diagnostics)
		have := current.Tags.UserTags()
		if _, said := state.TagsAll.Elements()["Name"]; !said && have["Name"] == current.ImageName {
			delete(have, "Name")
		}
		state.setOutputs(line)
		state.Tags, state.TagsAll = r.session.ownTags(have, state.Tags), stringMap(have)
		state.Description = types.StringNull()
		if current.Description != "" {
			state.Description = types.StringValue(current.Description)
		}
	}
	state.rememberSource(ctx, region, resp.Private, &resp.Diagnostics)
	resp.Diagnostics.Append(state.rememberLine(ctx, resp.Private, line, r.session.now())...)
	r.rememberFiles(ctx, &state, resp.Private, &resp.Diagnostics)
	r.session.lines.put(owner, line)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// vouched are the images that the state has, with their fingerprints.
func (m *goldenImageModel) vouched() image.Vouched {
	vouched := image.Vouched{}
	if m == nil {
		return vouched
	}
	for _, element := range m.Versions.Elements() {
		if version, ok := element.(types.Object); ok {
			id, _ := version.Attributes()["image_id"].(types.String)
			fingerprint, _ := version.Attributes()["fingerprint"].(types.String)
			if id.ValueString() != "" {
				vouched[id.ValueString()] = fingerprint.ValueString()
			}
		}
	}
	return vouched
}

// drift makes the state say what is really there, so that the plan shows how it
// differs from the configuration.
func (r *goldenImage) drift(ctx context.Context, region *cloud.Region, state *goldenImageModel, line image.Line, imported bool, diags *diag.Diagnostics) {
	said, captured := state.distribution(ctx, diags), state.captured(ctx, diags)
	if diags.HasError() {
		return
	}
	spec := image.Spec{Name: state.Name.ValueString(), Capture: captured.spec(), Distribute: said.spec()}
	current := *line.Current()
	found := said
	found.Regions = haveRegions(imported, said.Regions, current)
	answering := slices.DeleteFunc(state.copyRegions(), line.Unreached)
	shared, err := image.ObserveShared(ctx, region, r.session.regions, current, answering, spec.Distribute)
	if err == nil {
		found.setShared(shared)
		if imported {
			found.readImportedSnapshots(current)
		}
	} else {
		warnUnread(diags, "The permissions of golden image "+spec.Name, err)
	}
	if spec.Distribute.Parameter != "" {
		value, err := image.ObserveParameter(ctx, region, line, spec.Distribute.Parameter)
		switch {
		case err != nil && !isTaken(err):
			warnUnread(diags, "The SSM parameter of golden image "+spec.Name, err)
		case value != current.ImageID:
			found.SSMParameter = types.StringNull()
		}
	}
	if !state.Distribute.IsNull() || !found.empty() {
		object, more := types.ObjectValueFrom(ctx, distributeType, found)
		diags.Append(more...)
		state.Distribute = object
	}
	state.captureDrift(ctx, spec, current, r.session.now(), diags)
}

// warnUnread says what could not be compared with the state. It keeps nobody from anything:
// credentials that may only destroy need not read it.
func warnUnread(diags *diag.Diagnostics, what string, err error) {
	appendWarnings(diags, []report.Warning{{
		Summary: what + " could not be read",
		Detail:  err.Error() + "\n\nThe state keeps what it says: what somebody has changed by hand is not seen, and not set right.",
	}})
}

// haveRegions are the wanted regions that have a copy. After an import nothing is
// wanted yet: then it is those that have one.
func haveRegions(imported bool, said types.Map, current image.Version) types.Map {
	entries := map[string]attr.Value{}
	for region, copied := range current.Copies {
		if copied.State != cloud.ImageAvailable {
			continue
		}
		if entry, wanted := said.Elements()[region]; wanted {
			entries[region] = entry
		} else if imported {
			entries[region] = types.ObjectValueMust(regionType.AttrTypes, map[string]attr.Value{"kms_key_id": optional(copied.Tags[cloud.TagKey])})
		}
	}
	if len(entries) == len(said.Elements()) {
		return said
	}
	return types.MapValueMust(regionType, entries)
}

// keepRegions is for an apply that failed: the state says which of the planned regions
// have a copy now.
func (m *goldenImageModel) keepRegions(ctx context.Context, plan goldenImageModel, line image.Line, diags *diag.Diagnostics) {
	said, planned := m.distribution(ctx, diags), plan.distribution(ctx, diags)
	found := said
	entries := map[string]attr.Value{}
	for region, copied := range line.Current().Copies {
		if copied.State != cloud.ImageAvailable {
			continue
		}
		for _, regions := range []types.Map{planned.Regions, said.Regions} {
			if entry, wanted := regions.Elements()[region]; wanted && keyOf(entry) == copied.Tags[cloud.TagKey] {
				entries[region] = entry
			}
		}
	}
	if len(entries) == 0 && said.Regions.IsNull() {
		return
	}
	found.Regions = types.MapValueMust(regionType, entries)
	object, more := types.ObjectValueFrom(ctx, distributeType, found)
	diags.Append(more...)
	m.Distribute = object
}

func keyOf(entry attr.Value) string {
	object, ok := entry.(types.Object)
	if !ok {
		return ""
	}
	key, _ := object.Attributes()["kms_key_id"].(types.String)
	return key.ValueString()
}

// setShared takes over who may use the image, where that differs from what was said.
func (m *distributeModel) setShared(shared image.Shared) {
	set := func(said types.Set, have []string) types.Set {
		if slices.Equal(slices.Sorted(slices.Values(elements(said))), have) {
			return said
		}
		return types.SetValueMust(types.StringType, stringList(have).Elements())
	}
	m.AccountIDs = set(m.AccountIDs, shared.Permissions.AccountIDs)
	m.OrganizationARNs = set(m.OrganizationARNs, shared.Permissions.OrganizationARNs)
	m.OrganizationalUnitARNs = set(m.OrganizationalUnitARNs, shared.Permissions.OrganizationalUnitARNs)
	if m.Public.ValueBool() != shared.Permissions.Public {
		m.Public = types.BoolValue(shared.Permissions.Public)
	}
	if m.Snapshots.ValueBool() != shared.Snapshots {
		m.Snapshots = types.BoolValue(shared.Snapshots)
	}
}

// empty reports whether nothing is said.
func (m *distributeModel) empty() bool {
	return m.Regions.IsNull() && m.AccountIDs.IsNull() && m.OrganizationARNs.IsNull() && m.OrganizationalUnitARNs.IsNull() &&
		m.Public.IsNull() && m.Snapshots.IsNull() && m.SSMParameter.IsNull()
}

// captureDrift takes over a deprecation and a protection that somebody has changed.
func (m *goldenImageModel) captureDrift(ctx context.Context, spec image.Spec, current image.Version, now time.Time, diags *diag.Diagnostics) {
	protected, date := current.Protection.Enabled(), current.DeprecatesAt
	if protected == spec.Capture.Protect && spec.DeprecatedAsWanted(current, now) {
		return
	}
	capture := m.captured(ctx, diags)
	if protected != spec.Capture.Protect {
		capture.Protection = types.BoolValue(protected)
	}
	if !spec.DeprecatedAsWanted(current, now) {
		capture.DeprecateAfter = types.StringNull()
		if !date.IsZero() {
			capture.DeprecateAfter = types.StringValue(report.Duration(date.Sub(current.BakedAt).Round(time.Minute)))
		}
	}
	object, more := types.ObjectValueFrom(ctx, captureType, capture)
	diags.Append(more...)
	m.Capture = object
}

// captureType is the object capture.
var captureType = map[string]attr.Type{
	"encrypted": types.BoolType, "kms_key_id": types.StringType, "retain_versions": types.Int64Type,
	"deprecate_after": types.StringType, "deregistration_protection": types.BoolType, "imds_support": types.StringType,
}

// optional is null for "".
func optional(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

func isUnreached(err error) bool {
	_, unreached := errors.AsType[*image.UnreachedError](err)
	return unreached
}

func isTaken(err error) bool {
	_, taken := errors.AsType[*image.ParameterTakenError](err)
	return taken
}

// regions leads the engine to other regions.
func (s *session) regions(name string) (image.AWS, error) { return s.account.Region(name) }

// seenLines are lines that were read to refresh the state, until the plan that comes
// next takes them: it need not read them again.
type seenLines struct {
	mu    sync.Mutex
	lines map[ownership.Owner]seenLine
}

type seenLine struct {
	line image.Line
	at   time.Time
}

func (s *seenLines) put(owner ownership.Owner, line image.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = map[ownership.Owner]seenLine{}
	}
	s.lines[owner] = seenLine{line: line, at: time.Now()}
}

// take returns a line once.
func (s *seenLines) take(owner ownership.Owner) (image.Line, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, there := s.lines[owner]
	delete(s.lines, owner)
	return seen.line, there && time.Since(seen.at) < sightLasts
}

// orUntagged is the error for an image that is there without the tags that make it ours:
// not visible yet, or taken away.
func orUntagged(err error, imageID string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is there, but does not carry the tags by which it is known, like %s. When they were written a moment ago, try again in a minute; "+
		"when somebody has removed them, put them back, or deregister the image", imageID, cloud.TagPromotedAt)
}
