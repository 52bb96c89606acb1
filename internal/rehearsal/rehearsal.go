package rehearsal

import (
	"testing"
	"testing/synctest"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud/cloudtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// BaseImage is the SSM parameter of a public image that every lab has.
const BaseImage = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

// Stage is a lab and an account on it.
type Stage struct {
	Lab     *lab.Lab
	Account *cloud.Account
	// Region is us-east-1.
	Region *cloud.Region

	t testing.TB
}

// Run plays a test on a lab of its own. Whatever the lab refuses (a parameter that
// EC2 does not have, ids beside a page size) is an error there as it is on AWS.
func Run(t *testing.T, options lab.Options, play func(*testing.T, *Stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloudtest.NoEnvironment(t)
		inside, err := lab.New(options)
		if err != nil {
			t.Fatal(err)
		}
		stage := &Stage{Lab: inside, t: t}
		endpoints := map[string]string{}
		for _, service := range []string{"ec2", "elbv2", "ssm", "sts"} {
			endpoints[service] = labtest.Endpoint
		}
		stage.Account, _, err = cloud.New(t.Context(), cloud.Config{
			Region: "us-east-1", AccessKey: "lab", SecretKey: "lab", HTTPClient: labtest.InBubble(t, inside), Endpoints: endpoints,
		})
		if err != nil {
			t.Fatal(err)
		}
		stage.Region = stage.In("")
		play(t, stage)
	})
}

// In is a region of the account.
func (s *Stage) In(name string) *cloud.Region {
	s.t.Helper()
	region, err := s.Account.Region(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return region
}

// BaseImageID is the public image that tests begin with.
func (s *Stage) BaseImageID() string {
	s.t.Helper()
	id, err := s.Region.Parameter(s.t.Context(), BaseImage)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// Requests counts the requests of what is done, in all.
func (s *Stage) Requests(do func()) int {
	s.Lab.ResetBooks()
	do()
	all := 0
	for _, count := range s.Lab.Books().Requests {
		all += count
	}
	return all
}
