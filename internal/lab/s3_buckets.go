package lab

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// s3Bucket is one bucket of S3. Names are one space for all accounts and regions.
type s3Bucket struct {
	name, region string
	owner        *account
	created      time.Time
	objects      map[string]*s3Object
}

var bucketForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]|\.[a-z0-9])+$`)

// validBucket holds a name against the naming rules.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validBucket(name string) bool {
	if len(name) < 3 || len(name) > 63 || !bucketForm.MatchString(name) || strings.HasSuffix(name, "-") || strings.Contains(name, "-.") {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

// bucket finds the bucket of a request, which must be in the region that it is
// asked of, and the caller's own: the lab has no bucket policies.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (l *Lab) bucket(r *region, q *s3Request) (*s3Bucket, *apiError) {
	found := l.s3Buckets[q.bucket]
	if found == nil {
		err := s3Fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		err.more = map[string]string{"BucketName": q.bucket}
		return nil, err
	}
	if found.region != r.name {
		err := s3Fail(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using "+
			"the specified endpoint. Please send all future requests to this endpoint.")
		err.more = map[string]string{
			"Bucket": q.bucket, "Endpoint": q.bucket + ".s3." + found.region + ".amazonaws.com", "x-amz-bucket-region": found.region,
		}
		return nil, err
	}
	if found.owner != r.account {
		return nil, s3Fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return found, nil
}

type bucketConfiguration struct {
	LocationConstraint string
}

// createBucket makes a bucket where it is asked of, or where the request says if that
// is us-east-1. There, making one's own bucket again is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (l *Lab) createBucket(r *region, q *s3Request) (*s3Answer, *apiError) {
	if !validBucket(q.bucket) {
		return nil, s3Fail(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	asked := bucketConfiguration{}
	if len(q.content) > 0 && xml.Unmarshal(q.content, &asked) != nil {
		return nil, malformedXML
	}
	where, err := placeOf(r.name, asked.LocationConstraint)
	if err != nil {
		return nil, err
	}
	made := &s3Answer{header: map[string]string{"Location": "/" + q.bucket}}
	if before := l.s3Buckets[q.bucket]; before != nil {
		if before.owner != r.account {
			return nil, s3Fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. "+
				"The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		}
		if before.region == "us-east-1" && where == before.region {
			return made, nil
		}
		return nil, s3Fail(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	}
	l.s3Buckets[q.bucket] = &s3Bucket{name: q.bucket, region: where, owner: r.account, created: r.now(), objects: map[string]*s3Object{}}
	return made, nil
}

var malformedXML = s3Fail(http.StatusBadRequest, "MalformedXML",
	"The XML you provided was not well-formed or did not validate against our published schema")

// placeOf reads a location constraint.
func placeOf(region, constraint string) (string, *apiError) {
	illegal := func(which string) *apiError {
		return fail("IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", which)
	}
	switch {
	case constraint == "" && region == "us-east-1":
		return region, nil
	case constraint == "":
		return "", illegal("unspecified")
	case constraint == "us-east-1" || !slices.Contains(regionNames, constraint):
		return "", fail("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case constraint != region && region != "us-east-1":
		return "", illegal(constraint)
	}
	return constraint, nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (l *Lab) headBucket(r *region, q *s3Request) (*s3Answer, *apiError) {
	found, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	return &s3Answer{header: map[string]string{"x-amz-bucket-region": found.region, "Content-Type": "application/xml"}}, nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
func (l *Lab) deleteBucket(r *region, q *s3Request) (*s3Answer, *apiError) {
	found, err := l.bucket(r, q)
	if err != nil {
		return nil, err
	}
	if len(found.objects) > 0 {
		return nil, s3Fail(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	delete(l.s3Buckets, found.name)
	return &s3Answer{status: http.StatusNoContent}, nil
}

type locationDocument struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"`
}

// getBucketLocation says nothing of a bucket in us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
func (l *Lab) getBucketLocation(r *region, q *s3Request) (*s3Answer, *apiError) {
	found := l.s3Buckets[q.bucket]
	if found == nil {
		return nil, s3Fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	if found.owner != r.account {
		return nil, s3Fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	document := locationDocument{Region: found.region}
	if found.region == "us-east-1" {
		document.Region = ""
	}
	return xmlAnswer(document), nil
}

type ownerItem struct{ ID, DisplayName string }

// s3Owner is the account as S3 knows it.
func (a *account) s3Owner() *ownerItem {
	if a.id == homeID {
		return &ownerItem{ID: strings.Repeat("0a1b2c3d", 8), DisplayName: "lab"}
	}
	return &ownerItem{ID: strings.ToLower(keyLetters(newIDs(0, "s3 "+a.id)) + keyLetters(newIDs(1, "s3 "+a.id))), DisplayName: "lab"}
}

type bucketItem struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type listBucketsDocument struct {
	XMLName xml.Name     `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Buckets []bucketItem `xml:"Buckets>Bucket"`
	Owner   ownerItem
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (l *Lab) listBuckets(r *region, q *s3Request) (*s3Answer, *apiError) {
	document := listBucketsDocument{Owner: *r.account.s3Owner()}
	for _, name := range slices.Sorted(maps.Keys(l.s3Buckets)) {
		if found := l.s3Buckets[name]; found.owner == r.account && strings.HasPrefix(name, q.query.Get("prefix")) {
			document.Buckets = append(document.Buckets, bucketItem{name, found.created.Format(timeForm), found.region})
		}
	}
	return xmlAnswer(document), nil
}
