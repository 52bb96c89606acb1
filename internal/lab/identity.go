package lab

import (
	"bytes"
	"net/http"
	"reflect"
	"regexp"
)

const stsVersion = "https://sts.amazonaws.com/doc/2011-06-15/"

// callerIdentity is who makes a request: the account's administrator, or a role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// stsActions are the STS actions that the lab knows.
var stsActions = union(identityActions, roleActions)

var identityActions = map[string]action{
	"GetCallerIdentity": asCaller((*Lab).getCallerIdentity),
	"GetAccessKeyInfo":  asCaller((*Lab).getAccessKeyInfo),
}

// asCaller turns a method into an action whose answer depends on who asks.
func asCaller[I, O any](do func(*Lab, *call, *I) (*O, *apiError)) action {
	return func(r *region, c *call) (any, *apiError) {
		tree := parameterTree(c.form)
		tree.take("Action")
		tree.take("Version")
		input := new(I)
		if err := tree.decode(reflect.ValueOf(input)); err != nil {
			return nil, err
		}
		if err := checkMembers(reflect.ValueOf(input).Elem(), ""); err != nil {
			err.code = "ValidationError"
			return nil, err
		}
		output, err := do(r.lab, c, input)
		if err != nil {
			return nil, err
		}
		return output, nil
	}
}

func doSTS(_ *Lab, r *region, c *call) (any, *apiError) {
	do := stsActions[c.action]
	if do == nil {
		return nil, fail("InvalidAction", "Could not find operation %s for version 2011-06-15", c.action)
	}
	return do(r, c)
}

type noParameters struct{}

// getCallerIdentity knows the keys that AssumeRole has given out; every other one is
// the administrator's.
func (l *Lab) getCallerIdentity(c *call, _ *noParameters) (*callerIdentity, *apiError) {
	if found := l.sessions[c.keyID]; found != nil {
		return &callerIdentity{ARN: found.arn, UserID: found.userID, Account: found.account}, nil
	}
	return &callerIdentity{ARN: c.account.administrator(), UserID: c.account.administratorID(), Account: c.account.id}, nil
}

var accessKeyForm = regexp.MustCompile(`^A(?:KIA|SIA)[A-Z0-9]{12,124}$`)

type accessKeyInput struct{ AccessKeyId string }

type accessKeyOutput struct {
	Account string `xml:"Account"`
}

// getAccessKeyInfo takes every well-formed key for one of the account's that it leads
// into, since every key works in the lab.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
func (l *Lab) getAccessKeyInfo(_ *call, in *accessKeyInput) (*accessKeyOutput, *apiError) {
	if !accessKeyForm.MatchString(in.AccessKeyId) && !accountForm.MatchString(in.AccessKeyId) {
		return nil, fail("ValidationError", "The access key ID %s isn't valid.", in.AccessKeyId)
	}
	of, err := l.caller(&call{keyID: in.AccessKeyId})
	if err != nil {
		return nil, err
	}
	return &accessKeyOutput{Account: of.id}, nil
}

func answerSTS(w http.ResponseWriter, c *call, result any) {
	out := &bytes.Buffer{}
	out.WriteString("<" + c.action + `Response xmlns="` + stsVersion + `"><` + c.action + "Result>")
	writeXML(out, reflect.ValueOf(result))
	out.WriteString("</" + c.action + "Result><ResponseMetadata><RequestId>" + c.requestID +
		"</RequestId></ResponseMetadata></" + c.action + "Response>")
	writeBody(w, c, http.StatusOK, "text/xml", out.Bytes())
}

// refuseSTS writes the error body of the query protocol.
func refuseSTS(w http.ResponseWriter, c *call, err *apiError) {
	out := &bytes.Buffer{}
	out.WriteString(`<ErrorResponse xmlns="` + stsVersion + `"><Error><Type>Sender</Type><Code>`)
	writeText(out, err.code)
	out.WriteString("</Code><Message>")
	writeText(out, err.message)
	out.WriteString("</Message></Error><RequestId>" + c.requestID + "</RequestId></ErrorResponse>")
	writeBody(w, c, err.status, "text/xml", out.Bytes())
}
