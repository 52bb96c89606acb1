package lab

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// slow is weather in which agents and commands take their time.
var slow = weather{times: map[transition]spread{
	toRegister: {time.Minute, time.Minute, time.Minute}, toAppear: {2 * time.Second, 2 * time.Second, 2 * time.Second},
	toDeliver: {5 * time.Second, 5 * time.Second, 5 * time.Second},
}}

// say makes a Systems Manager request and returns the status and the answer.
func say(t *testing.T, l *Lab, action, body string) (int, map[string]any) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1/", strings.NewReader(body))
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ssm/aws4_request")
	request.Header.Set("X-Amz-Target", "AmazonSSM."+action)
	recorder := httptest.NewRecorder()
	l.ServeHTTP(recorder, request)
	answer := map[string]any{}
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v in %s", action, err, recorder.Body)
	}
	return recorder.Code, answer
}

// TestPace_ofAgentsAndCommands: an agent comes up after the boot; a command can be
// seen some time after the sending, and begins later still.
func TestPace_ofAgentsAndCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Options{Guests: &guests.Scripted{}})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		l.weather = slow
		l.mu.Lock()
		r, _ := l.account(homeID).region("us-east-1")
		image := r.parameters["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"].latest().value
		l.mu.Unlock()
		form := url.Values{
			"Action": {"RunInstances"}, "ImageId": {image}, "InstanceType": {"t3.small"}, "MinCount": {"1"}, "MaxCount": {"1"},
			"IamInstanceProfile.Name": {"bake"},
		}
		launch := httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1/", strings.NewReader(form.Encode()))
		launch.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request")
		launch.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		l.ServeHTTP(httptest.NewRecorder(), launch)
		id := r.instances.all()[0].id

		send := `{"DocumentName": "AWS-RunShellScript", "InstanceIds": ["` + id + `"], "Parameters": {"commands": ["x"]}}`
		<-time.After(59 * time.Second)
		if _, answer := say(t, l, "SendCommand", send); answer["__type"] != "InvalidInstanceId" {
			t.Errorf("before the agent is there: %v", answer)
		}
		<-time.After(2 * time.Second)
		status, answer := say(t, l, "SendCommand", send)
		sent, _ := answer["Command"].(map[string]any)
		commandID, _ := sent["CommandId"].(string)
		if status != 200 || commandID == "" {
			t.Fatalf("with the agent there: %d %v", status, answer)
		}
		get := `{"CommandId": "` + commandID + `", "InstanceId": "` + id + `"}`
		if _, answer := say(t, l, "GetCommandInvocation", get); answer["__type"] != "InvocationDoesNotExist" {
			t.Errorf("right after the sending: %v", answer)
		}
		<-time.After(3 * time.Second)
		if _, answer := say(t, l, "GetCommandInvocation", get); answer["Status"] != "Pending" {
			t.Errorf("on its way: %v", answer)
		}
		<-time.After(3 * time.Second)
		say(t, l, "GetCommandInvocation", get)
		synctest.Wait()
		if _, answer := say(t, l, "GetCommandInvocation", get); answer["Status"] != "Success" {
			t.Errorf("later: %v", answer)
		}
	})
}
