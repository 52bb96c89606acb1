package lab

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxListed is the largest page of ListObjectsV2, and how many objects DeleteObjects
// takes.
const maxListed = 1000

type objectItem struct {
	Key, LastModified, ETag string
	ChecksumAlgorithm       string
	ChecksumType            string
	Size                    int
	Owner                   *ownerItem
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

type listObjectsDocument struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name, Prefix          string
	Delimiter             string `xml:",omitempty"`
	MaxKeys, KeyCount     int
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Contents              []objectItem
	CommonPrefixes        []commonPrefix
}

// readListing reads ListObjectsV2's parameters: the largest page, and the key to go
// on after.
func (q *s3Request) readListing() (document *listObjectsDocument, after string, err *apiError) {
	first := q.query.Get
	document = &listObjectsDocument{
		Name: q.bucket, Prefix: first("prefix"), Delimiter: first("delimiter"), MaxKeys: maxListed,
		EncodingType: first("encoding-type"), StartAfter: first("start-after"), ContinuationToken: first("continuation-token"),
	}
	if first("list-type") != "2" {
		return nil, "", s3Fail(http.StatusBadRequest, "InvalidArgument", "Invalid List Type specified in Request")
	}
	if document.EncodingType != "" && document.EncodingType != "url" {
		return nil, "", s3Fail(http.StatusBadRequest, "InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	if text := first("max-keys"); text != "" {
		size, failure := strconv.Atoi(text)
		if failure != nil || size < 0 {
			return nil, "", s3Fail(http.StatusBadRequest, "InvalidArgument", "Provided max-keys not an integer or within integer range")
		}
		document.MaxKeys = min(size, maxListed)
	}
	after = document.StartAfter
	if document.ContinuationToken != "" {
		text, failure := base64.RawURLEncoding.DecodeString(document.ContinuationToken)
		if failure != nil {
			return nil, "", s3Fail(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(text)
	}
	return document, after, nil
}

// listObjects lists keys in order; with a delimiter those of one level, the ones
// below it as common prefixes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (l *Lab) listObjects(r *region, q *s3Request) (*s3Answer, *apiError) {
	from, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	document, after, err := q.readListing()
	if err != nil {
		return nil, err
	}
	encode := func(text string) string { return text }
	if document.EncodingType == "url" {
		encode = url.QueryEscape
	}
	var owner *ownerItem
	if q.query.Get("fetch-owner") == "true" {
		owner = from.owner.s3Owner()
	}
	last := ""
	for _, key := range slices.Sorted(maps.Keys(from.objects)) {
		rest, ok := strings.CutPrefix(key, document.Prefix)
		group := groupOf(rest, document)
		if !ok || key <= after || group != "" && (group == last || strings.HasPrefix(after, group)) {
			continue
		}
		if document.KeyCount == document.MaxKeys {
			document.IsTruncated = document.MaxKeys > 0
			break
		}
		document.KeyCount++
		if group != "" {
			last = group
			document.CommonPrefixes = append(document.CommonPrefixes, commonPrefix{encode(group)})
			continue
		}
		last = key
		document.Contents = append(document.Contents, from.objects[key].listed(encode, owner))
	}
	if document.IsTruncated {
		document.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(last))
	}
	document.Prefix, document.Delimiter, document.StartAfter = encode(document.Prefix), encode(document.Delimiter), encode(document.StartAfter)
	return xmlAnswer(document), nil
}

// groupOf is the common prefix that stands for a key; empty when the key stands for
// itself.
func groupOf(rest string, document *listObjectsDocument) string {
	if document.Delimiter == "" {
		return ""
	}
	if level, _, deeper := strings.Cut(rest, document.Delimiter); deeper {
		return document.Prefix + level + document.Delimiter
	}
	return ""
}

func (o *s3Object) listed(encode func(string) string, owner *ownerItem) objectItem {
	return objectItem{
		Key: encode(o.key), LastModified: o.modified.Format(timeForm), ETag: o.etag, Size: len(o.content), StorageClass: "STANDARD",
		ChecksumAlgorithm: strings.ToUpper(strings.TrimPrefix(o.checksum[0], "X-Amz-Checksum-")), ChecksumType: "FULL_OBJECT",
		Owner: owner,
	}
}

type deleteDocument struct {
	Object []struct{ Key string }
	Quiet  bool
}

type deletedKey struct{ Key string }

type deletedDocument struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedKey
}

// deleteObjects wants to be sure of what it is told: without a digest of the body it
// deletes nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func (l *Lab) deleteObjects(r *region, q *s3Request) (*s3Answer, *apiError) {
	from, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	if name, _ := q.checksum(); name == "" && q.header.Get("Content-Md5") == "" {
		return nil, s3Fail(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	asked := deleteDocument{}
	if xml.Unmarshal(q.content, &asked) != nil || len(asked.Object) == 0 || len(asked.Object) > maxListed {
		return nil, malformedXML
	}
	document := deletedDocument{}
	for _, object := range asked.Object {
		delete(from.objects, object.Key)
		if !asked.Quiet {
			document.Deleted = append(document.Deleted, deletedKey{object.Key})
		}
	}
	return xmlAnswer(document), nil
}
