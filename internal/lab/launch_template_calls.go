package lab

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

var launchTemplateActions = map[string]action{
	"CreateLaunchTemplate":           of((*region).createLaunchTemplate),
	"CreateLaunchTemplateVersion":    of((*region).createLaunchTemplateVersion),
	"DescribeLaunchTemplates":        of((*region).describeLaunchTemplates),
	"DescribeLaunchTemplateVersions": of((*region).describeLaunchTemplateVersions),
	"ModifyLaunchTemplate":           of((*region).modifyLaunchTemplate),
	"DeleteLaunchTemplate":           of((*region).deleteLaunchTemplate),
	"DeleteLaunchTemplateVersions":   of((*region).deleteLaunchTemplateVersions),
}

// templateItem is one template in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplate.html
type templateItem struct {
	ID        string    `xml:"launchTemplateId"`
	Name      string    `xml:"launchTemplateName"`
	Created   time.Time `xml:"createTime"`
	CreatedBy string    `xml:"createdBy"`
	Default   int       `xml:"defaultVersionNumber"`
	Latest    int       `xml:"latestVersionNumber"`
	Tags      []tagItem `xml:"tagSet,omitempty"`
}

func (t *launchTemplate) item() templateItem {
	return templateItem{
		ID: t.id, Name: t.name, Created: t.created, CreatedBy: t.home.account.administrator(),
		Default: t.standard, Latest: t.latest, Tags: t.seenTags().items(),
	}
}

// templateOutput is the answer of calls about one template.
type templateOutput struct {
	Template templateItem `xml:"launchTemplate"`
}

type createTemplateInput struct {
	ClientToken, LaunchTemplateName, VersionDescription string
	LaunchTemplateData                                  *templateData
	TagSpecification                                    []tagSpecification
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
func (r *region) createLaunchTemplate(in *createTemplateInput) (*templateOutput, *apiError) {
	return once(r, "CreateLaunchTemplate", in.ClientToken, in, func(in *createTemplateInput) (*templateOutput, *apiError) {
		switch {
		case in.LaunchTemplateName == "":
			return nil, missing("LaunchTemplateName")
		case in.LaunchTemplateData == nil:
			return nil, missing("LaunchTemplateData")
		case !templateName.MatchString(in.LaunchTemplateName):
			return nil, fail("InvalidLaunchTemplateName.MalformedException",
				"A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _.")
		case r.templateNamed(in.LaunchTemplateName) != nil:
			return nil, fail("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
		}
		if err := r.checkVersion(in.VersionDescription, in.LaunchTemplateData); err != nil {
			return nil, err
		}
		tags, err := specifiedTags(in.TagSpecification, "launch-template")
		if err != nil {
			return nil, err
		}
		now := r.now().Truncate(time.Second)
		made := &launchTemplate{
			object: r.object("lt", tagMap{}.with(tags["launch-template"])), name: in.LaunchTemplateName,
			created: now, standard: 1,
		}
		made.add(in.VersionDescription, in.LaunchTemplateData, now)
		r.templates.put(made)
		return &templateOutput{Template: made.item()}, nil
	})
}

// maxVersionDescription is in characters.
const maxVersionDescription = 255

func (r *region) checkVersion(description string, data *templateData) *apiError {
	if len(description) > maxVersionDescription {
		return invalid("The version description has more than %d characters", maxVersionDescription)
	}
	// An image's id is looked at when it is used, a parameter's name at once as well.
	if _, err := r.resolveImage(data.ImageId); err != nil {
		return err
	}
	return data.check()
}

// versionItem is one version in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateVersion.html
type versionItem struct {
	ID          string        `xml:"launchTemplateId"`
	Name        string        `xml:"launchTemplateName"`
	Number      int           `xml:"versionNumber"`
	Description string        `xml:"versionDescription,omitempty"`
	Created     time.Time     `xml:"createTime"`
	CreatedBy   string        `xml:"createdBy"`
	Default     bool          `xml:"defaultVersion"`
	Data        *templateData `xml:"launchTemplateData"`
}

func (v *templateVersion) item() versionItem {
	return versionItem{
		ID: v.of.id, Name: v.of.name, Number: v.number, Description: v.description, Created: v.created,
		CreatedBy: v.of.home.account.administrator(), Default: v.number == v.of.standard, Data: v.data,
	}
}

type createVersionInput struct {
	ClientToken, SourceVersion, VersionDescription string
	templateRef
	LaunchTemplateData *templateData
	ResolveAlias       *bool
}

type createVersionOutput struct {
	Version versionItem `xml:"launchTemplateVersion"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
func (r *region) createLaunchTemplateVersion(in *createVersionInput) (*createVersionOutput, *apiError) {
	return once(r, "CreateLaunchTemplateVersion", in.ClientToken, in, func(in *createVersionInput) (*createVersionOutput, *apiError) {
		found, err := r.launchTemplate(in.templateRef)
		if err != nil {
			return nil, err
		}
		data := in.LaunchTemplateData
		switch {
		case data == nil && in.SourceVersion == "":
			return nil, missing("LaunchTemplateData")
		case data == nil:
			data = &templateData{}
		}
		if in.SourceVersion != "" {
			source, err := found.find(in.SourceVersion)
			if err != nil {
				return nil, err
			}
			data = data.over(source.data)
		}
		if err := r.checkVersion(in.VersionDescription, data); err != nil {
			return nil, err
		}
		made := found.add(in.VersionDescription, data, r.now().Truncate(time.Second))
		return &createVersionOutput{Version: made.item()}, nil
	})
}

// templatePages are the bounds of both lists.
var templatePages = pageLimits{least: 1, most: 200}

type describeTemplatesInput struct {
	LaunchTemplateId, LaunchTemplateName []string
	Filter                               []filterParam
	IncludeManagedResources              *bool
	pageParams
}

type describeTemplatesOutput struct {
	Templates []templateItem `xml:"launchTemplates"`
	NextToken string         `xml:"nextToken,omitempty"`
}

var templateFilters = filterable[*launchTemplate]{
	"create-time":          one(func(t *launchTemplate) string { return t.created.Format(timeForm) }),
	"launch-template-name": one(func(t *launchTemplate) string { return t.name }),
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
func (r *region) describeLaunchTemplates(in *describeTemplatesInput) (*describeTemplatesOutput, *apiError) {
	for _, id := range in.LaunchTemplateId {
		if !wellFormed(id, "lt") {
			return nil, badTemplateID(id)
		}
	}
	for _, name := range in.LaunchTemplateName {
		if r.templateNamed(name) == nil {
			return nil, noTemplateName()
		}
	}
	found, next, err := list(&r.templates, listing[*launchTemplate]{
		ids: in.LaunchTemplateId, absent: noTemplate, filters: in.Filter, fields: templateFilters,
		also: func(t *launchTemplate) bool {
			return len(in.LaunchTemplateName) == 0 || slices.Contains(in.LaunchTemplateName, t.name)
		},
		page: in.pageParams, limits: templatePages,
	})
	if err != nil {
		return nil, err
	}
	out := &describeTemplatesOutput{NextToken: next}
	for _, t := range found {
		out.Templates = append(out.Templates, t.item())
	}
	return out, nil
}

type modifyTemplateInput struct {
	ClientToken, SetDefaultVersion string
	templateRef
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyLaunchTemplate.html
func (r *region) modifyLaunchTemplate(in *modifyTemplateInput) (*templateOutput, *apiError) {
	return once(r, "ModifyLaunchTemplate", in.ClientToken, in, func(in *modifyTemplateInput) (*templateOutput, *apiError) {
		found, err := r.launchTemplate(in.templateRef)
		if err != nil {
			return nil, err
		}
		if in.SetDefaultVersion == "" {
			return nil, missing("SetDefaultVersion")
		}
		version, err := found.find(in.SetDefaultVersion)
		if err != nil {
			return nil, err
		}
		found.standard = version.number
		return &templateOutput{Template: found.item()}, nil
	})
}

// deleteLaunchTemplate deletes a template with all its versions.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html
func (r *region) deleteLaunchTemplate(in *templateRef) (*templateOutput, *apiError) {
	found, err := r.launchTemplate(*in)
	if err != nil {
		return nil, err
	}
	r.templates.remove(found.id)
	return &templateOutput{Template: found.item()}, nil
}

// maxDeletedVersions is how many versions one call may delete.
const maxDeletedVersions = 200

type deleteVersionsInput struct {
	templateRef
	LaunchTemplateVersion []string
}

type responseError struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type deletedVersionItem struct {
	ID     string         `xml:"launchTemplateId"`
	Name   string         `xml:"launchTemplateName"`
	Number int            `xml:"versionNumber"`
	Error  *responseError `xml:"responseError"`
}

type deleteVersionsOutput struct {
	Deleted []deletedVersionItem `xml:"successfullyDeletedLaunchTemplateVersionSet"`
	Kept    []deletedVersionItem `xml:"unsuccessfullyDeletedLaunchTemplateVersionSet"`
}

// deleteLaunchTemplateVersions deletes those that are there, and tells of the others.
// The default version cannot be deleted.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
func (r *region) deleteLaunchTemplateVersions(in *deleteVersionsInput) (*deleteVersionsOutput, *apiError) {
	found, err := r.launchTemplate(in.templateRef)
	if err != nil {
		return nil, err
	}
	if len(in.LaunchTemplateVersion) == 0 {
		return nil, missing("LaunchTemplateVersion")
	}
	if len(in.LaunchTemplateVersion) > maxDeletedVersions {
		return nil, invalid("The request names %d versions; at most %d are possible", len(in.LaunchTemplateVersion), maxDeletedVersions)
	}
	out := &deleteVersionsOutput{}
	for _, name := range in.LaunchTemplateVersion {
		number, bad := strconv.Atoi(name)
		if bad != nil {
			return nil, invalid("Invalid launch template version: '%s'. A numeric version is expected.", name)
		}
		item := deletedVersionItem{ID: found.id, Name: found.name, Number: number}
		switch {
		case number == found.standard:
			item.Error = &responseError{Code: "unexpectedError", Message: "The default version cannot be deleted."}
		case found.version(number) == nil:
			item.Error = &responseError{Code: "launchTemplateVersionDoesNotExist", Message: fmt.Sprintf(
				"Could not find the specified version %d for the launch template with ID %s.", number, found.id)}
		}
		if item.Error != nil {
			out.Kept = append(out.Kept, item)
			continue
		}
		found.versions = slices.DeleteFunc(found.versions, func(v *templateVersion) bool { return v.number == number })
		out.Deleted = append(out.Deleted, item)
	}
	return out, nil
}
