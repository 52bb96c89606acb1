package lab_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func TestSecurityGroups_changeOnARunningInstance(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := launch(t, client, 1)[0].InstanceId
	made, err := client.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("web"), Description: aws.String("web servers"),
	})
	if err != nil {
		t.Fatal(err)
	}

	_, err = client.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: id, Groups: []string{*made.GroupId}})
	if err != nil {
		t.Fatal(err)
	}

	want := []types.GroupIdentifier{{GroupId: made.GroupId, GroupName: aws.String("web")}}
	if diff := cmp.Diff(want, describe(t, client)[0].SecurityGroups, ignoreDocuments); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	_, err = client.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: made.GroupId})
	if got := code(t, err); got != "DependencyViolation" {
		t.Errorf("deleting a group in use: %q", got)
	}
}

func TestProfiles_associateReplaceDisassociate(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := launch(t, client, 1)[0].InstanceId
	profile := func(name string) *types.IamInstanceProfileSpecification {
		return &types.IamInstanceProfileSpecification{Name: &name}
	}
	arn := func() string {
		found := describe(t, client)[0].IamInstanceProfile
		if found == nil {
			return ""
		}
		return *found.Arn
	}

	first, err := client.AssociateIamInstanceProfile(t.Context(), &ec2.AssociateIamInstanceProfileInput{InstanceId: id, IamInstanceProfile: profile("a")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.AssociateIamInstanceProfile(t.Context(), &ec2.AssociateIamInstanceProfileInput{InstanceId: id, IamInstanceProfile: profile("b")})
	if got := code(t, err); got != "IncorrectState" {
		t.Errorf("a second profile: %q", got)
	}
	second, err := client.ReplaceIamInstanceProfileAssociation(t.Context(), &ec2.ReplaceIamInstanceProfileAssociationInput{
		AssociationId: first.IamInstanceProfileAssociation.AssociationId, IamInstanceProfile: profile("b"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := arn(); got != "arn:aws:iam::123456789012:instance-profile/b" {
		t.Errorf("after the replacement: %q", got)
	}
	_, err = client.DisassociateIamInstanceProfile(t.Context(), &ec2.DisassociateIamInstanceProfileInput{
		AssociationId: second.IamInstanceProfileAssociation.AssociationId,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := arn(); got != "" {
		t.Errorf("after the end: %q", got)
	}
}

// TestTerminateInstances_protection is the rule of the API's document: what is
// protected keeps the others of its zone alive.
func TestTerminateInstances_protection(t *testing.T) {
	_, client := start(t, lab.Options{})
	zone := func(name string) launching {
		return func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: &name} }
	}
	protected := *launch(t, client, 1, zone("us-east-1a"), func(in *ec2.RunInstancesInput) {
		in.DisableApiTermination = aws.Bool(true)
	})[0].InstanceId
	beside, elsewhere := *launch(t, client, 1, zone("us-east-1a"))[0].InstanceId, *launch(t, client, 1, zone("us-east-1b"))[0].InstanceId

	_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{protected, beside, elsewhere}})

	if got := code(t, err); got != "OperationNotPermitted" {
		t.Errorf("answer %q", got)
	}
	for id, want := range map[string]types.InstanceStateName{
		protected: types.InstanceStateNameRunning, beside: types.InstanceStateNameRunning, elsewhere: types.InstanceStateNameTerminated,
	} {
		if got := describe(t, client, id)[0].State.Name; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}

func TestTerminateInstances_allOrNone(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId

	_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id, "i-0123456789abcdef0"}})

	if got := code(t, err); got != "InvalidInstanceID.NotFound" {
		t.Errorf("answer %q", got)
	}
	if got := describe(t, client, id)[0].State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("the one that is there is %s", got)
	}
}

func TestTerminatedInstances_areSeenForAnHour(t *testing.T) {
	bubble(t, nil, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		ids := idsOf(launch(t, client, 2, volume("/dev/sdb", types.EbsBlockDevice{
			VolumeSize: aws.Int32(1), VolumeType: types.VolumeTypeGp3, DeleteOnTermination: aws.Bool(false),
		})))
		if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
			t.Fatal(err)
		}
		<-time.After(59 * time.Minute)
		if got := len(describe(t, client)); got != 2 {
			t.Errorf("%d instances after 59 minutes, want 2", got)
		}
		<-time.After(2 * time.Minute)
		if got := len(describe(t, client)); got != 0 {
			t.Errorf("%d instances after an hour, want none", got)
		}
		if instances, volumes := countLeftovers(inside, "instance"), countLeftovers(inside, "volume"); instances != 0 || volumes != 2 {
			t.Errorf("left are %d instances and %d volumes, want the 2 volumes that outlive them", instances, volumes)
		}
		synctest.Wait()
	})
}

func TestKeyPairs(t *testing.T) {
	_, client := start(t, lab.Options{})
	material := []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIvkU1NSYlvEJdBg7Fq0u0fLQzY5hI1b3m0Vn2yqvQeT me")
	if _, err := client.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("me"), PublicKeyMaterial: material}); err != nil {
		t.Fatal(err)
	}
	made := launch(t, client, 1, func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("me") })
	if aws.ToString(made[0].KeyName) != "me" {
		t.Errorf("key %q", aws.ToString(made[0].KeyName))
	}
	if _, err := client.DeleteKeyPair(t.Context(), &ec2.DeleteKeyPairInput{KeyName: aws.String("me")}); err != nil {
		t.Fatal(err)
	}
	out, err := client.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{})
	if err != nil || len(out.KeyPairs) != 0 {
		t.Errorf("%d key pairs are left, %v", len(out.KeyPairs), err)
	}
}

// BenchmarkThousand is the lab's own work for a thousand instances, without the SDK's:
// a launch, a description and a termination.
func BenchmarkThousand(b *testing.B) {
	inside, err := lab.New(lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ask := func(form url.Values) string {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1/", strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request")
		recorder := httptest.NewRecorder()
		inside.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Body.String())
		}
		return recorder.Body.String()
	}
	image := between(ask(url.Values{
		"Action": {"DescribeImages"}, "Owner.1": {"amazon"}, "Filter.1.Name": {"architecture"}, "Filter.1.Value.1": {"x86_64"},
	}), "<imageId>", "</imageId>")[0]
	for b.Loop() {
		made := ask(url.Values{
			"Action": {"RunInstances"}, "ImageId": {image}, "InstanceType": {"t3.micro"}, "MinCount": {"1000"}, "MaxCount": {"1000"},
		})
		ask(url.Values{"Action": {"DescribeInstances"}, "Filter.1.Name": {"instance-state-name"}, "Filter.1.Value.1": {"running"}})
		ending := url.Values{"Action": {"TerminateInstances"}}
		for i, id := range between(made, "<instanceId>", "</instanceId>") {
			ending.Set(fmt.Sprintf("InstanceId.%d", i+1), id)
		}
		ask(ending)
	}
}

// between returns every text between two marks.
func between(text, begin, end string) []string {
	var found []string
	for _, part := range strings.Split(text, begin)[1:] {
		inside, _, _ := strings.Cut(part, end)
		found = append(found, inside)
	}
	return found
}
