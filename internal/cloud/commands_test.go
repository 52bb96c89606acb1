package cloud

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestRegion_agent(t *testing.T) {
	there := true
	region, _ := overWire(t, func(request) (int, string) {
		if !there {
			return http.StatusOK, `{"InstanceInformationList": []}`
		}
		return http.StatusOK, `{"InstanceInformationList": [{"InstanceId": "i-1", "PingStatus": "Online", "AgentVersion": "3.3", "PlatformType": "Linux"}]}`
	})
	got, err := region.Agent(t.Context(), "i-1")
	if diff := cmp.Diff(Agent{Ping: "Online", Version: "3.3", Platform: "Linux"}, got); diff != "" || err != nil || !got.Online() {
		t.Errorf("error %v, agent (-want +got):\n%s", err, diff)
	}
	there = false
	if got, err := region.Agent(t.Context(), "i-1"); got.Online() || err != nil {
		t.Errorf("without an agent: %+v, %v", got, err)
	}
}

// A machine that is not back yet from a restart is waited for; a command that is not
// visible yet is pending.
func TestRegion_SendCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		region, w := overWire(t, func(r request) (int, string) {
			if r.action == "GetCommandInvocation" {
				return http.StatusBadRequest, `{"__type": "InvocationDoesNotExist"}`
			}
			if tries++; tries < 3 {
				return http.StatusBadRequest, `{"__type": "InvalidInstanceId", "message": "Instances not in a valid state for account"}`
			}
			return http.StatusOK, `{"Command": {"CommandId": "c-1"}}`
		})
		id, err := region.SendCommand(t.Context(), Command{InstanceID: "i-1", Document: DocumentShell, Lines: []string{"true"}, Comment: "stamp"})
		if id != "c-1" || err != nil || len(w.sent("SendCommand")) != 3 {
			t.Errorf("got %q, %v after %d calls", id, err, len(w.sent("SendCommand")))
		}
		if result, err := region.CommandResult(t.Context(), "c-1", "i-1"); result.State != CommandPending || err != nil {
			t.Errorf("got %+v, %v", result, err)
		}
	})
}

func TestRegion_Explain(t *testing.T) {
	const decoded = `{"allowed":false,"explicitDeny":%s,"context":{"principal":{"arn":"arn:aws:iam::1:user/ci"},"action":"ec2:RunInstances","resource":"arn:aws:ec2:us-east-1:1:subnet/subnet-1"}}`
	const may = "arn:aws:iam::1:user/ci may not do ec2:RunInstances on arn:aws:ec2:us-east-1:1:subnet/subnet-1: "
	denied := func(message string) error {
		return &Error{Class: Denied, Code: CodeUnauthorized, Message: message}
	}
	for name, test := range map[string]struct {
		err    error
		answer string
		want   string
	}{
		"no policy":      {denied("Not authorized. Encoded authorization failure message: aB3_-x"), `false`, may + "no policy allows it"},
		"a policy":       {denied("Encoded authorization failure message: aB3_-x"), `true`, may + "a policy denies it"},
		"not encoded":    {denied("Not authorized."), `true`, ""},
		"may not decode": {denied("Encoded authorization failure message: aB3_-x"), "", ""},
		"something else": {&Error{Class: Quota, Message: "Encoded authorization failure message: aB3_-x"}, `true`, ""},
		"no error":       {nil, `true`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			region, _ := overWire(t, func(r request) (int, string) {
				if test.answer == "" {
					return http.StatusForbidden, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
				}
				if got := r.form.Get("EncodedMessage"); got != "aB3_-x" {
					t.Errorf("asked for %q", got)
				}
				message := strings.Replace(decoded, "%s", test.answer, 1)
				return http.StatusOK, `<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult><DecodedMessage>` +
					message + `</DecodedMessage></DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>`
			})
			if got := region.Explain(t.Context(), test.err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
