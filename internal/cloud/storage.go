package cloud

import (
	"context"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// s3Calls are S3's.
type s3Calls struct {
	putObject    operation[s3.PutObjectInput, s3.PutObjectOutput, s3.Options]
	deleteObject operation[s3.DeleteObjectInput, s3.DeleteObjectOutput, s3.Options]
	listObjects  operation[s3.ListObjectsV2Input, s3.ListObjectsV2Output, s3.Options]
	presignGet   func(context.Context, *s3.GetObjectInput, ...func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error)
}

func newS3Calls(config aws.Config, endpoint string) s3Calls {
	client := s3.NewFromConfig(config, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		// An endpoint of one's own rarely has a name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
	})
	return s3Calls{
		putObject:    client.PutObject,
		deleteObject: client.DeleteObject,
		listObjects:  client.ListObjectsV2,
		presignGet:   s3.NewPresignClient(client).PresignGetObject,
	}
}

// Bucket is a bucket by its name, which a stranger may have taken once it is free, and the
// account that it must belong to: S3 refuses any other.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
type Bucket struct{ Name, Owner string }

// Object is one object to store.
type Object struct {
	Bucket Bucket
	Key    string
	// Content is read from its beginning again where a request is repeated.
	Content io.ReadSeeker
	// Metadata says whose it is. Tags would need a permission of their own.
	Metadata map[string]string
}

// PutObject stores an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (r *Region) PutObject(ctx context.Context, object Object) error {
	_, err := call(ctx, r.name, "PutObject", r.s3.putObject, &s3.PutObjectInput{
		Bucket: &object.Bucket.Name, ExpectedBucketOwner: given(object.Bucket.Owner), Key: &object.Key,
		Body: object.Content, Metadata: object.Metadata,
	})
	return err
}

// PresignObject returns a URL by which anybody may fetch the object for that long, or
// until the credentials that signed it end. It makes no request. A URL cannot say whose the
// bucket must be: whoever fetches must know the content's digest.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
func (r *Region) PresignObject(ctx context.Context, bucket Bucket, key string, valid time.Duration) (url string, err error) {
	request, err := r.s3.presignGet(ctx, &s3.GetObjectInput{Bucket: &bucket.Name, Key: &key}, func(o *s3.PresignOptions) { o.Expires = valid })
	if err != nil {
		return "", wrap("PresignGetObject", r.name, err)
	}
	return request.URL, nil
}

// DeleteObject deletes an object; one that is gone is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (r *Region) DeleteObject(ctx context.Context, bucket Bucket, key string) error {
	_, err := call(ctx, r.name, "DeleteObject", r.s3.deleteObject, &s3.DeleteObjectInput{
		Bucket: &bucket.Name, ExpectedBucketOwner: given(bucket.Owner), Key: &key,
	})
	return err
}

// ObjectKeys returns the keys that begin with a prefix.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (r *Region) ObjectKeys(ctx context.Context, bucket Bucket, prefix string) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket.Name, ExpectedBucketOwner: given(bucket.Owner), Prefix: &prefix}
	var keys []string
	err := pages(
		func(token *string) (*s3.ListObjectsV2Output, error) {
			in.ContinuationToken = token
			return call(ctx, r.name, "ListObjectsV2", r.s3.listObjects, in)
		},
		func(out *s3.ListObjectsV2Output) *string { return out.NextContinuationToken },
		func(out *s3.ListObjectsV2Output) bool {
			for _, object := range out.Contents {
				keys = append(keys, aws.ToString(object.Key))
			}
			return true
		})
	return keys, err
}
