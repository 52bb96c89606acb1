package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// known reports whether a value and everything in it is known.
func known(_ context.Context, values ...attr.Value) bool {
	return !slices.ContainsFunc(values, partlyUnknown)
}

// partlyUnknown walks the value itself: its Terraform form would be as large again.
func partlyUnknown(value attr.Value) bool {
	if value.IsUnknown() {
		return true
	}
	switch value := value.(type) {
	case interface{ Elements() []attr.Value }:
		return slices.ContainsFunc(value.Elements(), partlyUnknown)
	case interface{ Elements() map[string]attr.Value }:
		return slices.ContainsFunc(slices.Collect(maps.Values(value.Elements())), partlyUnknown)
	case interface{ Attributes() map[string]attr.Value }:
		return slices.ContainsFunc(slices.Collect(maps.Values(value.Attributes())), partlyUnknown)
	}
	return false
}

func regionAttribute(what string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Computed: true, Validators: []validator.String{nonEmpty()},
		MarkdownDescription: "The region that " + what + ". Default: the provider's. A change replaces the resource.",
	}
}

func tagsAllAttribute() schema.Attribute {
	return schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "`tags` together with the provider's `default_tags`.",
	}
}

// tagValidators hold EC2's rules for tags.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
func tagValidators() []validator.Map {
	return []validator.Map{
		mapvalidator.SizeAtMost(maxTags),
		mapvalidator.KeysAre(stringvalidator.UTF8LengthBetween(1, 128), stringRule{
			description: "not a reserved prefix", summary: "Reserved tag",
			wrong: func(key string) string {
				if cloud.Owned(key) {
					return "Tags that begin with \"stamp:\" are the provider's own journal. Choose another key."
				}
				if strings.HasPrefix(strings.ToLower(key), "aws:") {
					return "Tags that begin with \"aws:\" are reserved for AWS. Choose another key."
				}
				return ""
			},
		}),
		mapvalidator.ValueStringsAre(stringvalidator.UTF8LengthAtMost(256)),
	}
}

// maxTags leaves room, in the 50 tags that an EC2 object may have, for the
// ownership tags and the Name.
const maxTags = 30

// checkTags refuses more tags than there is room for, the default ones among them.
func checkTags(all types.Map, diags *diag.Diagnostics) {
	if count := len(all.Elements()); count > maxTags {
		attributeError(diags, path.Root("tags"), "Too many tags",
			fmt.Sprintf("With the provider's default_tags there are %d. EC2 takes 50, of which the provider needs up to 20 itself: "+
				"%d is the most. Remove some here, or from default_tags.", count, maxTags))
	}
}

// mergedTags is tags_all: the default tags with the resource's own over them.
func (s *session) mergedTags(ctx context.Context, tags types.Map) types.Map {
	if !s.ready() || !known(ctx, tags) {
		return types.MapUnknown(types.StringType)
	}
	return stringMap(s.defaultTags.With(tagsOf(tags)))
}

// ownTags is the part of the tags on an object that the configuration says, given
// what state says: drift in a tag that comes from default_tags shows in tags_all.
func (s *session) ownTags(have cloud.Tags, state types.Map) types.Map {
	own := maps.Clone(have)
	stated := tagsOf(state)
	for key, value := range s.defaultTags {
		if _, said := stated[key]; !said && own[key] == value {
			delete(own, key)
		}
	}
	if len(own) == 0 && state.IsNull() {
		return types.MapNull(types.StringType)
	}
	values := stringMap(own).Elements()
	for key, value := range state.Elements() {
		if _, there := own[key]; !there && value.IsNull() {
			values[key] = value // what is null in the configuration is no tag
		}
	}
	return types.MapValueMust(types.StringType, values)
}

func tagsOf(values types.Map) cloud.Tags {
	tags := cloud.Tags{}
	for key, value := range stringsOf(values) {
		tags[key] = value
	}
	return tags
}

// stringsOf returns the known strings of a map.
func stringsOf(values types.Map) map[string]string {
	found := map[string]string{}
	for key, element := range values.Elements() {
		if text, ok := element.(types.String); ok && !text.IsNull() && !text.IsUnknown() {
			found[key] = text.ValueString()
		}
	}
	return found
}

func stringMap[M ~map[string]string](values M) types.Map {
	elements := make(map[string]attr.Value, len(values))
	for key, value := range values {
		elements[key] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, elements)
}

func stringList(values []string) types.List {
	elements := make([]attr.Value, 0, len(values))
	for _, value := range values {
		elements = append(elements, types.StringValue(value))
	}
	return types.ListValueMust(types.StringType, elements)
}

// elements returns the strings of a known list or set.
func elements(values interface{ Elements() []attr.Value }) []string {
	var found []string
	for _, element := range values.Elements() {
		if text, ok := element.(types.String); ok && !text.IsNull() {
			found = append(found, text.ValueString())
		}
	}
	return found
}

// identityModel is the resource identity of both resources.
type identityModel struct {
	Name   types.String `tfsdk:"name"`
	Region types.String `tfsdk:"region"`
}

func identitySchema(what string) identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"name":   identityschema.StringAttribute{RequiredForImport: true, Description: "The name of the " + what + "."},
		"region": identityschema.StringAttribute{OptionalForImport: true, Description: "Its region; the provider's without it."},
	}}
}

// importID splits "name", "name@region" or "name@region#owner".
func importID(id string) (name, region, owner string) {
	if at := strings.LastIndex(id, "#"); at >= 0 && ownership.ValidID(id[at+1:]) {
		id, owner = id[:at], id[at+1:]
	}
	at := strings.LastIndex(id, "@")
	if at < 0 || !regionFormat.MatchString(id[at+1:]) {
		return id, "", owner
	}
	return id[:at], id[at+1:], owner
}

// planRegion fills in the provider's region where the configuration says none.
func (s *session) planRegion(config types.String, diags *diag.Diagnostics) types.String {
	if !config.IsNull() {
		return config
	}
	if !s.ready() {
		return types.StringUnknown()
	}
	region := s.region("", diags)
	if region == nil {
		return types.StringUnknown()
	}
	return types.StringValue(region.Name())
}
