package lab

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxKey is the longest key of an object, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// s3Object is one object. Its content never changes: a new one takes its place.
type s3Object struct {
	key      string
	content  []byte
	etag     string
	modified time.Time
	// header are the headers that come back with it, its metadata among them.
	header map[string]string
	// checksum is the header's name and value.
	checksum [2]string
}

// keep puts an object into a bucket.
func (b *s3Bucket) keep(o *s3Object) {
	sum := md5.Sum(o.content)
	o.etag = `"` + hex.EncodeToString(sum[:]) + `"`
	if o.checksum[0] == "" {
		o.checksum = [2]string{crc64NVME, digest(checksums[crc64NVME], o.content)}
	}
	b.objects[o.key] = o
}

// keptHeaders come back as they were sent.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
var keptHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Language", "Expires"}

// putObject takes an object whole, or not at all. Objects are always encrypted, by
// S3's own key or by the one that is asked for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (l *Lab) putObject(r *region, q *s3Request) (*s3Answer, *apiError) {
	to, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	if len(q.key) > maxKey {
		return nil, s3Fail(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if err := q.preconditions(to.objects[q.key]); err != nil {
		return nil, err
	}
	encryption, err := r.objectEncryption(q)
	if err != nil {
		return nil, err
	}
	made := &s3Object{key: q.key, content: q.content, modified: r.now(), header: encryption}
	made.header["Content-Type"] = cmp.Or(q.header.Get("Content-Type"), "binary/octet-stream")
	coding := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(q.header.Get("Content-Encoding"), "aws-chunked"), ","), ",")
	if coding = strings.TrimSpace(coding); coding != "" {
		made.header["Content-Encoding"] = coding
	}
	for _, name := range keptHeaders {
		if value := q.header.Get(name); value != "" {
			made.header[name] = value
		}
	}
	for name, values := range q.header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			made.header[name] = strings.Join(values, ",")
		}
	}
	if name, value := q.checksum(); name != "" {
		made.checksum = [2]string{name, value}
	}
	to.keep(made)
	answer := &s3Answer{header: map[string]string{
		"ETag": made.etag, made.checksum[0]: made.checksum[1], "x-amz-checksum-type": "FULL_OBJECT",
	}}
	for _, name := range []string{sseHeader, sseKeyHeader} {
		if value := made.header[name]; value != "" {
			answer.header[name] = value
		}
	}
	return answer, nil
}

const (
	sseHeader    = "X-Amz-Server-Side-Encryption"
	sseKeyHeader = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
)

// objectEncryption is what the answers say of an object's key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
func (r *region) objectEncryption(q *s3Request) (map[string]string, *apiError) {
	switch q.header.Get(sseHeader) {
	case "", "AES256":
		return map[string]string{sseHeader: "AES256"}, nil
	case "aws:kms":
		found := r.findKey(cmp.Or(q.header.Get(sseKeyHeader), "alias/aws/s3"))
		if found == nil {
			return nil, fail("KMS.NotFoundException", "Invalid keyId '%s'", q.header.Get(sseKeyHeader))
		}
		return map[string]string{sseHeader: "aws:kms", sseKeyHeader: found.arn}, nil
	}
	return nil, s3Fail(http.StatusBadRequest, "InvalidArgument", "The encryption method specified is not supported")
}

// preconditions compare with what is there now; nil without anything.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
func (q *s3Request) preconditions(now *s3Object) *apiError {
	failed := s3Fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	match, noneMatch := q.header.Get("If-Match"), q.header.Get("If-None-Match")
	switch {
	case match != "" && now == nil:
		return noObject(q.key)
	case match != "" && !etagIn(match, now.etag):
		return failed
	case noneMatch != "" && now != nil && etagIn(noneMatch, now.etag):
		if q.method == http.MethodPut {
			return failed
		}
		return s3Fail(http.StatusNotModified, "NotModified", "")
	}
	return nil
}

func etagIn(list, etag string) bool {
	return list == "*" || strings.Contains(list, strings.Trim(etag, `"`))
}

func noObject(key string) *apiError {
	err := s3Fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	err.more = map[string]string{"Key": key}
	return err
}

// getObject answers an object, or a range of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (l *Lab) getObject(r *region, q *s3Request) (*s3Answer, *apiError) {
	from, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	found := from.objects[q.key]
	if found == nil {
		return nil, noObject(q.key)
	}
	if err := q.preconditions(found); err != nil {
		return nil, err
	}
	answer := &s3Answer{content: found.content, header: map[string]string{
		"ETag": found.etag, "Last-Modified": found.modified.Format(http.TimeFormat), "Accept-Ranges": "bytes",
	}}
	for name, value := range found.header {
		answer.header[name] = value
	}
	for name := range q.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok {
			answer.header[http.CanonicalHeaderKey(header)] = q.query.Get(name)
		}
	}
	if asked := q.header.Get("Range"); asked != "" {
		return answer, answer.cutRange(asked)
	}
	if strings.EqualFold(q.header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		answer.header[found.checksum[0]] = found.checksum[1]
		answer.header["x-amz-checksum-type"] = "FULL_OBJECT"
	}
	return answer, nil
}

// headObject is getObject without the object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (l *Lab) headObject(r *region, q *s3Request) (*s3Answer, *apiError) { return l.getObject(r, q) }

var rangeForm = regexp.MustCompile(`^bytes=([0-9]*)-([0-9]*)$`)

// cutRange cuts an answer down to one range of bytes. What is not a range is ignored
// (RFC 9110, 14.2).
func (a *s3Answer) cutRange(asked string) *apiError {
	parts := rangeForm.FindStringSubmatch(asked)
	if parts == nil || parts[1]+parts[2] == "" {
		return nil
	}
	size := len(a.content)
	first, err := strconv.Atoi(parts[1])
	last, err2 := strconv.Atoi(parts[2])
	switch {
	case err != nil: // the last so many bytes
		first, last = max(0, size-last), size-1
	case err2 != nil || last >= size:
		last = size - 1
	}
	if first > last || first >= size {
		refused := s3Fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
		refused.more = map[string]string{"RangeRequested": asked, "ActualObjectSize": strconv.Itoa(size)}
		return refused
	}
	a.content = a.content[first : last+1]
	a.status = http.StatusPartialContent
	a.header["Content-Range"] = "bytes " + strconv.Itoa(first) + "-" + strconv.Itoa(last) + "/" + strconv.Itoa(size)
	return nil
}

// deleteObject is content when there is nothing to delete.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (l *Lab) deleteObject(r *region, q *s3Request) (*s3Answer, *apiError) {
	from, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	delete(from.objects, q.key)
	return &s3Answer{status: http.StatusNoContent}, nil
}
