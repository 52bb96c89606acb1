package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func TestDescribeInstances_pages(t *testing.T) {
	_, client := start(t, lab.Options{})
	want := map[string]bool{}
	for range 3 {
		for _, id := range idsOf(launch(t, client, 7)) {
			want[id] = true
		}
	}

	seen, pages := map[string]bool{}, 0
	pager := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	for pager.HasMorePages() {
		out, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, reservation := range out.Reservations {
			for _, id := range idsOf(reservation.Instances) {
				if seen[id] || !want[id] {
					t.Errorf("page %d has %s again, or it was never launched", pages, id)
				}
				seen[id] = true
			}
		}
	}

	if len(seen) != 21 || pages != 5 {
		t.Errorf("%d instances on %d pages, want 21 on 5", len(seen), pages)
	}
}

func TestDescribeInstances_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	tests := map[string]struct {
		in   ec2.DescribeInstancesInput
		want string
	}{
		"page too small":   {ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		"page too large":   {ec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue"},
		"ids and pages":    {ec2.DescribeInstancesInput{InstanceIds: []string{id}, MaxResults: aws.Int32(5)}, "InvalidParameterCombination"},
		"token made up":    {ec2.DescribeInstancesInput{NextToken: aws.String("x"), MaxResults: aws.Int32(5)}, "InvalidNextToken"},
		"filter made up":   {ec2.DescribeInstancesInput{Filters: []types.Filter{filter("colour", "red")}}, "InvalidParameterValue"},
		"too many values":  {ec2.DescribeInstancesInput{Filters: []types.Filter{filter("image-id", make([]string, 201)...)}}, "FilterLimitExceeded"},
		"one of two there": {ec2.DescribeInstancesInput{InstanceIds: []string{id, "i-0123456789abcdef0"}}, "InvalidInstanceID.NotFound"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.DescribeInstances(t.Context(), &test.in)
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
}

func TestDescribeInstances_filters(t *testing.T) {
	_, client := start(t, lab.Options{})
	tagged := func(value string) launching {
		return func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{
				ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("stamp:fleet"), Value: &value}},
			}}
		}
	}
	web := launch(t, client, 2, tagged("web"), withToken("web-token"))
	other := launch(t, client, 3, tagged("wob*"))
	plain := launch(t, client, 1)
	tests := map[string]struct {
		filters []types.Filter
		want    int
	}{
		"tag":                 {[]types.Filter{filter("tag:stamp:fleet", "web")}, 2},
		"tag, any of":         {[]types.Filter{filter("tag:stamp:fleet", "web", "wob\\*")}, 5},
		"tag, wild":           {[]types.Filter{filter("tag:stamp:fleet", "w?b*")}, 5},
		"tag key":             {[]types.Filter{filter("tag-key", "stamp:fleet")}, 5},
		"client token":        {[]types.Filter{filter("client-token", "web-token")}, 2},
		"both must match":     {[]types.Filter{filter("tag-key", "stamp:fleet"), filter("client-token", "web-token")}, 2},
		"image":               {[]types.Filter{filter("image-id", *web[0].ImageId)}, 6},
		"state":               {[]types.Filter{filter("instance-state-name", "pending", "stopped")}, 0},
		"id":                  {[]types.Filter{filter("instance-id", *plain[0].InstanceId)}, 1},
		"address":             {[]types.Filter{filter("private-ip-address", *other[1].PrivateIpAddress)}, 1},
		"subnet":              {[]types.Filter{filter("subnet-id", *web[0].SubnetId)}, 2},
		"zone":                {[]types.Filter{filter("availability-zone", "us-east-1*")}, 6},
		"type, none has it":   {[]types.Filter{filter("instance-type", "m5.large")}, 0},
		"launch index of one": {[]types.Filter{filter("launch-index", "2")}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: test.filters})
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, reservation := range out.Reservations {
				got += len(reservation.Instances)
			}
			if got != test.want {
				t.Errorf("%d instances, want %d", got, test.want)
			}
		})
	}
}

func TestTags(t *testing.T) {
	_, client := start(t, lab.Options{})
	ids := idsOf(launch(t, client, 2))
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

	steps := []func() error{
		func() error {
			_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{
				Resources: ids, Tags: []types.Tag{tag("a", "1"), tag("b", "2"), tag("c", "3")},
			})
			return err
		},
		func() error {
			_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids[:1], Tags: []types.Tag{tag("a", "9")}})
			return err
		},
		func() error {
			_, err := client.DeleteTags(t.Context(), &ec2.DeleteTagsInput{
				Resources: ids, Tags: []types.Tag{{Key: aws.String("b")}, tag("c", "other"), tag("a", "1")},
			})
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}

	out, err := client.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "instance")}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, line := range out.Tags {
		got[*line.ResourceId+" "+*line.Key] = *line.Value
	}
	want := map[string]string{ids[0] + " a": "9", ids[0] + " c": "3", ids[1] + " c": "3"}
	if len(got) != len(want) {
		t.Fatalf("tags %v, want %v", got, want)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("tag %s is %q, want %q", key, got[key], value)
		}
	}
	_, err = client.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{ids[0], "i-0123456789abcdef0"}, Tags: []types.Tag{tag("d", "4")},
	})
	if got := code(t, err); got != "InvalidInstanceID.NotFound" {
		t.Errorf("one of two is not there: %q", got)
	}
	for _, t2 := range describe(t, client, ids[0])[0].Tags {
		if *t2.Key == "d" {
			t.Error("a refused call has tagged one of the two")
		}
	}
}
