package lab

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// launchTemplate is one launch template with its versions.
type launchTemplate struct {
	object
	name    string
	created time.Time
	// standard is the number of the default version, latest that of the newest one;
	// numbers are not given out again.
	standard, latest int
	// versions are in order of creation.
	versions []*templateVersion
}

// templateVersion is one version, which never changes.
type templateVersion struct {
	object
	of          *launchTemplate
	number      int
	description string
	created     time.Time
	data        *templateData
}

// versionOrder leaves room for a template's versions in the order of all versions:
// there are at most 10,000 of them.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-template-restrictions.html
const versionOrder = 10001

func (t *launchTemplate) version(number int) *templateVersion {
	at := slices.IndexFunc(t.versions, func(v *templateVersion) bool { return v.number == number })
	if at < 0 {
		return nil
	}
	return t.versions[at]
}

// add makes the next version. Within a template, newer versions are listed first.
func (t *launchTemplate) add(description string, data *templateData, at time.Time) *templateVersion {
	t.latest++
	made := &templateVersion{
		object: object{id: t.id + " " + strconv.Itoa(t.latest), seq: (t.seq+1)*versionOrder - t.latest, tags: tagMap{}},
		of:     t, number: t.latest, description: description, created: at, data: data,
	}
	t.versions = append(t.versions, made)
	return made
}

// Names of the versions that move.
const (
	versionLatest  = "$Latest"
	versionDefault = "$Default"
)

// find finds a version by its number, or by what it is at present; the empty name
// means the default one.
func (t *launchTemplate) find(name string) (*templateVersion, *apiError) {
	switch name {
	case versionLatest:
		name = strconv.Itoa(t.latest)
	case versionDefault, "":
		name = strconv.Itoa(t.standard)
	}
	number, bad := strconv.Atoi(name)
	if bad != nil {
		return nil, invalid("Invalid launch template version: either '$Default', '$Latest', or a numeric version are allowed.")
	}
	found := t.version(number)
	if found == nil {
		return nil, fail("InvalidLaunchTemplateId.VersionNotFound",
			"Could not find the specified version %d for the launch template with ID %s.", number, t.id)
	}
	return found, nil
}

// templateName is the form of a name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
var templateName = regexp.MustCompile(`^[a-zA-Z0-9().\-/_]{3,128}$`)

// templateRef names a template by id or by name.
type templateRef struct{ LaunchTemplateId, LaunchTemplateName string }

// launchTemplate finds the template that a request must name in one of the two ways.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (r *region) launchTemplate(ref templateRef) (*launchTemplate, *apiError) {
	switch {
	case ref.LaunchTemplateId == "" && ref.LaunchTemplateName == "":
		return nil, fail("MissingParameter", "Either a launch template ID or a launch template name must be specified in the request.")
	case ref.LaunchTemplateId != "" && ref.LaunchTemplateName != "":
		return nil, combination("Either a launch template ID or a launch template name may be specified in the request, not both.")
	case ref.LaunchTemplateName != "":
		found := r.templateNamed(ref.LaunchTemplateName)
		if found == nil {
			return nil, noTemplateName()
		}
		return found, nil
	case !wellFormed(ref.LaunchTemplateId, "lt"):
		return nil, badTemplateID(ref.LaunchTemplateId)
	}
	found := r.templates.get(ref.LaunchTemplateId)
	if found == nil {
		return nil, noTemplate([]string{ref.LaunchTemplateId})
	}
	return found, nil
}

func (r *region) templateNamed(name string) *launchTemplate {
	at := slices.IndexFunc(r.templates.all(), func(t *launchTemplate) bool { return t.name == name })
	if at < 0 {
		return nil
	}
	return r.templates.all()[at]
}

func badTemplateID(id string) *apiError {
	return fail("InvalidLaunchTemplateId.Malformed", "The launch template ID '%s' is not valid", id)
}

func noTemplate(ids []string) *apiError {
	return fail("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", ids[0])
}

func noTemplateName() *apiError {
	return fail("InvalidLaunchTemplateName.NotFoundException",
		"At least one of the launch templates specified in the request does not exist.")
}
