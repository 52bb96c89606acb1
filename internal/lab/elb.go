package lab

import (
	"bytes"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// elbVersion is the API version that the lab speaks. The classic load balancers, of
// version 2012-06-01, are a different service at the same endpoint.
const (
	elbVersion   = "2015-12-01"
	elbNamespace = "http://elasticloadbalancing.amazonaws.com/doc/" + elbVersion + "/"
)

// elbActions are the actions of Elastic Load Balancing that the lab knows.
var elbActions = union(targetGroupActions, targetActions, loadBalancerActions, listenerActions, elbTagActions)

// elb turns a method into an action.
func elb[I, O any](do func(*region, *I) (*O, *apiError)) action {
	return func(r *region, c *call) (any, *apiError) {
		tree := parameterTree(withoutMember(c.form))
		tree.take("Action")
		tree.take("Version")
		input := new(I)
		if err := tree.decode(reflect.ValueOf(input)); err != nil {
			return nil, asValidation(err)
		}
		output, err := do(r, input)
		if err != nil {
			return nil, err
		}
		return output, nil
	}
}

// withoutMember brings list parameters into EC2's form: "Targets.member.1.Id" is
// "Targets.1.Id" there.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
func withoutMember(form url.Values) url.Values {
	flat := url.Values{}
	for name, values := range form {
		flat[strings.ReplaceAll(name, ".member.", ".")] = values
	}
	return flat
}

// asValidation gives an error of EC2's the code that this service has for all
// parameters that it does not take.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html
func asValidation(err *apiError) *apiError {
	return &apiError{status: err.status, code: "ValidationError", message: err.message}
}

func validation(format string, args ...any) *apiError {
	return asValidation(fail("", format, args...))
}

func doELB(_ *Lab, r *region, c *call) (any, *apiError) {
	do := elbActions[c.action]
	if do == nil || c.form.Get("Version") != elbVersion {
		return nil, fail("InvalidAction", "Could not find operation %s for version %s", c.action, c.form.Get("Version"))
	}
	return do(r, c)
}

func answerELB(w http.ResponseWriter, c *call, result any) { answerQuery(w, c, elbNamespace, result) }

func refuseELB(w http.ResponseWriter, c *call, err *apiError) { refuseQuery(w, c, elbNamespace, err) }

// answerQuery writes an answer of a query service as all but EC2 do.
func answerQuery(w http.ResponseWriter, c *call, namespace string, result any) {
	out := &bytes.Buffer{}
	out.WriteString("<" + c.action + `Response xmlns="` + namespace + `"><` + c.action + "Result>")
	writeList(out, reflect.ValueOf(result), "member")
	out.WriteString("</" + c.action + "Result><ResponseMetadata><RequestId>" + c.requestID +
		"</RequestId></ResponseMetadata></" + c.action + "Response>")
	writeBody(w, c, http.StatusOK, "text/xml", out.Bytes())
}

func refuseQuery(w http.ResponseWriter, c *call, namespace string, err *apiError) {
	blame := "Sender"
	if err.status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	out := &bytes.Buffer{}
	out.WriteString(`<ErrorResponse xmlns="` + namespace + `"><Error><Type>` + blame + "</Type><Code>")
	writeText(out, err.code)
	out.WriteString("</Code><Message>")
	writeText(out, err.message)
	out.WriteString("</Message></Error><RequestId>" + c.requestID + "</RequestId></ErrorResponse>")
	writeBody(w, c, err.status, "text/xml", out.Bytes())
}

// nothing is the answer of actions that have nothing to say.
type nothing struct{}

// elbObject makes the common part of a new thing, whose id is its ARN. path is what
// the ARN has before the last part, "targetgroup/web".
func (r *region) elbObject(path string, tags tagMap) object {
	made := r.object("elb", tags)
	made.id = r.arn("elasticloadbalancing", path+"/"+made.id[len(made.id)-elbDigits:])
	return made
}

// elbDigits is how long the last part of an ARN is.
const elbDigits = 16

// elbPages are the parameters of the lists.
type elbPages struct {
	Marker   string
	PageSize *int
}

// elbPage cuts a page out of things in order of creation.
func elbPage[T thing](all []T, asked elbPages) (some []T, next string, err *apiError) {
	const most = 400
	if asked.PageSize != nil && (*asked.PageSize < 1 || *asked.PageSize > most) {
		return nil, "", validation("1 validation error detected: Value '%d' at 'pageSize' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *asked.PageSize, most)
	}
	some, next, err = page(all, pageParams{MaxResults: asked.PageSize, NextToken: asked.Marker}, pageLimits{least: 1, most: most})
	if err != nil {
		return nil, "", validation("Invalid marker '%s'", asked.Marker)
	}
	return some, next, nil
}
