package rehearsal

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

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
