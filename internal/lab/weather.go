package lab

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// weather is how long things take, how many requests are too many, and what goes
// wrong by itself. What goes wrong on order is in troubles.
type weather struct {
	// times are how long transitions take; those that are not in it take none.
	times map[transition]spread
	// throttles tells whether EC2's token buckets count.
	throttles bool
	// rates are how often things go wrong.
	rates Storm
}

// The weathers. A storm has the times and the buckets of aws weather, since trouble is
// worst for who meets a thing between two states.
var weathers = map[string]weather{
	"calm":  {},
	"aws":   {times: awsTimes, throttles: true},
	"storm": {times: awsTimes, throttles: true, rates: stormRates},
}

// weatherOf returns the weather that the options ask for.
func weatherOf(options Options) (weather, error) {
	name := options.Weather
	if name == "" {
		name = "calm"
	}
	chosen, known := weathers[name]
	if !known {
		return weather{}, fmt.Errorf("weather %q is not known to this lab: want calm, aws or storm", name)
	}
	if options.Storm != nil {
		chosen.rates = *options.Storm
	}
	return chosen, chosen.rates.check()
}

// before may refuse a request before it has had any effect, or cut its connection.
func (l *Lab) before(c *call, ordered *FailCall, now time.Time) *apiError {
	if ordered != nil && !ordered.After && !ordered.Torn {
		return ordered.failure(c)
	}
	if err := l.admit(c, now); err != nil {
		return err
	}
	rates, number := l.weather.rates, strconv.Itoa(c.number)
	switch {
	case l.chance("throttle", number) < rates.Throttle:
		return c.throttled()
	case l.chance("error before", number) < rates.ErrorBefore:
		return c.broken(l.chance("which error", number))
	case l.chance("cut before", number) < rates.CutBefore:
		return cutConnection(cutAtOnce)
	}
	return nil
}

// after may replace the answer of a request that has had its effect, or has failed by
// itself.
func (l *Lab) after(c *call, ordered *FailCall) *apiError {
	if ordered != nil && (ordered.After || ordered.Torn) {
		return ordered.failure(c)
	}
	rates, number := l.weather.rates, strconv.Itoa(c.number)
	switch {
	case l.chance("error after", number) < rates.ErrorAfter:
		return c.broken(l.chance("which error", number))
	case l.chance("cut after", number) < rates.CutAfter:
		return cutConnection(cutAtOnce)
	case l.chance("torn", number) < rates.TornAnswer:
		return cutConnection(cutHalfway)
	}
	return nil
}

// cut is what becomes of a connection.
type cut int

const (
	cutNot     cut = iota
	cutAtOnce      // not a byte of an answer is sent
	cutHalfway     // the answer ends in its middle
)

// cutConnection is an answer that does not arrive.
func cutConnection(how cut) *apiError {
	return &apiError{code: "ConnectionCut", message: "The lab cut the connection.", cut: how}
}

// throttled is a request too many, in the words of the service.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (c *call) throttled() *apiError {
	switch c.service {
	case "ec2":
		return throttled("Request limit exceeded.")
	case "ssm", "kms":
		return fail("ThrottlingException", "Rate exceeded")
	case "s3":
		return s3Fail(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	}
	return fail("Throttling", "Rate exceeded")
}

// broken is a failure of the service itself: one of two kinds, by luck.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-codes-table-server
func (c *call) broken(luck float64) *apiError {
	if luck < 0.5 {
		return codedFailure("ServiceUnavailable")
	}
	switch c.service {
	case "ec2", "s3":
		return codedFailure("InternalError")
	case "kms":
		return codedFailure("KMSInternalException")
	case "ssm":
		return codedFailure("InternalServerError")
	}
	return codedFailure("InternalFailure")
}

// failures are the status and the message of error codes that can be ordered; others
// are the client's fault, HTTP 400.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var failures = map[string]apiError{
	"RequestLimitExceeded": {status: http.StatusServiceUnavailable, message: "Request limit exceeded."},
	"ServiceUnavailable":   {status: http.StatusServiceUnavailable, message: "The request has failed due to a temporary failure of the server."},
	"Unavailable":          {status: http.StatusServiceUnavailable, message: "The server is overloaded and can't handle the request."},
	"InternalError":        {status: http.StatusInternalServerError, message: "An internal error has occurred"},
	"InternalFailure":      {status: http.StatusInternalServerError, message: "The request processing has failed because of an unknown error, exception or failure."},
	"KMSInternalException": {status: http.StatusInternalServerError, message: "The request was rejected because an internal exception occurred."},
	"InternalServerError":  {status: http.StatusInternalServerError, message: "An error occurred on the server side."},
	"InsufficientInstanceCapacity": {
		status:  http.StatusInternalServerError,
		message: "We currently do not have sufficient capacity in the Availability Zone you requested.",
	},
	"UnauthorizedOperation": {status: http.StatusForbidden, message: "You are not authorized to perform this operation."},
}

// codedFailure is the error of a code.
func codedFailure(code string) *apiError {
	known, there := failures[code]
	if !there {
		return fail(code, "This failure was ordered for a rehearsal.")
	}
	known.code = code
	return &known
}
