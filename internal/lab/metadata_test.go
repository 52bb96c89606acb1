package lab_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// metadataOf holds the metadata services of guests, by instance.
type metadataOf struct{ byID sync.Map }

// host is one whose guests do nothing but leave their metadata service here.
func (m *metadataOf) host() *guests.Scripted {
	return &guests.Scripted{Boot: func(spec guests.Spec, machine *guests.Machine) {
		m.byID.Store(spec.InstanceID, spec.Metadata)
		<-machine.Context().Done()
	}}
}

// of is one instance's.
func (m *metadataOf) of(t *testing.T, id string) http.Handler {
	t.Helper()
	found, _ := m.byID.Load(id)
	service, ok := found.(http.Handler)
	if !ok {
		t.Fatalf("%s has not booted", id)
	}
	return service
}

// asked asks a service for a path below /latest/, with a new token, and demands an answer.
func asked(t *testing.T, service http.Handler, path string) string {
	t.Helper()
	ask := asGuest(t, service)
	_, token := ask(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
	status, body := ask(http.MethodGet, "/latest/"+path, map[string]string{"X-aws-ec2-metadata-token": token})
	if status != http.StatusOK {
		t.Fatalf("%s: %d", path, status)
	}
	return body
}

func TestMetadata_tokens(t *testing.T) {
	services := &metadataOf{}
	bubble(t, services.host(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		ids := idsOf(launch(t, client, 2))
		synctest.Wait()
		ask, other := asGuest(t, services.of(t, ids[0])), asGuest(t, services.of(t, ids[1]))
		with := func(token string) map[string]string { return map[string]string{"X-aws-ec2-metadata-token": token} }
		_, token := ask(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
		for name, c := range map[string]struct {
			ask          func(string, string, map[string]string) (int, string)
			method, path string
			headers      map[string]string
			status       int
		}{
			"its own":         {ask, http.MethodGet, "/latest/meta-data/instance-id", with(token), http.StatusOK},
			"another's":       {other, http.MethodGet, "/latest/meta-data/instance-id", with(token), http.StatusUnauthorized},
			"none":            {ask, http.MethodGet, "/latest/meta-data/instance-id", nil, http.StatusUnauthorized},
			"through a proxy": {ask, http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60", "X-Forwarded-For": "10.0.0.1"}, http.StatusForbidden},
			"too long":        {ask, http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "21601"}, http.StatusBadRequest},
			"other method":    {ask, http.MethodPost, "/latest/meta-data/", with(token), http.StatusMethodNotAllowed},
			"not there":       {ask, http.MethodGet, "/latest/meta-data/spot/instance-action", with(token), http.StatusNotFound},
		} {
			if status, _ := c.ask(c.method, c.path, c.headers); status != c.status {
				t.Errorf("%s: %d, want %d", name, status, c.status)
			}
		}
		<-time.After(time.Minute)
		if status, _ := ask(http.MethodGet, "/latest/meta-data/instance-id", with(token)); status != http.StatusUnauthorized {
			t.Errorf("an old token: %d, want 401", status)
		}
		_, err := client.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
			InstanceId: &ids[0], HttpTokens: types.HttpTokensStateOptional, HttpPutResponseHopLimit: aws.Int32(1),
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, body := ask(http.MethodGet, "/2021-07-15/meta-data/instance-id", nil); status != http.StatusOK || body != ids[0] {
			t.Errorf("tokens being optional: %d %q", status, body)
		}
		_, err = client.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
			InstanceId: &ids[0], HttpEndpoint: types.InstanceMetadataEndpointStateDisabled,
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := ask(http.MethodGet, "/latest/meta-data/instance-id", nil); status != http.StatusForbidden {
			t.Errorf("switched off: %d, want 403", status)
		}
	})
}

// roleDocument is what the service says about the instance's role.
type roleDocument struct {
	Code, Type, AccessKeyId, SecretAccessKey, Token, InstanceProfileArn string //nolint:revive // the names are AWS's
	Expiration                                                          time.Time
}

func readRole(t *testing.T, text string) roleDocument {
	t.Helper()
	var read roleDocument
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return read
}

func TestMetadata_role(t *testing.T) {
	services := &metadataOf{}
	labtest.Bubble(t, lab.Options{Guests: services.host()}, func(t *testing.T, _ *lab.Lab, transport *http.Client) {
		client := ec2.NewFromConfig(config(labtest.Endpoint, "us-east-1", transport))
		id := *launch(t, client, 1, func(in *ec2.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("web")}
		})[0].InstanceId
		synctest.Wait()
		service := services.of(t, id)
		if info := readRole(t, asked(t, service, "meta-data/iam/info")); info.Code != "Success" || !strings.HasSuffix(info.InstanceProfileArn, ":instance-profile/web") {
			t.Errorf("iam/info: %+v", info)
		}
		if names := asked(t, service, "meta-data/iam/security-credentials/"); names != "web" {
			t.Errorf("roles: %q, want web", names)
		}
		first := readRole(t, asked(t, service, "meta-data/iam/security-credentials/web"))
		again := readRole(t, asked(t, service, "meta-data/iam/security-credentials/web"))
		if !strings.HasPrefix(first.AccessKeyId, "ASIA") || len(first.SecretAccessKey) != 40 || first.Token == "" || first.Type != "AWS-HMAC" || first != again {
			t.Errorf("credentials: %+v, then %+v", first, again)
		}
		signer := config(labtest.Endpoint, "us-east-1", transport)
		signer.Credentials = credentials.NewStaticCredentialsProvider(first.AccessKeyId, first.SecretAccessKey, first.Token)
		who, err := sts.NewFromConfig(signer).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(*who.Arn, ":assumed-role/web/"+id) || !strings.HasSuffix(*who.UserId, ":"+id) {
			t.Errorf("who signs with them is %s, %s", *who.Arn, *who.UserId)
		}
		<-time.After(5*time.Hour + 30*time.Minute)
		renewed := readRole(t, asked(t, service, "meta-data/iam/security-credentials/web"))
		if renewed.AccessKeyId == first.AccessKeyId || !renewed.Expiration.After(first.Expiration) {
			t.Errorf("half an hour before their end the credentials are still %+v", renewed)
		}
	})
}

func TestMetadata_tagKeysHaveAnAddress(t *testing.T) {
	_, client := start(t, lab.Options{})
	shown := func(in *ec2.RunInstancesInput) {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled}
	}
	image := baseImage(t, client, "x86_64")
	for _, key := range []string{"a b", "kubernetes.io/cluster/x", "_index", ".."} {
		if _, err := client.RunInstances(t.Context(), launchInput(image, 1, shown, tagged(key, "x"))); code(t, err) != "InvalidParameterValue" {
			t.Errorf("launching with %q: %v", key, err)
		}
	}
	shows := *launch(t, client, 1, shown, tagged("stamp:fleet", "web"))[0].InstanceId
	hides := *launch(t, client, 1, tagged("a b", "x"))[0].InstanceId
	_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{hides, shows}, Tags: pageTags([]string{"c/d", "x"})})
	if code(t, err) != "InvalidParameterValue" {
		t.Errorf("tagging: %v", err)
	}
	if tags := describe(t, client, hides)[0].Tags; len(tags) != 1 {
		t.Errorf("a refused call has tagged: %v", tags)
	}
	_, err = client.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId: &hides, InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled,
	})
	if code(t, err) != "InvalidParameterValue" {
		t.Errorf("showing tags: %v", err)
	}
}

// TestMetadata_asksForNoIDs holds that what guests ask for does not change what is
// made next: a run with the same seed must be the same.
func TestMetadata_asksForNoIDs(t *testing.T) {
	var next [2]string
	for run := range next {
		services := &metadataOf{}
		bubble(t, services.host(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
			id := *launch(t, client, 1, func(in *ec2.RunInstancesInput) {
				in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("web")}
			})[0].InstanceId
			synctest.Wait()
			for range run {
				asked(t, services.of(t, id), "meta-data/iam/info")
			}
			next[run] = *launch(t, client, 1)[0].InstanceId
		})
	}
	if next[0] != next[1] {
		t.Errorf("the next instance is %s, or %s after a guest has asked for its metadata", next[0], next[1])
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/describe-keys.html#retrieving-the-public-key-instance
func TestMetadata_publicKey(t *testing.T) {
	services := &metadataOf{}
	labtest.Bubble(t, lab.Options{Guests: services.host()}, func(t *testing.T, _ *lab.Lab, transport *http.Client) {
		client := ec2.NewFromConfig(config(labtest.Endpoint, "us-east-1", transport))
		const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJha2VrZXliYWtla2V5YmFrZWtleWJha2VrZXk= bake"
		if _, err := client.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("mine"), PublicKeyMaterial: []byte(key)}); err != nil {
			t.Fatal(err)
		}
		id := *launch(t, client, 1, func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("mine") })[0].InstanceId
		synctest.Wait()
		service := services.of(t, id)
		for path, want := range map[string]string{
			"meta-data/public-keys/": "0=mine", "meta-data/public-keys/0/": "openssh-key", "meta-data/public-keys/0/openssh-key": key + "\n",
		} {
			if got := asked(t, service, path); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
	})
}
