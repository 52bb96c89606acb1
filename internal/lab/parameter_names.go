package lab

import (
	"regexp"
	"strconv"
	"strings"
)

// Bounds of a parameter's name.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
const (
	maxHierarchy = 15
	// maxParameterARN counts the name together with what comes before it in the ARN.
	maxParameterARN = 1011
)

var parameterPath = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$|^(?:/[a-zA-Z0-9_.-]+)+$`)

// checkParameterName refuses names that the account cannot give.
func (r *region) checkParameterName(name string) *apiError {
	first := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case reserved(name):
		return noAccess(name)
	case !strings.HasPrefix(name, "/") && strings.Contains(name, "/"):
		return fail("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > maxHierarchy:
		return fail("HierarchyLevelLimitExceededException", "Parameter name: a hierarchy can have a maximum of %d levels.", maxHierarchy)
	case (strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm")) && strings.Count(name, "/") < 2:
		return fail("ValidationException", `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"), !parameterPath.MatchString(name):
		return fail("ValidationException", `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of `+
			`sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`)
	case len(r.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))) > maxParameterARN:
		return fail("ValidationException", "Parameter name: the ARN of the parameter can have a maximum of %d characters.", maxParameterARN)
	}
	return nil
}

// reserved names are AWS's own.
func reserved(name string) bool { return strings.HasPrefix(strings.ToLower(name), "/aws/") }

func noAccess(name string) *apiError {
	return fail("AccessDeniedException", "No access to reserved parameter name: %s.", name)
}

// findParameter finds a version by a name or an ARN, which a selector may follow: a
// version's number or a label.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
func (r *region) findParameter(asked string) (found *parameter, version *parameterVersion, selector string, err *apiError) {
	name := r.parameterName(strings.Trim(asked, " "))
	name, selector, selected := strings.Cut(name, ":")
	found = r.parameters[name]
	if found == nil {
		return nil, nil, "", noParameter(asked)
	}
	if !selected {
		return found, found.latest(), "", nil
	}
	number, _ := strconv.Atoi(selector)
	for _, candidate := range found.versions {
		if candidate.number == number || candidate.labelled(selector) {
			return found, candidate, ":" + selector, nil
		}
	}
	return nil, nil, "", noVersion(name, selector)
}

// parameterName takes an ARN for the name in it. The slash that an ARN has before the
// name may be the name's own.
func (r *region) parameterName(asked string) string {
	_, name, isARN := strings.Cut(asked, ":parameter/")
	if !isARN || !strings.HasPrefix(asked, "arn:aws:ssm:"+r.name+":") {
		return asked
	}
	plain, _, _ := strings.Cut(name, ":")
	if r.parameters["/"+plain] != nil {
		return "/" + name
	}
	return name
}

func noParameter(name string) *apiError {
	return fail("ParameterNotFound", "Parameter %s not found.", name)
}

func noVersion(name, version string) *apiError {
	return fail("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", version, name)
}
