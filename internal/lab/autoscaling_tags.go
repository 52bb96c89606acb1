package lab

import (
	"slices"
	"strconv"
	"strings"
)

var scalingTagActions = map[string]action{
	"CreateOrUpdateTags": scaled((*region).tagScalingGroups),
	"DeleteTags":         scaled((*region).untagScalingGroups),
	"DescribeTags":       scaled((*region).describeScalingTags),
}

// scalingTag is a tag in a request.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Tag.html
type scalingTag struct {
	ResourceId, ResourceType, Key, Value string
	PropagateAtLaunch                    *bool
}

// scalingTagItem is a tag in an answer.
type scalingTagItem struct {
	ResourceID   string `xml:"ResourceId"`
	ResourceType string `xml:"ResourceType"`
	Key          string `xml:"Key"`
	Value        string `xml:"Value"`
	Propagates   bool   `xml:"PropagateAtLaunch"`
}

// scalingResource is the type of all things that this service tags.
const scalingResource = "auto-scaling-group"

// tag adds tags. Instances that are there do not get them.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
func (g *scalingGroup) tag(tags []scalingTag) *apiError {
	plain, full := tagMap{}.with(g.tags), map[string]scalingTag{}
	for _, tag := range tags {
		if tag.ResourceType != "" && tag.ResourceType != scalingResource {
			return validation("'%s' is not a valid resource type", tag.ResourceType)
		}
		if err := checkTags([]tagItem{{tag.Key, tag.Value}}); err != nil {
			return asValidation(err)
		}
		if _, twice := full[tag.Key]; twice {
			return validation("Duplicate tag key '%s' specified.", tag.Key)
		}
		plain[tag.Key], full[tag.Key] = tag.Value, tag
	}
	if len(plain) > maxTags {
		return fail("LimitExceeded", "A group can have at most %d tags", maxTags)
	}
	g.tags = plain
	for key, tag := range full {
		g.groupTags[key] = tag
	}
	return nil
}

func (g *scalingGroup) tagItems() []scalingTagItem {
	var items []scalingTagItem
	for _, tag := range g.tags.items() {
		items = append(items, scalingTagItem{
			ResourceID: g.name, ResourceType: scalingResource, Key: tag.Key, Value: tag.Value,
			Propagates: isTrue(g.groupTags[tag.Key].PropagateAtLaunch),
		})
	}
	return items
}

type scalingTagsInput struct{ Tags []scalingTag }

// byGroup finds the groups of tags, all of them or an error.
func (r *region) byGroup(tags []scalingTag) (map[*scalingGroup][]scalingTag, *apiError) {
	found := map[*scalingGroup][]scalingTag{}
	for _, tag := range tags {
		g := r.scalingGroups.get(tag.ResourceId)
		if g == nil {
			return nil, validation("AutoScalingGroup name not found - AutoScalingGroup %s not found", tag.ResourceId)
		}
		found[g] = append(found[g], tag)
	}
	return found, nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html
func (r *region) tagScalingGroups(in *scalingTagsInput) (*nothing, *apiError) {
	found, err := r.byGroup(in.Tags)
	if err != nil {
		return nil, err
	}
	for g, tags := range found {
		if err := g.tag(tags); err != nil {
			return nil, err
		}
	}
	return &nothing{}, nil
}

// untagScalingGroups removes tags by their keys.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteTags.html
func (r *region) untagScalingGroups(in *scalingTagsInput) (*nothing, *apiError) {
	found, err := r.byGroup(in.Tags)
	if err != nil {
		return nil, err
	}
	for g, tags := range found {
		kept := tagMap{}.with(g.tags)
		for _, tag := range tags {
			delete(kept, tag.Key)
			delete(g.groupTags, tag.Key)
		}
		g.tags = kept
	}
	return &nothing{}, nil
}

type scalingFilter struct {
	Name   string
	Values []string
}

type describeScalingTagsInput struct {
	Filters []scalingFilter
	scalingPages
}

// scalingTagLine is one tag of one group.
type scalingTagLine struct {
	object
	item scalingTagItem
}

type scalingTagsOutput struct {
	Tags []scalingTagItem `xml:"Tags"`
	Next string           `xml:"NextToken,omitempty"`
}

// scalingTagFilters are what tags are narrowed by.
var scalingTagFilters = map[string]func(scalingTagItem) string{
	"auto-scaling-group":  func(t scalingTagItem) string { return t.ResourceID },
	"key":                 func(t scalingTagItem) string { return t.Key },
	"value":               func(t scalingTagItem) string { return t.Value },
	"propagate-at-launch": func(t scalingTagItem) string { return strconv.FormatBool(t.Propagates) },
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeTags.html
func (r *region) describeScalingTags(in *describeScalingTagsInput) (*scalingTagsOutput, *apiError) {
	for _, filter := range in.Filters {
		if scalingTagFilters[filter.Name] == nil {
			return nil, validation("Filter type %s is not correct. Allowed Filter types are: auto-scaling-group key propagate-at-launch value", filter.Name)
		}
	}
	var lines []*scalingTagLine
	for _, g := range r.scalingGroups.all() {
		for at, item := range g.tagItems() {
			if !slices.ContainsFunc(in.Filters, func(f scalingFilter) bool {
				own := scalingTagFilters[f.Name](item)
				return !slices.ContainsFunc(f.Values, func(value string) bool {
					return strings.EqualFold(value, own) && (value == own || f.Name == "propagate-at-launch")
				})
			}) {
				lines = append(lines, &scalingTagLine{object: object{id: g.name + " " + item.Key, seq: g.seq*tagOrder + at + 1}, item: item})
			}
		}
	}
	some, next, err := scalingPage(lines, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &scalingTagsOutput{Next: next}
	for _, line := range some {
		out.Tags = append(out.Tags, line.item)
	}
	return out, nil
}
