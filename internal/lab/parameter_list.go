package lab

import (
	"cmp"
	"slices"
	"strings"
)

// parameterFilter is one filter of a request: values are alternatives, filters of
// one request must all match.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
type parameterFilter struct {
	Key    string   `must:"required,length 1 132" pattern:"tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType"`
	Option string   `must:"length 1 10"`
	Values []string `must:"length 1 50"`
}

// parameterFields are the values that filters look at.
var parameterFields = map[string]func(*parameter) []string{
	"Name":     func(p *parameter) []string { return []string{p.name} },
	"Path":     func(p *parameter) []string { return []string{p.name} },
	"Type":     func(p *parameter) []string { return []string{p.latest().kind} },
	"KeyId":    func(p *parameter) []string { return []string{p.latest().keyID} },
	"Tier":     func(p *parameter) []string { return []string{p.latest().tier} },
	"DataType": func(p *parameter) []string { return []string{p.latest().dataType} },
	"Label":    func(p *parameter) []string { return p.latest().labels },
}

// parameterMatcher turns filters into a predicate. Only the named keys are valid;
// "tag" stands for all of tag:KEY.
func parameterMatcher(filters []parameterFilter, valid ...string) (func(*parameter) bool, *apiError) {
	var all []func(*parameter) bool
	seen := map[string]bool{}
	for _, filter := range filters {
		key, tag, isTag := strings.Cut(filter.Key, ":")
		if !slices.Contains(valid, key) {
			return nil, fail("InvalidFilterKey", "The following filter key is not valid: %s. Valid filter keys include: [%s].", filter.Key, strings.Join(valid, ", "))
		}
		if seen[filter.Key] {
			return nil, fail("InvalidFilterKey",
				"The following filter is duplicated in the request: %s. A request can contain only one occurrence of a specific filter.", filter.Key)
		}
		seen[filter.Key] = true
		match, err := filter.comparison(key)
		if err != nil {
			return nil, err
		}
		values := parameterFields[key]
		if isTag {
			values = func(p *parameter) []string { return p.tags.values(tag) }
		}
		all = append(all, func(p *parameter) bool {
			return slices.ContainsFunc(values(p), func(have string) bool {
				return isTag && len(filter.Values) == 0 ||
					slices.ContainsFunc(filter.Values, func(want string) bool { return match(have, want) })
			})
		})
	}
	return func(p *parameter) bool {
		return !slices.ContainsFunc(all, func(match func(*parameter) bool) bool { return !match(p) })
	}, nil
}

// values are the value of a tag, if it is there.
func (t tagMap) values(key string) []string {
	if value, there := t[key]; there {
		return []string{value}
	}
	return nil
}

// comparison is how a filter compares; each key has its own options.
func (f parameterFilter) comparison(key string) (func(have, want string) bool, *apiError) {
	equals := func(have, want string) bool { return have == want }
	options := map[string]func(have, want string) bool{"Equals": equals, "BeginsWith": strings.HasPrefix}
	first := "Equals"
	switch key {
	case "Path":
		first = "OneLevel"
		options = map[string]func(have, want string) bool{
			"OneLevel":  func(have, want string) bool { return under(have, want, false) },
			"Recursive": func(have, want string) bool { return under(have, want, true) },
		}
	case "Name":
		options["Contains"] = strings.Contains
	case "Label":
		delete(options, "BeginsWith")
	}
	compare := options[cmp.Or(f.Option, first)]
	if compare == nil {
		return nil, fail("InvalidFilterOption", "The following filter option is not valid: %s.", f.Option)
	}
	if key != "tag" && len(f.Values) == 0 {
		return nil, fail("InvalidFilterValue", "The following filter values are missing : null for filter key %s.", f.Key)
	}
	for _, value := range f.Values {
		if key == "Path" && !strings.HasPrefix(value, "/") {
			return nil, fail("ValidationException", "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".")
		}
	}
	return compare, nil
}

type describeParametersInput struct {
	ParameterFilters []parameterFilter
	MaxResults       *int `must:"value 1 50"`
	NextToken        string
}

// parameterMetadata is a parameter without its value.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterMetadata.html
type parameterMetadata struct {
	ARN              string
	AllowedPattern   string `json:",omitempty"`
	DataType         string
	Description      string `json:",omitempty"`
	KeyId            string `json:",omitempty"`
	LastModifiedDate float64
	LastModifiedUser string
	Name             string
	Policies         []string
	Tier, Type       string
	Version          int
}

type describeParametersOutput struct {
	Parameters []parameterMetadata
	NextToken  string `json:",omitempty"`
}

// describeParameters lists the account's own parameters.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
func (r *region) describeParameters(in *describeParametersInput) (*describeParametersOutput, *apiError) {
	match, err := parameterMatcher(in.ParameterFilters, "Path", "Name", "Type", "KeyId", "Tier", "DataType", "tag")
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(r.ownParameters(), func(p *parameter) bool { return !match(p) })
	some, next, err := window(own, func(p *parameter) string { return p.name }, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &describeParametersOutput{Parameters: []parameterMetadata{}, NextToken: next}
	for _, p := range some {
		v := p.latest()
		out.Parameters = append(out.Parameters, parameterMetadata{
			ARN: p.arn, AllowedPattern: v.allowedPattern, DataType: v.dataType, Description: v.description, KeyId: v.keyID,
			LastModifiedDate: epoch(v.modified), LastModifiedUser: v.modifiedBy, Name: p.name, Policies: []string{},
			Tier: v.tier, Type: v.kind, Version: v.number,
		})
	}
	return out, nil
}
