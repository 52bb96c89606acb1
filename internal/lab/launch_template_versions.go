package lab

import (
	"slices"
	"strconv"
)

type describeVersionsInput struct {
	templateRef
	LaunchTemplateVersion                 []string
	MinVersion, MaxVersion                *int
	ResolveAlias, IncludeManagedResources *bool
	Filter                                []filterParam
	pageParams
}

type describeVersionsOutput struct {
	Versions  []versionItem `xml:"launchTemplateVersionSet"`
	NextToken string        `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
var versionFilters = filterable[*templateVersion]{
	"create-time":        one(func(v *templateVersion) string { return v.created.Format(timeForm) }),
	"image-id":           one(func(v *templateVersion) string { return v.data.ImageId }),
	"instance-type":      one(func(v *templateVersion) string { return v.data.InstanceType }),
	"ebs-optimized":      one(func(v *templateVersion) string { return strconv.FormatBool(isTrue(v.data.EbsOptimized)) }),
	"is-default-version": one(func(v *templateVersion) string { return strconv.FormatBool(v.number == v.of.standard) }),
	"http-tokens": one(func(v *templateVersion) string {
		if v.data.MetadataOptions == nil {
			return ""
		}
		return v.data.MetadataOptions.HttpTokens
	}),
	"iam-instance-profile": one(func(v *templateVersion) string {
		if v.data.IamInstanceProfile == nil {
			return ""
		}
		return v.data.IamInstanceProfile.Arn
	}),
}

// describeLaunchTemplateVersions tells of a template's versions, or of the latest or
// default ones of all templates.
func (r *region) describeLaunchTemplateVersions(in *describeVersionsInput) (*describeVersionsOutput, *apiError) {
	chosen, err := r.chooseVersions(in)
	if err != nil {
		return nil, err
	}
	versions := table[*templateVersion]{}
	for _, v := range chosen {
		if versions.get(v.id) == nil {
			versions.put(v)
		}
	}
	slices.SortFunc(versions.order, func(a, b *templateVersion) int { return a.seq - b.seq })
	found, next, err := list(&versions, listing[*templateVersion]{
		filters: in.Filter, fields: versionFilters, page: in.pageParams, limits: templatePages,
		also: func(v *templateVersion) bool {
			return (in.MinVersion == nil || v.number >= *in.MinVersion) && (in.MaxVersion == nil || v.number <= *in.MaxVersion)
		},
	})
	if err != nil {
		return nil, err
	}
	out := &describeVersionsOutput{NextToken: next}
	for _, v := range found {
		item := v.item()
		if item.Data, err = v.data.shown(r, in.ResolveAlias); err != nil {
			return nil, err
		}
		out.Versions = append(out.Versions, item)
	}
	return out, nil
}

func (r *region) chooseVersions(in *describeVersionsInput) ([]*templateVersion, *apiError) {
	if in.LaunchTemplateId == "" && in.LaunchTemplateName == "" {
		return r.versionsOfAll(in.LaunchTemplateVersion)
	}
	named, err := r.launchTemplate(in.templateRef)
	if err != nil {
		return nil, err
	}
	if len(in.LaunchTemplateVersion) == 0 {
		return named.versions, nil
	}
	var chosen []*templateVersion
	for _, name := range in.LaunchTemplateVersion {
		version, err := named.find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, version)
	}
	return chosen, nil
}

// versionsOfAll takes the latest and the default versions of all templates; numbers
// mean nothing without a template.
func (r *region) versionsOfAll(names []string) ([]*templateVersion, *apiError) {
	if len(names) == 0 {
		return nil, fail("MissingParameter", "Either a launch template ID or a launch template name must be specified in the request.")
	}
	var chosen []*templateVersion
	for _, name := range names {
		if name != versionLatest && name != versionDefault {
			return nil, invalid("Without a launch template the only versions are '$Latest' and '$Default', not '%s'.", name)
		}
		for _, t := range r.templates.all() {
			version, err := t.find(name)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, version)
		}
	}
	return chosen, nil
}
