package lab

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of tags.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tagMap are the tags of one thing.
type tagMap map[string]string

// tagItem is a tag in an answer, and in a request.
type tagItem struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// items are the tags sorted by key.
func (t tagMap) items() []tagItem {
	items := make([]tagItem, 0, len(t))
	for key, value := range t {
		items = append(items, tagItem{Key: key, Value: value})
	}
	slices.SortFunc(items, func(a, b tagItem) int { return strings.Compare(a.Key, b.Key) })
	return items
}

// check refuses tags that EC2 refuses.
func checkTags(tags []tagItem) *apiError {
	for _, tag := range tags {
		switch {
		case tag.Key == "":
			return fail("InvalidParameterValue", "Tag key cannot be empty")
		case utf8.RuneCountInString(tag.Key) > maxTagKey:
			return invalid("Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(tag.Value) > maxTagValue:
			return invalid("Tag value exceeds the maximum length of %d characters", maxTagValue)
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return invalid("Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	return nil
}

// tagLimit is the error for a thing that would have too many tags.
func tagLimit(id string) *apiError {
	return fail("TagLimitExceeded", "More than %d tags specified for %s", maxTags, id)
}

// tagSpecification is the TagSpecification parameter of calls that create things.
type tagSpecification struct {
	ResourceType string
	Tag          []tagItem
}

// specifiedTags reads TagSpecification parameters: the tags by resource type. Only
// the named types may be tagged by the call.
func specifiedTags(specifications []tagSpecification, types ...string) (map[string]tagMap, *apiError) {
	tags := map[string]tagMap{}
	for _, specification := range specifications {
		kind := specification.ResourceType
		if !slices.Contains(types, kind) {
			return nil, invalid("'%s' is not a valid taggable resource type for this operation.", kind)
		}
		if tags[kind] != nil {
			return nil, invalid("Tag specification resource type '%s' is given more than once", kind)
		}
		if len(specification.Tag) == 0 {
			return nil, invalid("Tag specification must have at least one tag")
		}
		if err := checkTags(specification.Tag); err != nil {
			return nil, err
		}
		tags[kind] = tagMap{}
		for _, tag := range specification.Tag {
			if _, twice := tags[kind][tag.Key]; twice {
				return nil, invalid("Duplicate tag key '%s' specified.", tag.Key)
			}
			tags[kind][tag.Key] = tag.Value
		}
		if len(tags[kind]) > maxTags {
			return nil, tagLimit(kind)
		}
	}
	return tags, nil
}

// with returns a copy with the other tags added.
func (t tagMap) with(other tagMap) tagMap {
	all := make(tagMap, len(t)+len(other))
	maps.Copy(all, t)
	maps.Copy(all, other)
	return all
}
