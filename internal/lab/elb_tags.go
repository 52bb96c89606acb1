package lab

import (
	"maps"
	"strings"
)

var elbTagActions = map[string]action{
	"AddTags":      elb((*region).addELBTags),
	"RemoveTags":   elb((*region).removeELBTags),
	"DescribeTags": elb((*region).describeELBTags),
}

// elbTaggables are what this service tags.
var elbTaggables = []taggable{
	kindOf("target-group", "targetgroup/", "TargetGroupNotFound", func(r *region) *table[*targetGroup] { return &r.targetGroups }, nil),
	kindOf("load-balancer", "loadbalancer/", "LoadBalancerNotFound", func(r *region) *table[*loadBalancer] { return &r.balancers }, nil),
	kindOf("listener", "listener/", "ListenerNotFound", func(r *region) *table[*listener] { return &r.listeners }, nil),
}

// isARN tells whether a text is the ARN of something of this service, of that kind.
func (r *region) isARN(text, kind string) bool {
	return strings.HasPrefix(text, r.arn("elasticloadbalancing", kind)) && len(strings.Split(text, "/")) > 2
}

// maxELBTagged is how many things one call may name.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
const maxELBTagged = 20

func (r *region) elbTagged(arns []string) ([]*object, *apiError) {
	if len(arns) == 0 || len(arns) > maxELBTagged {
		return nil, validation("Between 1 and %d resource ARNs must be specified", maxELBTagged)
	}
	var found []*object
	for _, arn := range arns {
		var thing *object
		missing := validation("'%s' is not a valid load balancer, target group or listener ARN", arn)
		for _, kind := range elbTaggables {
			if !r.isARN(arn, kind.prefix) {
				continue
			}
			if thing = kind.get(r, arn); thing == nil {
				missing = fail(kind.missing, "The resource '%s' is not found", arn)
			}
		}
		if thing == nil {
			return nil, missing
		}
		found = append(found, thing)
	}
	return found, nil
}

// elbTags reads a request's tags.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html
func elbTags(items []tagItem) (tagMap, *apiError) {
	if err := checkTags(items); err != nil {
		return nil, asValidation(err)
	}
	tags := tagMap{}
	for _, item := range items {
		if _, twice := tags[item.Key]; twice {
			return nil, fail("DuplicateTagKeys", "Tag key '%s' was provided more than once", item.Key)
		}
		tags[item.Key] = item.Value
	}
	if len(tags) > maxTags {
		return nil, tooManyTags()
	}
	return tags, nil
}

func tooManyTags() *apiError {
	return fail("TooManyTags", "A resource can have at most %d tags", maxTags)
}

type addELBTagsInput struct {
	ResourceArns []string
	Tags         []tagItem
}

func (r *region) addELBTags(in *addELBTagsInput) (*nothing, *apiError) {
	things, err := r.elbTagged(in.ResourceArns)
	if err != nil {
		return nil, err
	}
	tags, err := elbTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, validation("At least one tag must be specified")
	}
	for _, thing := range things {
		if len(thing.tags.with(tags)) > maxTags {
			return nil, tooManyTags()
		}
	}
	for _, thing := range things {
		thing.tags = thing.tags.with(tags)
	}
	return &nothing{}, nil
}

type removeELBTagsInput struct{ ResourceArns, TagKeys []string }

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RemoveTags.html
func (r *region) removeELBTags(in *removeELBTagsInput) (*nothing, *apiError) {
	things, err := r.elbTagged(in.ResourceArns)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, validation("At least one tag key must be specified")
	}
	for _, thing := range things {
		kept := maps.Clone(thing.tags)
		for _, key := range in.TagKeys {
			delete(kept, key)
		}
		thing.tags = kept
	}
	return &nothing{}, nil
}

type elbTagItem struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type tagDescription struct {
	ARN  string       `xml:"ResourceArn"`
	Tags []elbTagItem `xml:"Tags"`
}

type describeELBTagsInput struct{ ResourceArns []string }

type describeELBTagsOutput struct {
	Descriptions []tagDescription `xml:"TagDescriptions"`
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
func (r *region) describeELBTags(in *describeELBTagsInput) (*describeELBTagsOutput, *apiError) {
	things, err := r.elbTagged(in.ResourceArns)
	if err != nil {
		return nil, err
	}
	out := &describeELBTagsOutput{}
	for _, thing := range things {
		item := tagDescription{ARN: thing.id}
		for _, tag := range thing.tags.items() {
			item.Tags = append(item.Tags, elbTagItem(tag))
		}
		out.Descriptions = append(out.Descriptions, item)
	}
	return out, nil
}
