package lab

import (
	"bytes"
	"net/http"
	"reflect"
)

const stsVersion = "https://sts.amazonaws.com/doc/2011-06-15/"

// callerIdentity is the account's administrator, who makes every request.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

func doSTS(_ *Lab, _ *region, c *call) (any, *apiError) {
	if c.action != "GetCallerIdentity" {
		return nil, fail("InvalidAction", "Could not find operation %s for version 2011-06-15", c.action)
	}
	return callerIdentity{ARN: callerARN, UserID: callerUserID, Account: accountID}, nil
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
