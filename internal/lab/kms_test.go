package lab_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// kms makes a request of the key service and returns the answer, or the error's code.
func kms(t *testing.T, server *labtest.Server, action, body string) (map[string]any, string) {
	t.Helper()
	return kmsAs(t, server, "lab", action, body)
}

// kmsAs is kms with another access key.
func kmsAs(t *testing.T, server *labtest.Server, accessKey, action, body string) (map[string]any, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+accessKey+"/20260101/us-east-1/kms/aws4_request")
	request.Header.Set("X-Amz-Target", "TrentService."+action)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %v in %q", action, err, text)
	}
	failure, _ := answer["__type"].(string)
	return answer, failure
}

func keyOf(t *testing.T, answer map[string]any) map[string]any {
	t.Helper()
	key, ok := answer["KeyMetadata"].(map[string]any)
	if !ok {
		t.Fatalf("no key in %v", answer)
	}
	return key
}

func TestKMS_tellsAWSsKeysFromOnesOwn(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	answer, _ := kms(t, server, "DescribeKey", `{"KeyId": "alias/aws/ebs"}`)
	if key := keyOf(t, answer); key["KeyManager"] != "AWS" || key["KeyState"] != "Enabled" {
		t.Errorf("alias/aws/ebs is %v", key)
	}
	answer, _ = kms(t, server, "CreateKey", `{"Description": "golden", "Tags": [{"TagKey": "Team", "TagValue": "a"}]}`)
	own := keyOf(t, answer)
	if own["KeyManager"] != "CUSTOMER" {
		t.Errorf("one's own is %v", own)
	}
	id, _ := own["KeyId"].(string)
	arn, _ := own["Arn"].(string)
	if _, failure := kms(t, server, "CreateAlias", `{"AliasName": "alias/golden", "TargetKeyId": "`+id+`"}`); failure != "" {
		t.Fatal(failure)
	}
	for _, name := range []string{id, arn, "alias/golden", "arn:aws:kms:us-east-1:123456789012:alias/golden"} {
		answer, failure := kms(t, server, "DescribeKey", `{"KeyId": "`+name+`"}`)
		if failure != "" || keyOf(t, answer)["Arn"] != arn {
			t.Errorf("%s is %v, %s", name, answer, failure)
		}
	}
	if countLeftovers(server.Lab, "kms-key") != 1 || countLeftovers(server.Lab, "kms-alias") != 1 {
		t.Errorf("the books: %+v", server.Lab.Books().Leftovers)
	}
	deleted, failure := kms(t, server, "ScheduleKeyDeletion", `{"KeyId": "`+id+`", "PendingWindowInDays": 7}`)
	if failure != "" || deleted["KeyState"] != "PendingDeletion" {
		t.Errorf("the deletion: %v, %s", deleted, failure)
	}
	if left := server.Lab.Books().Leftovers; len(left) != 0 {
		t.Errorf("the books after the deletion: %+v", left)
	}
}

func TestKMS_refusals(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	for _, test := range []struct{ action, body, want string }{
		{"DescribeKey", `{"KeyId": "alias/none"}`, "NotFoundException"},
		{"DescribeKey", `{"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}`, "NotFoundException"},
		{"DescribeKey", `{}`, "ValidationException"},
		{"CreateKey", `{"KeySpec": "RSA_2048"}`, "ValidationException"},
		{"CreateKey", `{"Colour": "red"}`, "SerializationException"},
		{"CreateAlias", `{"AliasName": "golden", "TargetKeyId": "x"}`, "ValidationException"},
		{"CreateAlias", `{"AliasName": "alias/aws/mine", "TargetKeyId": "x"}`, "NotAuthorizedException"},
		{"CreateAlias", `{"AliasName": "alias/aws", "TargetKeyId": "alias/aws/ebs"}`, "ValidationException"},
		{"DeleteAlias", `{"AliasName": "alias/aws/ebs"}`, "NotFoundException"},
		{"ScheduleKeyDeletion", `{"KeyId": "x", "PendingWindowInDays": 6}`, "ValidationException"},
		{"Encrypt", `{"KeyId": "alias/aws/ebs"}`, "UnknownOperationException"},
	} {
		if _, got := kms(t, server, test.action, test.body); got != test.want {
			t.Errorf("%s %s: %q, want %s", test.action, test.body, got, test.want)
		}
	}
}

func TestKMS_listsAliasesInPages(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	first, _ := kms(t, server, "ListAliases", `{"Limit": 2}`)
	marker, _ := first["NextMarker"].(string)
	second, _ := kms(t, server, "ListAliases", `{"Limit": 2, "Marker": "`+marker+`"}`)
	var names []any
	for _, page := range []map[string]any{first, second} {
		aliases, _ := page["Aliases"].([]any)
		for _, alias := range aliases {
			entry, _ := alias.(map[string]any)
			names = append(names, entry["AliasName"])
		}
	}
	if diff := cmp.Diff([]any{"alias/aws/ebs", "alias/aws/s3", "alias/aws/ssm"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first["Truncated"] != true || second["Truncated"] != false {
		t.Errorf("truncated: %v, then %v", first["Truncated"], second["Truncated"])
	}
}
