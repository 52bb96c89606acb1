package lab_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// knock asks at the door and returns status and body.
func knock(t *testing.T, server *labtest.Server, method, path, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestDoor_books(t *testing.T) {
	server, client := start(t, lab.Options{})
	launch(t, client, 1, func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("a")}},
		}}
	})
	image := baseImage(t, client, "x86_64")
	if _, err := client.RunInstances(t.Context(), launchInput(image, 1001)); code(t, err) != "RequestLimitExceeded" {
		t.Fatal(err)
	}

	_, answer := knock(t, server, http.MethodGet, "/_lab/books", "")

	var books lab.Books
	if err := json.Unmarshal([]byte(answer), &books); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"DescribeImages": 2, "RunInstances": 2}, books.Requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"RunInstances": 1}, books.Throttled); diff != "" {
		t.Errorf("throttled (-want +got):\n%s", diff)
	}
	var kinds []string
	for _, left := range books.Leftovers {
		kinds = append(kinds, left.Type+" "+left.Tags["Name"])
	}
	if diff := cmp.Diff([]string{"instance a", "volume ", "network-interface "}, kinds); diff != "" {
		t.Errorf("leftovers (-want +got):\n%s", diff)
	}
	if status, _ := knock(t, server, http.MethodPost, "/_lab/books/reset", ""); status != http.StatusNoContent {
		t.Errorf("reset answers %d", status)
	}
	if got := server.Lab.Books(); len(got.Requests)+len(got.Throttled) != 0 || len(got.Leftovers) != 3 {
		t.Errorf("after the reset: %+v", got)
	}
}

func TestDoor_badLuck(t *testing.T) {
	server, client := start(t, lab.Options{})
	ids := idsOf(launch(t, client, 3))
	describe(t, client)

	for i, state := range []string{"terminated", "impaired", "stopped"} {
		if status, answer := knock(t, server, http.MethodPost, "/_lab/instances/"+ids[i]+"/"+state, ""); status != http.StatusNoContent {
			t.Fatalf("%s: %d %s", state, status, answer)
		}
	}

	all := describe(t, client, ids...)
	if all[0].State.Name != types.InstanceStateNameTerminated || *all[0].StateReason.Code != "Client.UserInitiatedShutdown" {
		t.Errorf("terminated: %s %s", all[0].State.Name, *all[0].StateReason.Code)
	}
	if all[2].State.Name != types.InstanceStateNameStopped || *all[2].StateReason.Code != "Server.ScheduledStop" {
		t.Errorf("stopped: %s %s", all[2].State.Name, *all[2].StateReason.Code)
	}
	out, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
		Filters: []types.Filter{filter("instance-status.status", "impaired")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.InstanceStatuses) != 1 || *out.InstanceStatuses[0].InstanceId != ids[1] {
		t.Errorf("impaired are %+v, want %s", out.InstanceStatuses, ids[1])
	}
}

func TestDoor_refusals(t *testing.T) {
	server, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	for path, want := range map[string]int{
		"/_lab/instances/i-0123456789abcdef0/terminated": http.StatusNotFound,
		"/_lab/instances/" + id + "/happy":               http.StatusBadRequest,
		"/_lab/instances/" + id + "/run":                 http.StatusConflict,
		"/_lab/elsewhere":                                http.StatusNotFound,
	} {
		if status, answer := knock(t, server, http.MethodPost, path, "true"); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, answer, want)
		}
	}
}

func TestNew_refusesOtherWeather(t *testing.T) {
	_, err := lab.New(lab.Options{Weather: "sunshine"})
	if err == nil || !strings.Contains(err.Error(), "calm") {
		t.Errorf("error %v, want one that names calm", err)
	}
}

func TestServices_actionsThatAreNotThere(t *testing.T) {
	server, client := start(t, lab.Options{})
	_, err := client.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if got := code(t, err); got != "InvalidAction" {
		t.Errorf("EC2: %q", got)
	}
	parameters := ssm.NewFromConfig(config(server.URL, "us-east-1", nil))
	_, err = parameters.ListDocuments(t.Context(), &ssm.ListDocumentsInput{})
	if got := code(t, err); got != "UnknownOperationException" {
		t.Errorf("SSM: %q", got)
	}
	elsewhere := ec2.NewFromConfig(config(server.URL, "mars-east-1", nil))
	_, err = elsewhere.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if got := code(t, err); got != "AuthFailure" {
		t.Errorf("a region that is not there: %q", got)
	}
}

func TestRegions_areApart(t *testing.T) {
	server, client := start(t, lab.Options{})
	launch(t, client, 1)
	ireland := ec2.NewFromConfig(config(server.URL, "eu-west-1", nil))

	if got := describe(t, ireland); len(got) != 0 {
		t.Errorf("eu-west-1 has %d instances of us-east-1", len(got))
	}
	if a, b := baseImage(t, client, "x86_64"), baseImage(t, ireland, "x86_64"); a == b {
		t.Errorf("both regions have the image id %s", a)
	}
}

func TestIdentityAndParameters(t *testing.T) {
	server, client := start(t, lab.Options{})
	who, err := sts.NewFromConfig(config(server.URL, "us-east-1", nil)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if *who.Account != "123456789012" {
		t.Errorf("account %s", *who.Account)
	}
	parameters := ssm.NewFromConfig(config(server.URL, "us-east-1", nil))
	name := "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	found, err := parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	if want := baseImage(t, client, "x86_64"); *found.Parameter.Value != want || found.Parameter.Version != 3 {
		t.Errorf("parameter %s, version %d; want the newest image %s, version 3", *found.Parameter.Value, found.Parameter.Version, want)
	}
	_, err = parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/golden/web")})
	if got := code(t, err); got != "ParameterNotFound" {
		t.Errorf("a parameter that is not there: %q", got)
	}
	names := 0
	pager := ssm.NewGetParametersByPathPaginator(parameters, &ssm.GetParametersByPathInput{
		Path: aws.String("/aws/service/debian"), Recursive: aws.Bool(true), MaxResults: aws.Int32(3),
	})
	for pager.HasMorePages() {
		out, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names += len(out.Parameters)
	}
	if names != 8 {
		t.Errorf("%d Debian parameters, want 8", names)
	}
}
