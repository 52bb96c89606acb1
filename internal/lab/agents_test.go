package lab_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// roll are the managed instances and their ping statuses, by filter if there is one.
func (s shop) roll(t *testing.T, filters ...types.InstanceInformationStringFilter) map[string]string {
	t.Helper()
	all := map[string]string{}
	pager := ssm.NewDescribeInstanceInformationPaginator(s.agents, &ssm.DescribeInstanceInformationInput{Filters: filters, MaxResults: aws.Int32(5)})
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range page.InstanceInformationList {
			all[*found.InstanceId] = string(found.PingStatus)
		}
	}
	return all
}

func TestAgents_needAProfileAndAnImageWithAnAgent(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		managed := s.staff(t, 1)[0]
		bare := *launch(t, s.machines, 1)[0].InstanceId
		images, err := s.machines.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []ec2types.Filter{filter("name", "debian-12-amd64-20250115-*")}})
		if err != nil {
			t.Fatal(err)
		}
		s.staff(t, 1, func(in *ec2.RunInstancesInput) { in.ImageId = images.Images[0].ImageId })
		if diff := cmp.Diff(map[string]string{managed: "Online"}, s.roll(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, err = s.machines.AssociateIamInstanceProfile(t.Context(), &ec2.AssociateIamInstanceProfileInput{
			InstanceId: &bare, IamInstanceProfile: &ec2types.IamInstanceProfileSpecification{Name: aws.String("bake")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{managed: "Online", bare: "Online"}, s.roll(t)); diff != "" {
			t.Errorf("with a profile (-want +got):\n%s", diff)
		}
	})
}

func TestAgents_loseTheirConnection(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		ids := s.staff(t, 4)
		stopped, impaired, ended, well := ids[0], ids[1], ids[2], ids[3]
		for id, state := range map[string]string{stopped: "stopped", impaired: "impaired", ended: "terminated"} {
			if err := s.lab.SetState(id, state); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		want := map[string]string{stopped: "ConnectionLost", impaired: "ConnectionLost", well: "Online"}
		if diff := cmp.Diff(want, s.roll(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		lost := types.InstanceInformationStringFilter{Key: aws.String("PingStatus"), Values: []string{"ConnectionLost"}}
		if got := s.roll(t, lost); len(got) != 2 {
			t.Errorf("the filter finds %v, want the two", got)
		}
	})
}

func TestAgents_filtersAndPages(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		ids := s.staff(t, 7, func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []ec2types.TagSpecification{{
				ResourceType: ec2types.ResourceTypeInstance, Tags: []ec2types.Tag{{Key: aws.String("Role"), Value: aws.String("web")}},
			}}
		})
		if got := s.roll(t); len(got) != 7 {
			t.Errorf("%d in all pages, want 7", len(got))
		}
		by := func(key string, values ...string) types.InstanceInformationStringFilter {
			return types.InstanceInformationStringFilter{Key: &key, Values: values}
		}
		for _, test := range []struct {
			filter types.InstanceInformationStringFilter
			want   int
		}{
			{by("InstanceIds", ids[0], "i-0123456789abcdef0"), 1},
			{by("tag:Role", "web"), 7},
			{by("tag:Role", "db"), 0},
			{by("tag-key", "Role"), 7},
			{by("PlatformTypes", "Linux"), 7},
			{by("ResourceType", "ManagedInstance"), 0},
		} {
			if got := s.roll(t, test.filter); len(got) != test.want {
				t.Errorf("%s %v finds %d, want %d", *test.filter.Key, test.filter.Values, len(got), test.want)
			}
		}
		_, err := s.agents.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{
			Filters: []types.InstanceInformationStringFilter{by("Colour", "red")},
		})
		if got := code(t, err); got != "InvalidFilterKey" {
			t.Errorf("a filter that is none: %q", got)
		}
		_, err = s.agents.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{MaxResults: aws.Int32(4)})
		if got := code(t, err); got != "ValidationException" {
			t.Errorf("a page of four: %q", got)
		}
	})
}

func TestAgents_areNotThereWithoutGuests(t *testing.T) {
	server, machines := start(t, lab.Options{})
	s := shop{lab: server.Lab, machines: machines, agents: ssm.NewFromConfig(config(server.URL, "us-east-1", nil))}
	s.staff(t, 1)
	if got := s.roll(t); len(got) != 0 {
		t.Errorf("managed are %s, where nothing runs inside", fmt.Sprint(got))
	}
}
