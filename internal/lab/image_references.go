package lab

import (
	"maps"
	"slices"
	"strconv"
)

// imageLineageActions tell where an image is used and where it comes from.
var imageLineageActions = map[string]action{
	"DescribeImageReferences":       of((*region).describeImageReferences),
	"DescribeInstanceImageMetadata": of((*region).describeImageMetadata),
	"GetImageAncestry":              of((*region).imageAncestry),
}

// reference is a resource that names an image.
type reference struct {
	object
	ImageID string `xml:"imageId"`
	Type    string `xml:"resourceType"`
	ARN     string `xml:"arn"`
}

// referrers find the references to images, by resource type. options are the type's
// own; a type checks those that it has.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html
var referrers = map[string]func(r *region, images map[string]bool, options map[string][]string) []*reference{
	"ec2:Instance":       (*region).instanceReferences,
	"ec2:LaunchTemplate": (*region).templateReferences,
	"ssm:Parameter":      (*region).parameterReferences,
	// The lab has no Image Builder and so none of its recipes.
	"imagebuilder:ImageRecipe":     noReferences,
	"imagebuilder:ContainerRecipe": noReferences,
}

// referrerOptions are the options that types have.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResourceTypeOption.html
var referrerOptions = map[string]string{"ec2:Instance": "state-name", "ec2:LaunchTemplate": "version-depth"}

func noReferences(*region, map[string]bool, map[string][]string) []*reference { return nil }

func (r *region) instanceReferences(images map[string]bool, options map[string][]string) []*reference {
	var found []*reference
	states := options["state-name"]
	for _, i := range r.instances.all() {
		if images[i.image.id] && (len(states) == 0 || slices.Contains(states, i.state)) {
			found = append(found, &reference{ImageID: i.image.id, Type: "ec2:Instance", ARN: r.arn("ec2", "instance/"+i.id)})
		}
	}
	return found
}

// templateReferences are the templates with an image in one of their newest versions.
func (r *region) templateReferences(images map[string]bool, options map[string][]string) []*reference {
	depth := defaultVersionDepth
	if asked := options["version-depth"]; len(asked) > 0 {
		depth, _ = strconv.Atoi(asked[0]) // it has been checked
	}
	var found []*reference
	for _, t := range r.templates.all() {
		seen := map[string]bool{}
		for _, v := range t.versions[max(0, len(t.versions)-depth):] {
			if id := v.data.ImageId; images[id] && !seen[id] {
				seen[id] = true
				found = append(found, &reference{ImageID: id, Type: "ec2:LaunchTemplate", ARN: r.arn("ec2", "launch-template/"+t.id)})
			}
		}
	}
	return found
}

// parameterReferences are the account's own parameters; AWS's public ones are not.
func (r *region) parameterReferences(images map[string]bool, _ map[string][]string) []*reference {
	var found []*reference
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		p := r.parameters[name]
		if value := p.latest().value; images[value] && !p.public {
			found = append(found, &reference{ImageID: value, Type: "ssm:Parameter", ARN: p.arn})
		}
	}
	return found
}

type referrerOption struct {
	OptionName  string
	OptionValue []string
}

type referrerParam struct {
	ResourceType       string
	ResourceTypeOption []referrerOption
}

type imageReferencesInput struct {
	ImageId                 []string
	IncludeAllResourceTypes *bool
	ResourceType            []referrerParam
	pageParams
}

type imageReferencesOutput struct {
	References []*reference `xml:"imageReferenceSet"`
	NextToken  string       `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html
func (r *region) describeImageReferences(in *imageReferencesInput) (*imageReferencesOutput, *apiError) {
	if len(in.ImageId) == 0 {
		return nil, missing("ImageId")
	}
	if err := checkIDs(in.ImageId, "ami", malformedImage); err != nil {
		return nil, err
	}
	asked, err := in.referrers()
	if err != nil {
		return nil, err
	}
	images := map[string]bool{}
	for _, id := range in.ImageId {
		images[id] = true
	}
	all := table[*reference]{}
	for _, kind := range slices.Sorted(maps.Keys(asked)) {
		for _, found := range referrers[kind](r, images, asked[kind]) {
			found.object = object{id: found.ARN + " " + found.ImageID, seq: len(all.order) + 1, tags: tagMap{}}
			all.put(found)
		}
	}
	found, next, err := page(all.all(), in.pageParams, pageLimits{least: 1, most: 1000})
	if err != nil {
		return nil, err
	}
	return &imageReferencesOutput{References: found, NextToken: next}, nil
}

// referrers are the types that a request asks for, with their options.
func (in *imageReferencesInput) referrers() (map[string]map[string][]string, *apiError) {
	asked := map[string]map[string][]string{}
	if !isTrue(in.IncludeAllResourceTypes) && len(in.ResourceType) == 0 {
		return nil, missing("ResourceType")
	}
	if isTrue(in.IncludeAllResourceTypes) {
		for kind := range referrers {
			asked[kind] = nil
		}
	}
	for _, p := range in.ResourceType {
		if referrers[p.ResourceType] == nil {
			return nil, invalid("Value (%s) for parameter ResourceType is invalid.", p.ResourceType)
		}
		asked[p.ResourceType] = map[string][]string{}
		for _, option := range p.ResourceTypeOption {
			if option.OptionName != referrerOptions[p.ResourceType] {
				return nil, invalid("Value (%s) for parameter OptionName is invalid for %s.", option.OptionName, p.ResourceType)
			}
			if err := option.check(); err != nil {
				return nil, err
			}
			asked[p.ResourceType][option.OptionName] = option.OptionValue
		}
	}
	return asked, nil
}

// Of each launch template, the newest versions are looked at.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResourceTypeOption.html
const (
	defaultVersionDepth = 10
	maxVersionDepth     = 10000
)

func (o referrerOption) check() *apiError {
	for _, value := range o.OptionValue {
		_, state := stateCodes[value]
		depth, bad := strconv.Atoi(value)
		if o.OptionName == "state-name" && !state || o.OptionName == "version-depth" && (bad != nil || depth < 1 || depth > maxVersionDepth) {
			return invalid("Value (%s) for parameter OptionValue is invalid.", value)
		}
	}
	return nil
}
