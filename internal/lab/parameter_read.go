package lab

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type getParameterInput struct {
	Name           string `must:"required,length 1 2048"`
	WithDecryption bool
}

type getParameterOutput struct{ Parameter parameterItem }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (r *region) getParameter(in *getParameterInput) (*getParameterOutput, *apiError) {
	found, version, selector, err := r.findParameter(in.Name)
	if err != nil {
		return nil, err
	}
	return &getParameterOutput{Parameter: found.item(version, selector, in.WithDecryption)}, nil
}

// maxParameters is how many names GetParameters takes, and the largest page of
// GetParametersByPath.
const maxParameters = 10

type getParametersInput struct {
	Names          []string `must:"required,length 1 10"`
	WithDecryption bool
}

type getParametersOutput struct {
	Parameters        []parameterItem
	InvalidParameters []string
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (r *region) getParameters(in *getParametersInput) (*getParametersOutput, *apiError) {
	out := &getParametersOutput{Parameters: []parameterItem{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		found, version, selector, err := r.findParameter(name)
		if err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		out.Parameters = append(out.Parameters, found.item(version, selector, in.WithDecryption))
	}
	return out, nil
}

type byPathInput struct {
	Path                      string `must:"required,length 1 2048"`
	Recursive, WithDecryption bool
	ParameterFilters          []parameterFilter
	MaxResults                *int `must:"value 1 10"`
	NextToken                 string
}

type byPathOutput struct {
	Parameters []parameterItem
	NextToken  string `json:",omitempty"`
}

// getParametersByPath answers in pages of at most ten, in order of names.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
func (r *region) getParametersByPath(in *byPathInput) (*byPathOutput, *apiError) {
	if !strings.HasPrefix(in.Path, "/") {
		return nil, fail("ValidationException", "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".")
	}
	match, err := parameterMatcher(in.ParameterFilters, "Type", "KeyId", "Label")
	if err != nil {
		return nil, err
	}
	var below []*parameter
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		if found := r.parameters[name]; under(name, in.Path, in.Recursive) && match(found) {
			below = append(below, found)
		}
	}
	some, next, err := window(below, func(p *parameter) string { return p.name }, in.MaxResults, maxParameters, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &byPathOutput{Parameters: []parameterItem{}, NextToken: next}
	for _, found := range some {
		out.Parameters = append(out.Parameters, found.item(found.latest(), "", in.WithDecryption))
	}
	return out, nil
}

// under tells whether a name is in a hierarchy, at any depth or right below it.
func under(name, path string, recursive bool) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
	return ok && (recursive || !strings.Contains(rest, "/"))
}

type historyInput struct {
	Name           string `must:"required,length 1 2048"`
	WithDecryption bool
	MaxResults     *int `must:"value 1 50"`
	NextToken      string
}

// historyItem is one version of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterHistory.html
type historyItem struct {
	AllowedPattern   string `json:",omitempty"`
	DataType         string
	Description      string `json:",omitempty"`
	KeyId            string `json:",omitempty"`
	Labels           []string
	LastModifiedDate float64
	LastModifiedUser string
	Name             string
	Policies         []string
	Tier, Type       string
	Value            string
	Version          int
}

type historyOutput struct {
	Parameters []historyItem
	NextToken  string `json:",omitempty"`
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html
func (r *region) getParameterHistory(in *historyInput) (*historyOutput, *apiError) {
	found, _, _, err := r.findParameter(in.Name)
	if err != nil {
		return nil, err
	}
	number := func(v *parameterVersion) string { return fmt.Sprintf("%09d", v.number) }
	some, next, err := window(found.versions, number, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &historyOutput{Parameters: []historyItem{}, NextToken: next}
	for _, v := range some {
		out.Parameters = append(out.Parameters, historyItem{
			AllowedPattern: v.allowedPattern, DataType: v.dataType, Description: v.description, KeyId: v.keyID,
			Labels: append([]string{}, v.labels...), LastModifiedDate: epoch(v.modified), LastModifiedUser: v.modifiedBy,
			Name: found.name, Policies: []string{}, Tier: v.tier, Type: v.kind, Value: v.shown(in.WithDecryption), Version: v.number,
		})
	}
	return out, nil
}

type deleteParameterInput struct {
	Name string `must:"required,length 1 2048"`
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
func (r *region) deleteParameter(in *deleteParameterInput) (*nothing, *apiError) {
	name := strings.Trim(in.Name, " ")
	if reserved(name) {
		return nil, noAccess(name)
	}
	if r.parameters[name] == nil {
		return nil, noParameter(name)
	}
	delete(r.parameters, name)
	return &nothing{}, nil
}

type deleteParametersInput struct {
	Names []string `must:"required,length 1 10"`
}

type deleteParametersOutput struct{ DeletedParameters, InvalidParameters []string }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
func (r *region) deleteParameters(in *deleteParametersInput) (*deleteParametersOutput, *apiError) {
	out := &deleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if _, err := r.deleteParameter(&deleteParameterInput{Name: name}); err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		out.DeletedParameters = append(out.DeletedParameters, name)
	}
	return out, nil
}
