package rehearsal

import (
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// AllowPublicImages lifts, in some regions, the block of public images that new
// accounts have.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
func (s *Stage) AllowPublicImages(regions ...string) {
	s.t.Helper()
	for _, region := range regions {
		client := ec2.New(ec2.Options{
			Region: region, BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: s.client,
			Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
		})
		if _, err := client.DisableImageBlockPublicAccess(s.t.Context(), &ec2.DisableImageBlockPublicAccessInput{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// MakeBucket makes an S3 bucket in us-east-1.
func (s *Stage) MakeBucket(name string) {
	s.t.Helper()
	client := s3.New(s3.Options{
		Region: s.Region.Name(), BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: s.client, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	})
	if _, err := client.CreateBucket(s.t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		s.t.Fatal(err)
	}
}

// Get fetches what is behind a presigned URL, as a guest would.
func (s *Stage) Get(url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
