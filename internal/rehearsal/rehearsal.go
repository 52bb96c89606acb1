package rehearsal

import (
	"net/http"
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

	t      testing.TB
	client *http.Client
	mortal *mortal
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
		client := labtest.InBubble(t, inside)
		stage := &Stage{Lab: inside, t: t, client: client, mortal: &mortal{next: client.Transport}}
		stage.Account = stage.process()
		stage.Region = stage.In("")
		play(t, stage)
	})
}

// process is what a Terraform process knows of AWS when it starts: nothing but the
// provider block.
func (s *Stage) process() *cloud.Account {
	s.t.Helper()
	return s.enter("lab", &http.Client{Transport: s.mortal})
}

// enter is a process that signs with an access key.
func (s *Stage) enter(accessKey string, client *http.Client) *cloud.Account {
	s.t.Helper()
	endpoints := map[string]string{}
	for _, service := range []string{"ec2", "elbv2", "s3", "ssm", "sts"} {
		endpoints[service] = labtest.Endpoint
	}
	account, _, err := cloud.New(s.t.Context(), cloud.Config{
		Region: "us-east-1", AccessKey: accessKey, SecretKey: "lab", HTTPClient: client, Endpoints: endpoints,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return account
}

// Restart replaces the account and its region by those of a new process.
func (s *Stage) Restart() {
	s.t.Helper()
	s.Revive()
	s.Account = s.process()
	s.Region = s.In("")
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

// Abroad is a region as another account sees it, of which nothing is cut off.
func (s *Stage) Abroad(account, name string) *cloud.Region {
	s.t.Helper()
	region, err := s.enter(account, s.client).Region(name)
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

// OtherImageID is another public image of the same architecture.
func (s *Stage) OtherImageID() string {
	s.t.Helper()
	base := s.BaseImageID()
	images, err := s.Region.Images(s.t.Context(), cloud.ImageQuery{
		Owners: []string{"amazon"}, Filters: map[string][]string{"name": {"al2023-ami-2023*"}, "architecture": {"x86_64"}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, image := range images {
		if image.ID != base {
			return image.ID
		}
	}
	s.t.Fatal("the lab has one base image only")
	return ""
}

// Order orders trouble.
func (s *Stage) Order(trouble lab.Trouble) {
	s.t.Helper()
	if _, err := s.Lab.Order(trouble); err != nil {
		s.t.Fatal(err)
	}
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
