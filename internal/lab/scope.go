package lab

import (
	"net/http"
	"regexp"
)

// scopeInHeader finds the credential scope: key/date/region/service/aws4_request.
// scopeInQuery finds that of a presigned URL.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
var (
	scopeInHeader = regexp.MustCompile(`Credential=([^/,]+)/[0-9]{8}/([^/,]+)/([^/,]+)/aws4_request`)
	scopeInQuery  = regexp.MustCompile(`^([^/]+)/[0-9]{8}/([^/]+)/([^/]+)/aws4_request$`)
)

var noScope = &apiError{
	status: http.StatusUnauthorized, code: "AuthFailure",
	message: "AWS was not able to validate the provided access credentials: the request has no credential scope",
}

// readScope reads who asks which service where. It is false for a request that is
// not signed.
func (c *call) readScope(request *http.Request) bool {
	query := request.URL.Query()
	found := scopeInHeader.FindStringSubmatch(request.Header.Get("Authorization"))
	if found == nil {
		found = scopeInQuery.FindStringSubmatch(query.Get("X-Amz-Credential"))
	}
	if found == nil && isOldURL(query) {
		// It names neither; there is one service that takes it, and one region.
		found = []string{"", query.Get("AWSAccessKeyId"), "us-east-1", "s3"}
	}
	if found == nil {
		return false
	}
	c.keyID, c.region, c.service = found[1], found[2], found[3]
	return true
}

// takeUnsigned takes the one call that nobody signs: by it one gets credentials in
// exchange for another's token.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (c *call) takeUnsigned() bool {
	if c.action != "AssumeRoleWithWebIdentity" {
		return false
	}
	c.service, c.region = "sts", "us-east-1"
	return true
}
