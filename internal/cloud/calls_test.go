package cloud

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each attempt is told once: one that is throttled, one that is cut off, and the last.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []Call
		answers := []func(r request) (int, string){
			func(request) (int, string) {
				return refusal(http.StatusServiceUnavailable, "RequestLimitExceeded", "slow down, hunter2")
			},
			func(request) (int, string) { return 0, "" },
			func(r request) (int, string) { <-time.After(time.Second); return ok(r.action, "") },
		}
		region, w := loggedWire(t, func(_ context.Context, call Call) { calls = append(calls, call) }, func(r request) (int, string) {
			answer := answers[0]
			answers = answers[1:]
			return answer(r)
		})
		if _, err := region.RunInstances(t.Context(), Launch{MinCount: 1, MaxCount: 1, UserData: []byte("hunter2")}); err != nil {
			t.Fatal(err)
		}
		if sent := len(w.sent("RunInstances")); sent != len(calls) || sent != 3 {
			t.Fatalf("%d calls were sent and %d told, want 3", sent, len(calls))
		}
		if !strings.Contains(calls[1].Err, "connection reset by peer") {
			t.Errorf("of the cut it says %q", calls[1].Err)
		}
		calls[1].Err = ""
		of := Call{Service: "EC2", Action: "RunInstances", Region: "us-east-1"}
		throttled, cut, last := of, of, of
		throttled.Attempt, throttled.Status, throttled.Code, throttled.RequestID = 1, http.StatusServiceUnavailable, "RequestLimitExceeded", "req-1"
		cut.Attempt = 2
		last.Attempt, last.Status, last.RequestID, last.Took = 3, http.StatusOK, "req-1", time.Second
		if diff := cmp.Diff([]Call{throttled, cut, last}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// A URL that is only signed is no call, and signing goes on.
func TestCalls_notWhatIsOnlySigned(t *testing.T) {
	region, _ := loggedWire(t, func(_ context.Context, call Call) { t.Errorf("told: %+v", call) }, func(request) (int, string) { return http.StatusOK, "" })
	url, err := region.PresignObject(t.Context(), Bucket{Name: "b"}, "k", time.Minute)
	if err != nil || !strings.Contains(url, "X-Amz-Signature") {
		t.Errorf("got %q, %v", url, err)
	}
}
