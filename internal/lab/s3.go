package lab

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
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
	owner := r.account
	if found := l.s3Buckets[c.rest.bucket]; found != nil {
		owner = found.owner
	}
	if err := c.rest.checkHeaders(owner); err != nil {
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
