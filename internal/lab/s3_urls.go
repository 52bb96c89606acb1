package lab

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// signedURL is what a presigned URL says of its time, by the clock of the machine
// that signed it; nil for other requests.
type signedURL struct {
	// from is not set in the older form.
	from, until time.Time
	// expires is the parameter as it was sent.
	expires string
}

// longestURL is how long a presigned URL may be valid, signatureSkew how far its date
// may lie ahead.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
const (
	longestURL    = 7 * 24 * time.Hour
	signatureSkew = 15 * time.Minute
)

func queryError(message string) *apiError {
	return s3Fail(http.StatusBadRequest, "AuthorizationQueryParametersError", message)
}

// readSignedURL reads a presigned URL's parameters. The signature itself is not
// checked.
func readSignedURL(query url.Values) (*signedURL, *apiError) {
	switch {
	case isOldURL(query):
		return readOldURL(query)
	case query.Get("X-Amz-Credential") == "":
		return nil, nil
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"} {
		if query.Get(name) == "" {
			return nil, queryError("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
				"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	from, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	if err != nil {
		return nil, queryError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	expires := query.Get("X-Amz-Expires")
	seconds, err := strconv.Atoi(expires)
	switch {
	case err != nil:
		return nil, queryError("X-Amz-Expires should be a number")
	case seconds < 0:
		return nil, queryError("X-Amz-Expires must be non-negative")
	case time.Duration(seconds)*time.Second > longestURL:
		return nil, queryError("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return &signedURL{from: from, until: from.Add(time.Duration(seconds) * time.Second), expires: expires}, nil
}

// isOldURL tells a URL of signature version 2, as the AWS CLI still makes them for
// us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
func isOldURL(query url.Values) bool {
	return query.Get("AWSAccessKeyId") != "" && query.Get("Signature") != "" && query.Get("Expires") != ""
}

func readOldURL(query url.Values) (*signedURL, *apiError) {
	expires := query.Get("Expires")
	seconds, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return nil, s3Fail(http.StatusForbidden, "AccessDenied", "Invalid date (should be seconds since epoch): "+expires)
	}
	return &signedURL{until: time.Unix(seconds, 0), expires: expires}, nil
}

// check refuses a URL before and after its time. It was signed by the machine's
// clock; how long it is valid is the lab's time.
func (s *signedURL) check(c clock) *apiError {
	if s == nil {
		return nil
	}
	now, until := c.now(), c.at(s.until)
	if !s.from.IsZero() {
		from := c.at(s.from)
		if from.After(now.Add(signatureSkew)) {
			return s3Fail(http.StatusForbidden, "AccessDenied", "Request is not valid yet")
		}
		until = from.Add(s.until.Sub(s.from))
	}
	if now.After(until) {
		err := s3Fail(http.StatusForbidden, "AccessDenied", "Request has expired")
		err.more = map[string]string{
			"X-Amz-Expires": s.expires, "Expires": until.Format(time.RFC3339), "ServerTime": now.Format(time.RFC3339),
		}
		return err
	}
	return nil
}
