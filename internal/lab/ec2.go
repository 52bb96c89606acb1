package lab

import (
	"bytes"
	"maps"
	"net/http"
	"reflect"
	"strings"
)

// ec2Version is the API version in the answers' name space.
const ec2Version = "http://ec2.amazonaws.com/doc/2016-11-15/"

// action is one EC2 action.
type action func(r *region, c *call) (any, *apiError)

// ec2Actions are the actions that the lab knows, from the nouns that have a set of
// their own.
var ec2Actions = union(
	coreActions,
	launchTemplateActions,
	imageActions,
	imageRetirementActions,
	imageSharingActions,
	snapshotActions,
	volumeActions,
	rootVolumeActions,
	monitoringActions,
	imageLineageActions,
	placementGroupActions,
	groupRuleActions,
	vpcDetailActions,
	reservationActions,
	spotActions,
)

func union(sets ...map[string]action) map[string]action {
	all := map[string]action{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

var coreActions = map[string]action{
	"RunInstances":                           of((*region).runInstances),
	"DescribeInstances":                      of((*region).describeInstances),
	"DescribeInstanceStatus":                 of((*region).describeInstanceStatus),
	"TerminateInstances":                     of((*region).terminateInstances),
	"StopInstances":                          of((*region).stopInstances),
	"StartInstances":                         of((*region).startInstances),
	"RebootInstances":                        of((*region).rebootInstances),
	"GetConsoleOutput":                       of((*region).getConsoleOutput),
	"DescribeInstanceAttribute":              of((*region).describeInstanceAttribute),
	"ModifyInstanceAttribute":                of((*region).modifyInstanceAttribute),
	"DescribeInstanceCreditSpecifications":   of((*region).describeCredits),
	"ModifyInstanceMetadataOptions":          of((*region).modifyInstanceMetadataOptions),
	"DescribeInstanceTypes":                  of((*region).describeInstanceTypes),
	"DescribeNetworkInterfaces":              of((*region).describeNetworkInterfaces),
	"DescribeSubnets":                        of((*region).describeSubnets),
	"DescribeVpcs":                           of((*region).describeVpcs),
	"DescribeSecurityGroups":                 of((*region).describeSecurityGroups),
	"CreateSecurityGroup":                    of((*region).createSecurityGroup),
	"DeleteSecurityGroup":                    of((*region).deleteSecurityGroup),
	"DescribeAvailabilityZones":              of((*region).describeAvailabilityZones),
	"DescribeRegions":                        of((*region).describeRegions),
	"CreateTags":                             of((*region).createTags),
	"DeleteTags":                             of((*region).deleteTags),
	"DescribeTags":                           of((*region).describeTags),
	"ImportKeyPair":                          of((*region).importKeyPair),
	"DescribeKeyPairs":                       of((*region).describeKeyPairs),
	"DeleteKeyPair":                          of((*region).deleteKeyPair),
	"AssociateIamInstanceProfile":            of((*region).associateProfile),
	"DescribeIamInstanceProfileAssociations": of((*region).describeProfileAssociations),
	"ReplaceIamInstanceProfileAssociation":   of((*region).replaceProfileAssociation),
	"DisassociateIamInstanceProfile":         of((*region).disassociateProfile),
}

// of turns a method into an action: it reads the parameters into the method's
// input, and answers a dry run, which changes nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
func of[I, O any](do func(*region, *I) (*O, *apiError)) action {
	return func(r *region, c *call) (any, *apiError) {
		tree := parameterTree(c.form)
		dry := tree.take("DryRun")
		tree.take("Action")
		tree.take("Version")
		input := new(I)
		if err := tree.decode(reflect.ValueOf(input)); err != nil {
			return nil, err
		}
		if strings.EqualFold(dry, "true") {
			return nil, &apiError{
				status: http.StatusPreconditionFailed, code: "DryRunOperation",
				message: "Request would have succeeded, but DryRun flag is set.",
			}
		}
		output, err := do(r, input)
		if err != nil {
			return nil, err
		}
		return output, nil
	}
}

// take removes a parameter from the tree and returns its value.
func (p *param) take(name string) string {
	node := p.below[name]
	if node == nil {
		return ""
	}
	delete(p.below, name)
	return node.value
}

func doEC2(_ *Lab, r *region, c *call) (any, *apiError) {
	do := ec2Actions[c.action]
	if do == nil {
		return nil, fail("InvalidAction", "The action %s is not valid for this web service.", c.action)
	}
	return do(r, c)
}

// success is the answer of actions that have nothing to say.
type success struct {
	Return bool `xml:"return"`
}

func answerEC2(w http.ResponseWriter, c *call, result any) {
	out := &bytes.Buffer{}
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	out.WriteString("<" + c.action + `Response xmlns="` + ec2Version + `"><requestId>` + c.requestID + "</requestId>")
	writeXML(out, reflect.ValueOf(result))
	out.WriteString("</" + c.action + "Response>")
	writeBody(w, c, http.StatusOK, "text/xml;charset=UTF-8", out.Bytes())
}

// refuseEC2 writes EC2's error body, which is unlike that of any other service.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Responses.html
func refuseEC2(w http.ResponseWriter, c *call, err *apiError) {
	out := &bytes.Buffer{}
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response><Errors><Error><Code>")
	writeText(out, err.code)
	out.WriteString("</Code><Message>")
	writeText(out, err.message)
	out.WriteString("</Message></Error></Errors><RequestID>" + c.requestID + "</RequestID></Response>")
	writeBody(w, c, err.status, "text/xml;charset=UTF-8", out.Bytes())
}

// writeBody sends an answer. An error of writing means that the client has gone,
// and nobody is left to be told.
func writeBody(w http.ResponseWriter, c *call, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Amzn-Requestid", c.requestID)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
