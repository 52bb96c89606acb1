package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// parameter is one public parameter of the Parameter Store.
type parameter struct {
	name, value, arn string
	version          int
	modified         time.Time
}

// parameterItem is one parameter in an answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Parameter.html
type parameterItem struct {
	ARN      string
	DataType string
	// LastModifiedDate is in seconds since 1970.
	LastModifiedDate float64
	Name             string
	Type             string
	Value            string
	Version          int
}

func (p parameter) item() parameterItem {
	return parameterItem{
		ARN: p.arn, DataType: "text", LastModifiedDate: float64(p.modified.UnixMilli()) / 1000,
		Name: p.name, Type: "String", Value: p.value, Version: p.version,
	}
}

// ssmActions are the SSM actions that the lab knows.
var ssmActions = map[string]func(r *region, body []byte) (any, *apiError){
	"GetParameter":        asJSON((*region).getParameter),
	"GetParameters":       asJSON((*region).getParameters),
	"GetParametersByPath": asJSON((*region).getParametersByPath),
}

// asJSON turns a method into an action of the JSON 1.1 protocol.
func asJSON[I, O any](do func(*region, *I) (*O, *apiError)) func(*region, []byte) (any, *apiError) {
	return func(r *region, body []byte) (any, *apiError) {
		input := new(I)
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(input); err != nil {
			return nil, fail("SerializationException", "%v", err)
		}
		output, err := do(r, input)
		if err != nil {
			return nil, err
		}
		return output, nil
	}
}

func doSSM(_ *Lab, r *region, c *call) (any, *apiError) {
	do := ssmActions[c.action]
	if do == nil {
		return nil, fail("UnknownOperationException", "")
	}
	return do(r, c.body)
}

const jsonKind = "application/x-amz-json-1.1"

func answerJSON(w http.ResponseWriter, c *call, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		refuseJSON(w, c, &apiError{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()})
		return
	}
	writeBody(w, c, http.StatusOK, jsonKind, body)
}

func refuseJSON(w http.ResponseWriter, c *call, refused *apiError) {
	// A map of strings can always be written.
	body, _ := json.Marshal(map[string]string{"__type": refused.code, "message": refused.message})
	writeBody(w, c, refused.status, jsonKind, body)
}

type getParameterInput struct {
	Name           string
	WithDecryption bool
}

type getParameterOutput struct{ Parameter parameterItem }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (r *region) getParameter(in *getParameterInput) (*getParameterOutput, *apiError) {
	if in.Name == "" {
		return nil, fail("ValidationException", "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	found, there := r.parameters[in.Name]
	if !there {
		return nil, fail("ParameterNotFound", "Parameter %s not found.", in.Name)
	}
	return &getParameterOutput{Parameter: found.item()}, nil
}

// maxParameters is how many names GetParameters takes, and the largest page of
// GetParametersByPath.
const maxParameters = 10

type getParametersInput struct {
	Names          []string
	WithDecryption bool
}

type getParametersOutput struct {
	Parameters        []parameterItem
	InvalidParameters []string
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (r *region) getParameters(in *getParametersInput) (*getParametersOutput, *apiError) {
	if len(in.Names) < 1 || len(in.Names) > maxParameters {
		return nil, fail("ValidationException", "names must have between 1 and %d members", maxParameters)
	}
	out := &getParametersOutput{Parameters: []parameterItem{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if found, there := r.parameters[name]; there {
			out.Parameters = append(out.Parameters, found.item())
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

type byPathInput struct {
	Path                      string
	Recursive, WithDecryption bool
	MaxResults                *int
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
	size := maxParameters
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > maxParameters {
			return nil, fail("ValidationException", "maxResults must be between 1 and %d", maxParameters)
		}
	}
	var names []string
	for name := range r.parameters {
		below, ok := strings.CutPrefix(name, strings.TrimSuffix(in.Path, "/")+"/")
		if ok && (in.Recursive || !strings.Contains(below, "/")) && name > in.NextToken {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := &byPathOutput{Parameters: []parameterItem{}}
	for at, name := range names {
		if at == size {
			out.NextToken = names[at-1]
			break
		}
		out.Parameters = append(out.Parameters, r.parameters[name].item())
	}
	return out, nil
}
