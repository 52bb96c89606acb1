package cloud

import (
	"errors"
	"io"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Codes that are reacted to in this package alone.
const (
	codeInvalidParameterValue = "InvalidParameterValue"
	codeUnsupportedOperation  = "UnsupportedOperation"
	codeTargetGroupNotFound   = "TargetGroupNotFound"
	codeInvalidTarget         = "InvalidTarget"
	codeGroupNotFound         = "InvalidGroup.NotFound"
)

// classes says what each code of AWS means to the engines; codes that are not here are
// judged by classOfAnswer. Sources:
//
//	errors:   https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
//	launch:   https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
//	throttle: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
//	common:   https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
//	spot:     https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
var classes = map[string]Class{
	// Too many requests. ConcurrentTagAccess too asks for nothing but to wait.
	"RequestLimitExceeded":      Throttle, // throttle
	"EC2ThrottledException":     Throttle,
	"Throttling":                Throttle, // common
	"ThrottlingException":       Throttle, // common
	"ThrottledException":        Throttle,
	"RequestThrottled":          Throttle,
	"RequestThrottledException": Throttle,
	"TooManyRequestsException":  Throttle,
	"ConcurrentTagAccess":       Throttle, // errors

	// A pool (type and zone) is empty. These come as server errors, HTTP 500.
	"InsufficientInstanceCapacity":         Capacity, // launch
	"InsufficientHostCapacity":             Capacity, // errors
	"InsufficientReservedInstanceCapacity": Capacity, // errors
	"InsufficientVolumeCapacity":           Capacity, // errors
	"ReservationCapacityExceeded":          Capacity, // errors
	"InsufficientCapacityOnHost":           Capacity, // errors
	"UnfulfillableCapacity":                Capacity, // spot
	"SpotMaxPriceTooLow":                   Capacity, // spot

	// A pool will never do: the zone lacks the type, or the type does not fit the image.
	"Unsupported":                  Unsupported, // launch
	"UnsupportedHostConfiguration": Unsupported, // errors
	"InvalidParameterCombination":  Unsupported, // errors
	"InstanceTypeNotSupported":     Unsupported,

	// The account's limits.
	"InstanceLimitExceeded":            Quota, // errors
	"VcpuLimitExceeded":                Quota, // errors
	"MaxSpotInstanceCountExceeded":     Quota, // errors
	"MaxSpotFleetRequestCountExceeded": Quota, // errors
	"MaxFleetCountExceeded":            Quota,
	"VolumeLimitExceeded":              Quota, // errors
	"MaxIOPSLimitExceeded":             Quota, // errors
	"SnapshotLimitExceeded":            Quota, // errors
	"ConcurrentSnapshotLimitExceeded":  Quota, // errors
	"NetworkInterfaceLimitExceeded":    Quota, // errors
	"ResourceLimitExceeded":            Quota, // errors
	"ResourceCountLimitExceeded":       Quota, // errors
	"TagLimitExceeded":                 Quota, // errors
	"AMIQuotaExceeded":                 Quota,

	// A subnet is full.
	"InsufficientFreeAddressesInSubnet": Addresses, // errors
	"InsufficientAddressCapacity":       Addresses, // errors

	// Not there, or not visible yet; further codes end in NotFound.
	CodeImageGone: NotFound, // errors: deregistered
	"InvalidLaunchTemplateName.NotFoundException": NotFound, // errors

	// Something refers to it.
	"InvalidSnapshot.InUse": InUse, // errors
	"DependencyViolation":   InUse, // errors
	"VolumeInUse":           InUse, // errors
	"ResourceInUse":         InUse,

	// The caller may not.
	CodeUnauthorized:              Denied, // errors
	"AuthFailure":                 Denied, // errors
	CodeNotPermitted:              Denied, // errors: termination protection, for one
	"Blocked":                     Denied, // errors
	"OptInRequired":               Denied, // errors
	"PendingVerification":         Denied, // errors
	"InvalidClientTokenId":        Denied, // errors
	"MissingAuthenticationToken":  Denied, // errors
	"SignatureDoesNotMatch":       Denied, // common
	"UnrecognizedClientException": Denied, // common
	"AccessDenied":                Denied,
	"AccessDeniedException":       Denied, // common
	"ExpiredToken":                Denied,
	"ExpiredTokenException":       Denied, // common
	"RequestExpired":              Denied, // common

	// AWS itself failed, and cannot say how far it came.
	"InternalError":      Unclear, // errors
	"InternalFailure":    Unclear, // errors
	"ServiceUnavailable": Unclear, // errors
	"Unavailable":        Unclear, // errors
	"RequestTimeout":     Unclear,
}

// wrap makes an *Error of what an SDK client returns; nil stays nil, and a context's
// end stays what it is.
func wrap(action, region string, err error) error {
	if err == nil {
		return nil
	}
	if canceled, ok := errors.AsType[*smithy.CanceledError](err); ok && canceled.Err != nil {
		return err
	}
	wrapped := &Error{Action: action, Region: region, Class: classOfAnswer(err), Err: err}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		wrapped.Code, wrapped.Message = answer.ErrorCode(), answer.ErrorMessage()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		wrapped.RequestID = response.RequestID
	}
	return wrapped
}

// classOfAnswer judges by code, then by what became of the request.
func classOfAnswer(err error) Class {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		if class, ok := classOfCode(answer.ErrorCode()); ok {
			return class
		}
	}
	var sending *smithyhttp.RequestSendError
	var reading *smithy.DeserializationError
	switch response, answered := errors.AsType[*smithyhttp.ResponseError](err); {
	case answered && response.HTTPStatusCode() >= http.StatusInternalServerError:
		return Unclear
	case errors.As(err, &sending):
		// The SDK tries again, and tells of the last attempt only: a connection that was
		// refused this time may have been cut after its effect before.
		return Unclear
	case errors.As(err, &reading), errors.Is(err, io.ErrUnexpectedEOF):
		return Unclear
	}
	return Fatal
}

func classOfCode(code string) (Class, bool) {
	if class, ok := classes[code]; ok {
		return class, true
	}
	if strings.HasSuffix(code, "NotFound") {
		return NotFound, true
	}
	return "", false
}
