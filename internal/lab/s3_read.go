package lab

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxObject is the largest object that one PutObject takes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
const maxObject = 5 << 30

// s3Request is one S3 request.
type s3Request struct {
	method, bucket, key string
	// route is what s3Routes knows it by.
	route     string
	query     url.Values
	header    http.Header
	content   []byte
	presigned *signedURL
}

// virtualHost finds the bucket in a host's name. Those names are AWS's, and the ones
// that people and tests give a lab: at any other address the bucket is in the path.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
var virtualHost = regexp.MustCompile(`^(.+)\.(?:s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com|localhost|lab\.invalid)(?::[0-9]+)?$`)

// readS3 reads a REST request, its body included.
func readS3(c *call, request *http.Request) *apiError {
	q := &s3Request{method: request.Method, query: request.URL.Query(), header: request.Header}
	c.rest = q
	path := strings.TrimPrefix(request.URL.Path, "/")
	if found := virtualHost.FindStringSubmatch(request.Host); found != nil && !strings.HasPrefix(request.Host, "s3.") {
		q.bucket, q.key = found[1], path
	} else {
		q.bucket, q.key, _ = strings.Cut(path, "/")
	}
	q.findRoute()
	c.action = s3Routes[q.route].name
	if c.action == "" {
		c.action = q.route
	}
	var err *apiError
	if q.presigned, err = readSignedURL(q.query); err != nil {
		return err
	}
	if q.content, err = readContent(request); err != nil {
		return err
	}
	return q.checkDigests()
}

// plainQuery are parameters that do not change what is asked for.
var plainQuery = []string{
	"x-id", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner",
	"AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token",
}

// findRoute puts together what s3Routes has.
func (q *s3Request) findRoute() {
	level := "object"
	switch {
	case q.bucket == "":
		level = "service"
	case q.key == "":
		level = "bucket"
	}
	q.route = q.method + " " + level
	var parts []string
	for name := range q.query {
		if !slices.Contains(plainQuery, name) && !strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "response-") {
			parts = append(parts, name)
		}
	}
	if len(parts) > 0 {
		slices.Sort(parts)
		q.route += "?" + strings.Join(parts, "&")
	}
}

// knownHeaders are the x-amz- headers that the lab understands, or that have no
// meaning where signatures are not checked. Others would be silently left out.
var knownHeaders = []string{
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Amz-Decoded-Content-Length",
	"X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Mode", "X-Amz-Checksum-Type",
	"X-Amz-Expected-Bucket-Owner", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"X-Amz-Trailer-Signature",
}

// checkHeaders is told whose bucket it is, or who asks if there is none.
func (q *s3Request) checkHeaders(bucketOwner *account) *apiError {
	for name := range q.header {
		known := !strings.HasPrefix(name, "X-Amz-") || slices.Contains(knownHeaders, name) ||
			strings.HasPrefix(name, "X-Amz-Meta-") || checksums[name] != nil
		if !known {
			return notImplemented("The lab does not know the header %s.", name)
		}
	}
	if owner := q.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != bucketOwner.id {
		return s3Fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return nil
}

// readContent reads a body, and takes it out of its chunks.
func readContent(request *http.Request) ([]byte, *apiError) {
	if request.ContentLength < 0 && request.Method == http.MethodPut {
		return nil, s3Fail(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	content, err := io.ReadAll(request.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, s3Fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	}
	if err != nil {
		return nil, incompleteBody
	}
	if !strings.HasPrefix(request.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return content, nil
	}
	decoded, trailer, ok := unchunk(content)
	length, err := strconv.Atoi(request.Header.Get("X-Amz-Decoded-Content-Length"))
	if !ok || err != nil || length != len(decoded) {
		return nil, incompleteBody
	}
	for name, value := range trailer {
		request.Header.Set(name, value)
	}
	return decoded, nil
}

var incompleteBody = s3Fail(http.StatusBadRequest, "IncompleteBody",
	"You did not provide the number of bytes specified by the Content-Length HTTP header")

// unchunk takes a body out of its chunks, whose signatures are not checked, and reads
// what trails it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unchunk(body []byte) (content []byte, trailer map[string]string, ok bool) {
	rest := string(body)
	for {
		line, after, found := strings.Cut(rest, "\r\n")
		length, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseInt(length, 16, 64)
		if !found || err != nil || size < 0 || size > int64(len(after)) {
			return nil, nil, false
		}
		if size == 0 {
			return content, readTrailer(after), true
		}
		content = append(content, after[:size]...)
		if rest, found = strings.CutPrefix(after[size:], "\r\n"); !found {
			return nil, nil, false
		}
	}
}

func readTrailer(text string) map[string]string {
	trailer := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, found := strings.Cut(strings.TrimRight(line, "\r"), ":"); found {
			trailer[name] = strings.TrimSpace(value)
		}
	}
	return trailer
}
