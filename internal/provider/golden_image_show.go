package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// planned is what the engine plans.
type planned struct {
	image.Plan
	recipe image.Recipe
	// from is the source image of a bake.
	from cloud.Image
	// fixed is set when the plan that comes with the apply will find the same source. What it
	// may find otherwise is not promised, or Terraform would refuse the apply.
	fixed bool
	// files is set when files are uploaded from the disk: those of the apply are baked, and
	// nobody knows them before.
	files bool
}

// show writes the engine's plan into the outputs: known where it is known, and where it cannot
// be another by the time of the apply.
func (p *goldenImagePlanner) show(engine planned, line image.Line) {
	p.removes = engine.Retire
	if engine.Action == image.Keep {
		// After a refresh they are as they were.
		p.plan.setOutputs(line)
		p.plan.BakeReason, p.plan.Versions = p.state.BakeReason, p.state.Versions
		p.showCopies(engine.Plan, line.Current())
		if engine.Reason != "" {
			p.plan.BakeReason = types.StringValue(engine.Reason)
		}
		return
	}
	p.plan.unknownOutputs()
	reason := engine.Reason
	if !engine.fixed {
		reason = strings.ReplaceAll(reason, engine.recipe.Source, "the newest one")
	}
	p.plan.BakeReason = p.shown(reason)
	if engine.Action == image.BakeNew {
		p.showBake(engine, line)
		return
	}
	version := line.ByImage(engine.ImageID)
	p.plan.setCurrent(*version)
	p.showCopies(engine.Plan, version)
	if !engine.Prove {
		p.plan.VerifiedAt = timeValue(version.VerifiedAt)
	}
	p.plan.Versions = versionsValue(line.Versions)
}

// shown is a reason that Terraform does not hide. It hides what stays as it was, and a release of
// the same files has the same reason as the one before.
func (p *goldenImagePlanner) shown(reason string) types.String {
	if p.state != nil && p.state.BakeReason.ValueString() == reason {
		return types.StringValue("again: " + reason)
	}
	return types.StringValue(reason)
}

// showBake shows a version that is yet to be made, before those that are kept.
func (p *goldenImagePlanner) showBake(engine planned, line image.Line) {
	p.showCopies(engine.Plan, nil)
	p.plan.Architecture = p.stays(types.StringValue(engine.from.Architecture), engine.fixed, func(m *goldenImageModel) types.String { return m.Architecture })
	p.plan.RootDeviceName = p.stays(types.StringValue(engine.from.RootDeviceName), engine.fixed, func(m *goldenImageModel) types.String { return m.RootDeviceName })
	if engine.fixed {
		p.plan.SourceImageID = types.StringValue(engine.recipe.Source)
	}
	if engine.fixed && !engine.files {
		p.plan.Fingerprint = types.StringValue(engine.Fingerprint)
	}
	if p.shared {
		return
	}
	p.plan.Version = types.Int64Value(int64(engine.Version))
	if engine.fixed && !engine.files {
		p.plan.ImageName = types.StringValue(image.AMIName(p.plan.Name.ValueString(), engine.Version, engine.Fingerprint))
	}
	fresh := types.ObjectValueMust(versionType.AttrTypes, map[string]attr.Value{
		"version": p.plan.Version, "image_id": types.StringUnknown(), "fingerprint": p.plan.Fingerprint,
		"baked_at": types.StringUnknown(), "source_image_id": p.plan.SourceImageID,
	})
	kept := versionsValue(line.Versions)
	p.plan.Versions = types.ListValueMust(versionType, append([]attr.Value{fresh}, kept.Elements()...))
}

// stays is what an output will be that another source may change: one that was looked up just
// now, and that another may take the place of by the time of the apply, is trusted to stay what
// it was, and no further.
func (p *goldenImagePlanner) stays(will types.String, fixed bool, of func(*goldenImageModel) types.String) types.String {
	if fixed || p.state != nil && will.Equal(of(p.state)) {
		return will
	}
	return types.StringUnknown()
}

// showCopies shows in image_ids which regions will have an image, so that others can go
// by its keys, and the ids of the images that are there.
func (p *goldenImagePlanner) showCopies(engine image.Plan, version *image.Version) {
	regions, ok := p.plan.Distribute.Attributes()["regions"].(types.Map)
	if p.plan.Distribute.IsUnknown() || ok && regions.IsUnknown() {
		p.plan.ImageIDs = types.MapUnknown(types.StringType)
		return
	}
	home := p.plan.Region.ValueString()
	ids := map[string]attr.Value{home: types.StringUnknown()}
	for _, region := range p.plan.copyRegions() {
		ids[region] = types.StringUnknown()
	}
	if version != nil {
		for region, id := range version.ImageIDs(home, p.plan.copyRegions()) {
			if !slices.Contains(engine.Copy, region) {
				ids[region] = types.StringValue(id)
			}
		}
	}
	p.plan.ImageIDs = types.MapValueMust(types.StringType, ids)
}

// withoutVersions are the versions but those of the images.
func withoutVersions(versions types.List, imageIDs []string) types.List {
	if versions.IsUnknown() {
		return versions
	}
	return types.ListValueMust(versionType, slices.DeleteFunc(versions.Elements(), func(element attr.Value) bool {
		return slices.Contains(imageIDs, stringIn(element, "image_id"))
	}))
}

// stringIn is a string of an object; "" where it is not known.
func stringIn(object attr.Value, name string) string {
	if object, ok := object.(types.Object); ok {
		if text, ok := object.Attributes()[name].(types.String); ok {
			return text.ValueString()
		}
	}
	return ""
}

// settle makes a planned model the one that state keeps: every output is known. What the plan
// has promised stays as it was promised, since Terraform takes nothing else: a version that is
// kept because something uses it is back after the next refresh.
func (m *goldenImageModel) settle(ctx context.Context, applied applied) {
	promised := *m
	m.setOutputs(applied.line)
	m.BakeReason = types.StringNull()
	if applied.reason != "" {
		m.BakeReason = types.StringValue(applied.reason)
	}
	for _, output := range []struct{ promised, is *types.String }{
		{&promised.ImageID, &m.ImageID},
		{&promised.ImageName, &m.ImageName},
		{&promised.Fingerprint, &m.Fingerprint},
		{&promised.SourceImageID, &m.SourceImageID},
		{&promised.BakedAt, &m.BakedAt},
		{&promised.VerifiedAt, &m.VerifiedAt},
		{&promised.Architecture, &m.Architecture},
		{&promised.RootDeviceName, &m.RootDeviceName},
		{&promised.BakeReason, &m.BakeReason},
	} {
		if !output.promised.IsUnknown() {
			*output.is = *output.promised
		}
	}
	if !promised.Version.IsUnknown() {
		m.Version = promised.Version
	}
	m.ImageIDs = settledIDs(promised.ImageIDs, m.ImageIDs)
	m.Versions = settledVersions(ctx, promised.Versions, m.Versions)
}

// settledIDs fills the unknown elements of a promise.
func settledIDs(promised, are types.Map) types.Map {
	if promised.IsUnknown() {
		return are
	}
	elements := promised.Elements()
	for region, id := range elements {
		if !id.IsUnknown() {
			continue
		}
		elements[region] = types.StringNull()
		if is, there := are.Elements()[region]; there {
			elements[region] = is
		}
	}
	return types.MapValueMust(types.StringType, elements)
}

// settledVersions fills the unknown elements of a promise, by the versions' numbers.
func settledVersions(ctx context.Context, promised, are types.List) types.List {
	if promised.IsUnknown() {
		return are
	}
	elements := promised.Elements()
	for i, element := range elements {
		if known(ctx, element) {
			continue
		}
		number := numberIn(element)
		at := slices.IndexFunc(are.Elements(), func(is attr.Value) bool { return numberIn(is).Equal(number) })
		if at >= 0 {
			elements[i] = are.Elements()[at]
		}
	}
	return types.ListValueMust(versionType, elements)
}

func numberIn(version attr.Value) attr.Value {
	object, ok := version.(types.Object)
	if !ok {
		return types.Int64Null()
	}
	return object.Attributes()["version"]
}
