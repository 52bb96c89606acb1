package lab_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// shelf starts a lab with a bucket in us-east-1.
func shelf(t *testing.T) (*labtest.Server, *s3.Client) {
	t.Helper()
	server := labtest.Start(t, lab.Options{})
	client := s3.NewFromConfig(config(server.URL, "us-east-1", nil))
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("staging")}); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func store3(t *testing.T, client *s3.Client, key, content string, change ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String("staging"), Key: &key, Body: strings.NewReader(content)}
	for _, apply := range change {
		apply(in)
	}
	out, err := client.PutObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func fetch(t *testing.T, client *s3.Client, key string, change ...func(*s3.GetObjectInput)) (*s3.GetObjectOutput, string) {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String("staging"), Key: &key, ChecksumMode: types.ChecksumModeEnabled}
	for _, apply := range change {
		apply(in)
	}
	out, err := client.GetObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return out, string(content)
}

func TestS3_objectsComeBackAsTheyWere(t *testing.T) {
	server, client := shelf(t)
	put := store3(t, client, "a/b c+ö.sh", "echo hello", func(in *s3.PutObjectInput) {
		in.ContentType, in.Metadata = aws.String("text/x-sh"), map[string]string{"step": "install"}
	})
	if len(*put.ETag) != 34 {
		t.Errorf("ETag %s is no MD5 in quotes", *put.ETag)
	}
	got, content := fetch(t, client, "a/b c+ö.sh")
	if content != "echo hello" || *got.ContentType != "text/x-sh" || *got.ETag != *put.ETag || got.ServerSideEncryption != types.ServerSideEncryptionAes256 {
		t.Errorf("it is %q of type %s with ETag %s", content, *got.ContentType, *got.ETag)
	}
	if diff := cmp.Diff(map[string]string{"step": "install"}, got.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("staging"), Key: aws.String("a/b c+ö.sh")})
	if err != nil || *head.ContentLength != 10 || *head.ETag != *put.ETag {
		t.Errorf("its head: %+v, %v", head, err)
	}
	if countLeftovers(server.Lab, "bucket") != 1 || countLeftovers(server.Lab, "object") != 1 {
		t.Errorf("the books: %+v", server.Lab.Books().Leftovers)
	}
	if n := server.Lab.Books().Requests["PutObject"]; n != 1 {
		t.Errorf("the books count %d PutObject requests", n)
	}
}

func TestS3_ranges(t *testing.T) {
	_, client := shelf(t)
	store3(t, client, "digits", "0123456789")
	for asked, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-99": "89", "lines=1-2": "0123456789"} {
		got, content := fetch(t, client, "digits", func(in *s3.GetObjectInput) { in.Range = &asked })
		if content != want {
			t.Errorf("%s is %q (%s), want %q", asked, content, aws.ToString(got.ContentRange), want)
		}
	}
	_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("staging"), Key: aws.String("digits"), Range: aws.String("bytes=10-")})
	if got := code(t, err); got != "InvalidRange" {
		t.Errorf("beyond the end: %q", got)
	}
}

func TestS3_bucketsAndTheirNames(t *testing.T) {
	server, client := shelf(t)
	create := func(name, region, constraint string) error {
		in := &s3.CreateBucketInput{Bucket: &name}
		if constraint != "" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
		}
		_, err := s3.NewFromConfig(config(server.URL, region, nil)).CreateBucket(t.Context(), in)
		return err
	}
	for _, test := range []struct{ name, region, constraint, want string }{
		{"staging", "us-east-1", "", ""},
		{"irish", "eu-west-1", "eu-west-1", ""},
		{"irish", "eu-west-1", "eu-west-1", "BucketAlreadyOwnedByYou"},
		{"german", "eu-west-1", "", "IllegalLocationConstraintException"},
		{"german", "eu-west-1", "eu-central-1", "IllegalLocationConstraintException"},
		{"nowhere", "us-east-1", "mars-east-1", "InvalidLocationConstraint"},
		{"Upper", "us-east-1", "", "InvalidBucketName"},
		{"a..b", "us-east-1", "", "InvalidBucketName"},
		{"192.168.5.4", "us-east-1", "", "InvalidBucketName"},
		{"mine-s3alias", "us-east-1", "", "InvalidBucketName"},
	} {
		if got := code(t, create(test.name, test.region, test.constraint)); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
	_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("irish")})
	if got := code(t, err); got != "PermanentRedirect" {
		t.Errorf("a bucket of another region: %q", got)
	}
	where, err := client.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("irish")})
	if err != nil || where.LocationConstraint != "eu-west-1" {
		t.Errorf("it is in %+v, %v", where, err)
	}
	_, err = client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("none")})
	if got := code(t, err); got != "NotFound" {
		t.Errorf("no bucket: %q", got)
	}
	listed, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(listed.Buckets) != 2 {
		t.Errorf("%+v, %v; want two buckets", listed, err)
	}
	store3(t, client, "x", "x")
	_, err = client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("staging")})
	if got := code(t, err); got != "BucketNotEmpty" {
		t.Errorf("deleting a full one: %q", got)
	}
}

func TestS3_listsInPagesAndLevels(t *testing.T) {
	_, client := shelf(t)
	for _, key := range []string{"a", "dir/1", "dir/2", "dir/sub/3", "z"} {
		store3(t, client, key, key)
	}
	list := func(change func(*s3.ListObjectsV2Input)) (keys, levels []string, pages int) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String("staging"), MaxKeys: aws.Int32(2)}
		change(in)
		pager := s3.NewListObjectsV2Paginator(client, in)
		for pager.HasMorePages() {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, found := range page.Contents {
				keys = append(keys, *found.Key)
			}
			for _, found := range page.CommonPrefixes {
				levels = append(levels, *found.Prefix)
			}
		}
		return keys, levels, pages
	}
	keys, _, pages := list(func(*s3.ListObjectsV2Input) {})
	if diff := cmp.Diff([]string{"a", "dir/1", "dir/2", "dir/sub/3", "z"}, keys); diff != "" || pages != 3 {
		t.Errorf("all, in %d pages (-want +got):\n%s", pages, diff)
	}
	keys, levels, _ := list(func(in *s3.ListObjectsV2Input) { in.Delimiter = aws.String("/") })
	if diff := cmp.Diff([][]string{{"a", "z"}, {"dir/"}}, [][]string{keys, levels}); diff != "" {
		t.Errorf("the first level (-want +got):\n%s", diff)
	}
	keys, levels, _ = list(func(in *s3.ListObjectsV2Input) {
		in.Delimiter, in.Prefix, in.StartAfter = aws.String("/"), aws.String("dir/"), aws.String("dir/1")
	})
	if diff := cmp.Diff([][]string{{"dir/2"}, {"dir/sub/"}}, [][]string{keys, levels}); diff != "" {
		t.Errorf("the second level (-want +got):\n%s", diff)
	}
	out, err := client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("staging"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("none")}},
	}})
	if err != nil || len(out.Deleted) != 2 {
		t.Errorf("deleting two: %+v, %v", out, err)
	}
	if keys, _, _ := list(func(*s3.ListObjectsV2Input) {}); len(keys) != 4 {
		t.Errorf("after the deletion: %v", keys)
	}
}

func TestS3_refusals(t *testing.T) {
	_, client := shelf(t)
	put := func(change func(*s3.PutObjectInput)) error {
		in := &s3.PutObjectInput{Bucket: aws.String("staging"), Key: aws.String("k"), Body: strings.NewReader("content")}
		change(in)
		_, err := client.PutObject(t.Context(), in)
		return err
	}
	store3(t, client, "there", "x")
	for name, test := range map[string]struct {
		change func(*s3.PutObjectInput)
		want   string
	}{
		"no bucket":        {func(in *s3.PutObjectInput) { in.Bucket = aws.String("none") }, "NoSuchBucket"},
		"another digest":   {func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==") }, "BadDigest"},
		"no digest":        {func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("x") }, "InvalidDigest"},
		"another checksum": {func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }, "BadDigest"},
		"a long key":       {func(in *s3.PutObjectInput) { in.Key = aws.String(strings.Repeat("k", 1025)) }, "KeyTooLongError"},
		"what is there":    {func(in *s3.PutObjectInput) { in.Key, in.IfNoneMatch = aws.String("there"), aws.String("*") }, "PreconditionFailed"},
		"an ACL":           {func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead }, "NotImplemented"},
		"another's bucket": {func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String("111122223333") }, "AccessDenied"},
		"an unknown key": {func(in *s3.PutObjectInput) {
			in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String("alias/none")
		}, "KMS.NotFoundException"},
	} {
		if got := code(t, put(test.change)); got != test.want {
			t.Errorf("%s: %q, want %s", name, got, test.want)
		}
	}
	_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("staging"), Key: aws.String("none")})
	if got := code(t, err); got != "NoSuchKey" {
		t.Errorf("no object: %q", got)
	}
	_, err = client.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: aws.String("staging")})
	if got := code(t, err); got != "NotImplemented" {
		t.Errorf("versioning: %q", got)
	}
}

// TestS3_chunkedBodies are what SDKs send over TLS, where the checksum trails.
func TestS3_chunkedBodies(t *testing.T) {
	server, client := shelf(t)
	send := func(body, trailer string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/staging/chunked", strings.NewReader(body+trailer+"\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Authorization":                "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
			"X-Amz-Content-Sha256":         "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			"Content-Encoding":             "aws-chunked",
			"X-Amz-Decoded-Content-Length": "11",
			"X-Amz-Trailer":                "x-amz-checksum-crc32",
		} {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(answer)
	}
	const whole = "6;chunk-signature=0\r\nhello \r\n5;chunk-signature=0\r\nworld\r\n0;chunk-signature=0\r\n"
	if status, answer := send(whole, "x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:0\r\n"); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if got, content := fetch(t, client, "chunked"); content != "hello world" || aws.ToString(got.ChecksumCRC32) != "DUoRhQ==" || got.ContentEncoding != nil {
		t.Errorf("it is %q with checksum %s and encoding %s", content, aws.ToString(got.ChecksumCRC32), aws.ToString(got.ContentEncoding))
	}
	for want, sent := range map[string][2]string{
		"BadDigest":      {whole, "x-amz-checksum-crc32:AAAAAA==\r\n"},
		"IncompleteBody": {"5\r\nhello\r\n0\r\n", ""},
	} {
		if status, answer := send(sent[0], sent[1]); status != http.StatusBadRequest || !strings.Contains(answer, "<Code>"+want+"</Code>") {
			t.Errorf("%d %s, want %s", status, answer, want)
		}
	}
	if _, answer := send("xyz", ""); !strings.Contains(answer, "IncompleteBody") {
		t.Errorf("no chunks: %s", answer)
	}
}

func TestS3_bucketInTheHost(t *testing.T) {
	server, client := shelf(t)
	store3(t, client, "k", "content")
	for host, path := range map[string]string{
		"staging.s3.us-east-1.amazonaws.com": "/k", "staging.s3.amazonaws.com": "/k", "staging.localhost:8080": "/k",
		"s3.us-east-1.amazonaws.com": "/staging/k", "127.0.0.1:8080": "/staging/k",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/s3/aws4_request")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		_, err = content.ReadFrom(response.Body)
		if err := fmt.Sprint(err, response.Body.Close()); content.String() != "content" {
			t.Errorf("%s%s: %d %s (%s)", host, path, response.StatusCode, content.String(), err)
		}
	}
}
