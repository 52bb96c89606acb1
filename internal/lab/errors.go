package lab

import (
	"fmt"
	"net/http"
)

// apiError is an error as AWS answers it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
type apiError struct {
	// status is HTTP's.
	status  int
	code    string
	message string
	// cut is set for an answer that does not arrive; there is then no status.
	cut cut
	// more is what S3 adds to some errors: elements of the answer, and headers.
	more map[string]string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// fail makes a client error: HTTP 400.
func fail(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

// invalid is a value that the parameter does not take.
func invalid(format string, args ...any) *apiError {
	return fail("InvalidParameterValue", format, args...)
}

// combination is parameters that do not go together.
func combination(format string, args ...any) *apiError {
	return fail("InvalidParameterCombination", format, args...)
}

// missing is a parameter that must be there.
func missing(parameter string) *apiError {
	return fail("MissingParameter", "The request must contain the parameter %s", parameter)
}

// throttled is a request beyond the rate; EC2 answers it with 503.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
func throttled(message string) *apiError {
	return &apiError{status: http.StatusServiceUnavailable, code: "RequestLimitExceeded", message: message}
}

// isThrottle tells whether the books count the answer as throttled.
func (e *apiError) isThrottle() bool {
	return e.code == "RequestLimitExceeded" || e.code == "ThrottlingException" || e.code == "SlowDown" || e.code == "Throttling"
}
