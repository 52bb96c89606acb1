package cloud

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Class says how an error of AWS is reacted to. Each class has one reaction.
type Class string

// The classes.
const (
	// Throttle: slow down and ask again.
	Throttle Class = "throttle"
	// Capacity: this pool (type and zone) has none now; the pool rests, the next is tried.
	Capacity Class = "capacity"
	// Unsupported: this pool never will; the next is tried.
	Unsupported Class = "unsupported"
	// Quota: the account's limit; nothing else is tried.
	Quota Class = "quota"
	// Addresses: this subnet has no free address; the next subnet is tried.
	Addresses Class = "addresses"
	// NotFound: it is not there, or not visible yet.
	NotFound Class = "not found"
	// InUse: something still refers to it.
	InUse Class = "in use"
	// Denied: the caller may not; nothing else is tried.
	Denied Class = "denied"
	// Unclear: the call may or may not have had its effect (a cut connection, a 5xx).
	Unclear Class = "unclear"
	// Fatal: anything else.
	Fatal Class = "fatal"
)

// Codes that engines react to one by one.
const (
	CodeImageNameTaken     = "InvalidAMIName.Duplicate"
	CodeTokenMismatch      = "IdempotentParameterMismatch"
	CodeTokenSpent         = "IdempotentInstanceTerminated"
	CodeParameterNotFound  = "ParameterNotFound"
	CodeParameterExists    = "ParameterAlreadyExists"
	CodeNoResource         = "InvalidResourceId"
	CodeInvalidAction      = "InvalidAction"
	CodeTooManyCopies      = "ResourceLimitExceeded"
	CodeInstanceNotFound   = "InvalidInstanceID.NotFound"
	CodeImageNotFound      = "InvalidAMIID.NotFound"
	CodeImageGone          = "InvalidAMIID.Unavailable"
	CodeSnapshotNotFound   = "InvalidSnapshot.NotFound"
	CodeUnauthorized       = "UnauthorizedOperation"
	CodeNotPermitted       = "OperationNotPermitted"
	CodeDryRunWouldSucceed = "DryRunOperation"
	CodeTemplateNameTaken  = "InvalidLaunchTemplateName.AlreadyExistsException"
)

// Error is an error of AWS with everything that a person needs.
type Error struct {
	Class Class
	// Action is the API action: "RunInstances".
	Action string
	Region string
	// Code and Message are AWS's own; empty when no answer came.
	Code      string
	Message   string
	RequestID string
	// Err is the SDK's error.
	Err error
}

// Error quotes AWS, cleaned: a proxy, or an endpoint that is not AWS's, may have answered.
func (e *Error) Error() string {
	if e.Code == "" {
		return report.Clean(fmt.Sprintf("%s (%s): %v", e.Action, e.Region, e.Err))
	}
	text := fmt.Sprintf("%s (%s): %s: %s", e.Action, e.Region, e.Code, e.Message)
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return report.Clean(text)
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first Error in the chain, Fatal without one.
func ClassOf(err error) Class {
	if aws, ok := errors.AsType[*Error](err); ok {
		if aws.wrongArchitecture() {
			return Unsupported
		}
		return aws.Class
	}
	return Fatal
}

// wrongArchitecture reports whether an instance type does not fit the image. EC2 gives that the
// code of any wrong value, and only its message tells.
func (e *Error) wrongArchitecture() bool {
	return e.Code == "InvalidParameterValue" && strings.Contains(e.Message, "does not match the architecture")
}

// HasCode reports whether the first Error in the chain has one of the codes.
func HasCode(err error, codes ...string) bool {
	aws, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if aws.Code == code {
			return true
		}
	}
	return false
}
