package lab

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// s3Answer is the answer of an S3 action.
type s3Answer struct {
	// status is HTTP's; zero means 200.
	status  int
	header  map[string]string
	content []byte
}

type s3Action func(l *Lab, r *region, q *s3Request) (*s3Answer, *apiError)

// s3Routes are the S3 actions that the lab knows, by method and by what the path and
// the query name, with the actions' names.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
var s3Routes = map[string]struct {
	name string
	do   s3Action
}{
	"GET service":          {"ListBuckets", (*Lab).listBuckets},
	"PUT bucket":           {"CreateBucket", (*Lab).createBucket},
	"HEAD bucket":          {"HeadBucket", (*Lab).headBucket},
	"DELETE bucket":        {"DeleteBucket", (*Lab).deleteBucket},
	"GET bucket?location":  {"GetBucketLocation", (*Lab).getBucketLocation},
	"GET bucket?list-type": {"ListObjectsV2", (*Lab).listObjects},
	"POST bucket?delete":   {"DeleteObjects", (*Lab).deleteObjects},
	"PUT object":           {"PutObject", (*Lab).putObject},
	"GET object":           {"GetObject", (*Lab).getObject},
	"HEAD object":          {"HeadObject", (*Lab).headObject},
	"DELETE object":        {"DeleteObject", (*Lab).deleteObject},
}

// doS3 runs an action. What a route does not know, and every header that asks for
// something that is not there, is refused as S3 refuses what it cannot do.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func doS3(l *Lab, r *region, c *call) (any, *apiError) {
	route, known := s3Routes[c.rest.route]
	if !known {
		return nil, notImplemented("The lab does not know %s.", c.rest.route)
	}
	if err := c.rest.checkHeaders(); err != nil {
		return nil, err
	}
	if err := c.rest.presigned.check(l.clock); err != nil {
		return nil, err
	}
	answer, err := route.do(l, r, c.rest)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func notImplemented(format string, args ...any) *apiError {
	err := fail("NotImplemented", "A header or query you provided requested a function that is not implemented. "+format, args...)
	err.status = http.StatusNotImplemented
	return err
}

// s3Fail makes an S3 error, whose statuses differ.
func s3Fail(status int, code, message string) *apiError {
	return &apiError{status: status, code: code, message: message}
}

func answerS3(w http.ResponseWriter, c *call, result any) {
	answer, ok := result.(*s3Answer)
	if !ok {
		return
	}
	header := w.Header()
	header.Set("X-Amz-Request-Id", c.requestID)
	header.Set("X-Amz-Id-2", c.requestID)
	header.Set("Content-Length", strconv.Itoa(len(answer.content)))
	for name, value := range answer.header {
		header.Set(name, value)
	}
	if answer.status == 0 {
		answer.status = http.StatusOK
	}
	if answer.status == http.StatusNoContent || answer.status == http.StatusNotModified {
		header.Del("Content-Length")
	}
	w.WriteHeader(answer.status)
	if c.rest.method != http.MethodHead {
		_, _ = w.Write(answer.content) // the client may have gone
	}
}

// s3Error is the error body, with what some errors add.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
type s3Error struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	More      []xmlElement
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

type xmlElement struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

func refuseS3(w http.ResponseWriter, c *call, refused *apiError) {
	body := s3Error{Code: refused.code, Message: refused.message, RequestID: c.requestID, HostID: c.requestID}
	for name, text := range refused.more {
		if strings.HasPrefix(name, "x-amz-") {
			w.Header().Set(name, text)
			continue
		}
		body.More = append(body.More, xmlElement{XMLName: xml.Name{Local: name}, Text: text})
	}
	w.Header().Set("X-Amz-Request-Id", c.requestID)
	writeBody(w, c, refused.status, "application/xml", asXML(body))
}

// asXML writes one of S3's documents, all of which can be written.
func asXML(document any) []byte {
	text, _ := xml.Marshal(document)
	return append([]byte(xml.Header), text...)
}

func xmlAnswer(document any) *s3Answer {
	return &s3Answer{header: map[string]string{"Content-Type": "application/xml"}, content: asXML(document)}
}

// signedURL is what a presigned URL says of itself; nil for other requests.
type signedURL struct {
	date time.Time
	span time.Duration
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
func readSignedURL(query map[string][]string) (*signedURL, *apiError) {
	first := func(name string) string { return strings.Join(query[name], ",") }
	if first("X-Amz-Credential") == "" {
		return nil, nil
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"} {
		if first(name) == "" {
			return nil, queryError("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
				"X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	date, err := time.Parse("20060102T150405Z", first("X-Amz-Date"))
	if err != nil {
		return nil, queryError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	seconds, err := strconv.Atoi(first("X-Amz-Expires"))
	switch {
	case err != nil:
		return nil, queryError("X-Amz-Expires should be a number")
	case seconds < 0:
		return nil, queryError("X-Amz-Expires must be non-negative")
	case time.Duration(seconds)*time.Second > longestURL:
		return nil, queryError("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return &signedURL{date: date, span: time.Duration(seconds) * time.Second}, nil
}

// check refuses a URL before and after its time. It was signed by the machine's
// clock; how long it is valid is the lab's time.
func (s *signedURL) check(c clock) *apiError {
	if s == nil {
		return nil
	}
	now, from := c.now(), c.at(s.date)
	if from.After(now.Add(signatureSkew)) {
		return s3Fail(http.StatusForbidden, "AccessDenied", "Request is not valid yet")
	}
	if until := from.Add(s.span); now.After(until) {
		err := s3Fail(http.StatusForbidden, "AccessDenied", "Request has expired")
		err.more = map[string]string{
			"X-Amz-Expires": strconv.Itoa(int(s.span.Seconds())),
			"Expires":       until.Format(time.RFC3339), "ServerTime": now.Format(time.RFC3339),
		}
		return err
	}
	return nil
}
