package lab

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxLabels is how many labels a version may have.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html
const maxLabels = 10

var labelForm = regexp.MustCompile(`^[a-zA-Z_.-][a-zA-Z0-9_.-]*$`)

func (v *parameterVersion) labelled(label string) bool { return slices.Contains(v.labels, label) }

type labelInput struct {
	Name             string `must:"required,length 1 2048"`
	ParameterVersion *int
	Labels           []string `must:"required,length 1 10"`
}

type labelOutput struct {
	InvalidLabels    []string
	ParameterVersion int
}

// labelledVersion finds what a label call names: a version of one of the account's own
// parameters, the latest without a number.
func (r *region) labelledVersion(in *labelInput) (*parameter, *parameterVersion, *apiError) {
	found := r.parameters[in.Name]
	if found == nil {
		return nil, nil, noParameter(in.Name)
	}
	if found.public {
		return nil, nil, noAccess(in.Name)
	}
	if in.ParameterVersion == nil {
		return found, found.latest(), nil
	}
	at := slices.IndexFunc(found.versions, func(v *parameterVersion) bool { return v.number == *in.ParameterVersion })
	if at < 0 {
		return nil, nil, noVersion(in.Name, strconv.Itoa(*in.ParameterVersion))
	}
	return found, found.versions[at], nil
}

// labelParameterVersion moves labels to a version, from wherever they were.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html
func (r *region) labelParameterVersion(in *labelInput) (*labelOutput, *apiError) {
	found, version, err := r.labelledVersion(in)
	if err != nil {
		return nil, err
	}
	out := &labelOutput{InvalidLabels: []string{}, ParameterVersion: version.number}
	var added []string
	for _, label := range in.Labels {
		first := strings.ToLower(label)
		switch {
		case len(label) > 100:
			return nil, constraint(in.Labels, "labels", "satisfy constraint: [Member must have length less than or equal to 100]")
		case !labelForm.MatchString(label), strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
			out.InvalidLabels = append(out.InvalidLabels, label)
		case !version.labelled(label) && !slices.Contains(added, label):
			added = append(added, label)
		}
	}
	if len(version.labels)+len(added) > maxLabels {
		return nil, fail("ParameterVersionLabelLimitExceeded",
			"A parameter version can have maximum %d labels. Move one or more labels to another version and try again.", maxLabels)
	}
	for _, other := range found.versions {
		other.labels = slices.DeleteFunc(other.labels, func(label string) bool { return slices.Contains(added, label) })
	}
	version.labels = append(version.labels, added...)
	return out, nil
}

type unlabelOutput struct{ RemovedLabels, InvalidLabels []string }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html
func (r *region) unlabelParameterVersion(in *labelInput) (*unlabelOutput, *apiError) {
	if in.ParameterVersion == nil {
		return nil, constraint(nil, "parameterVersion", "not be null")
	}
	_, version, err := r.labelledVersion(in)
	if err != nil {
		return nil, err
	}
	out := &unlabelOutput{RemovedLabels: []string{}, InvalidLabels: []string{}}
	for _, label := range in.Labels {
		if !version.labelled(label) {
			out.InvalidLabels = append(out.InvalidLabels, label)
			continue
		}
		version.labels = slices.DeleteFunc(version.labels, func(have string) bool { return have == label })
		out.RemovedLabels = append(out.RemovedLabels, label)
	}
	return out, nil
}
