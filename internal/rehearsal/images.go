package rehearsal

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// DisableImage disables an image, as people and lifecycle rules do.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImage.html
func (s *Stage) DisableImage(region, id string) {
	s.t.Helper()
	client := ec2.New(ec2.Options{
		Region: region, BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: s.client,
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	})
	if _, err := client.DisableImage(s.t.Context(), &ec2.DisableImageInput{ImageId: &id}); err != nil {
		s.t.Fatal(err)
	}
}
