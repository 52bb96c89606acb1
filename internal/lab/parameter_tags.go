package lab

import (
	"maps"
	"strings"
)

var parameterTagActions = map[string]jsonAction{
	"AddTagsToResource":      asJSON((*region).addTagsToResource),
	"RemoveTagsFromResource": asJSON((*region).removeTagsFromResource),
	"ListTagsForResource":    asJSON((*region).listTagsForResource),
}

// ssmTags adds tags to those that are there.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Tag.html
func ssmTags(before tagMap, added []ssmTag) (tagMap, *apiError) {
	after := before.with(nil)
	for _, tag := range added {
		if strings.HasPrefix(strings.ToLower(tag.Key), "aws:") {
			return nil, fail("ValidationException", "Tag keys that begin with aws: are reserved for system use.")
		}
		after[tag.Key] = tag.Value
	}
	if len(after) > maxTags {
		return nil, fail("TooManyTagsError", "A resource can have no more than %d tags.", maxTags)
	}
	return after, nil
}

// taggedResource is what a call names. Of everything that Systems Manager can tag the
// lab has parameters only.
type taggedResource struct {
	ResourceType string `must:"required,enum Document|ManagedInstance|MaintenanceWindow|Parameter|PatchBaseline|OpsItem|OpsMetadata|Automation|Association"`
	ResourceId   string `must:"required,length 1 2048"`
}

func (r *region) taggedParameter(kind, id string) (*parameter, *apiError) {
	if kind != "Parameter" {
		return nil, fail("InvalidResourceType", "The lab has no resources of type %s to tag.", kind)
	}
	found := r.parameters[strings.Trim(id, " ")]
	if found == nil || found.public {
		return nil, fail("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the correct ID and try again.")
	}
	return found, nil
}

type addTagsInput struct {
	taggedResource
	Tags []ssmTag `must:"required,length 1 1000"`
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html
func (r *region) addTagsToResource(in *addTagsInput) (*nothing, *apiError) {
	found, err := r.taggedParameter(in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	after, err := ssmTags(found.tags, in.Tags)
	if err != nil {
		return nil, err
	}
	found.tags = after
	return &nothing{}, nil
}

type removeTagsInput struct {
	taggedResource
	TagKeys []string `must:"required,length 1 1000"`
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html
func (r *region) removeTagsFromResource(in *removeTagsInput) (*nothing, *apiError) {
	found, err := r.taggedParameter(in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	after := maps.Clone(found.tags)
	for _, key := range in.TagKeys {
		delete(after, key)
	}
	found.tags = after
	return &nothing{}, nil
}

type listTagsOutput struct{ TagList []tagItem }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html
func (r *region) listTagsForResource(in *taggedResource) (*listTagsOutput, *apiError) {
	found, err := r.taggedParameter(in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return &listTagsOutput{TagList: found.tags.items()}, nil
}
