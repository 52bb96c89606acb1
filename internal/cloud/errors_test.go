package cloud

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud/cloudtest"
)

// TestErrors_classes sees each answer through the SDK: how it is classed, and whether
// the SDK tried again by itself.
func TestErrors_classes(t *testing.T) {
	const once, again = 1, defaultMaxAttempts
	tests := []struct {
		status int
		code   string
		class  Class
		asked  int
	}{
		{503, "RequestLimitExceeded", Throttle, again},
		{400, "RequestLimitExceeded", Throttle, again},
		{400, "Throttling", Throttle, again},
		{400, "EC2ThrottledException", Throttle, again},
		{400, "ConcurrentTagAccess", Throttle, again},
		{500, "InsufficientInstanceCapacity", Capacity, once},
		{500, "InsufficientHostCapacity", Capacity, once},
		{400, "InsufficientReservedInstanceCapacity", Capacity, once},
		{400, "ReservationCapacityExceeded", Capacity, once},
		{400, "UnfulfillableCapacity", Capacity, once},
		{500, "InsufficientVolumeCapacity", Capacity, once},
		{400, "SpotMaxPriceTooLow", Capacity, once},
		{400, "Unsupported", Unsupported, once},
		{400, "InvalidParameterCombination", Unsupported, once},
		{400, "VcpuLimitExceeded", Quota, once},
		{400, "InstanceLimitExceeded", Quota, once},
		{400, "MaxSpotInstanceCountExceeded", Quota, once},
		{400, "MaxFleetCountExceeded", Quota, once},
		{400, "VolumeLimitExceeded", Quota, once},
		{400, "MaxIOPSLimitExceeded", Quota, once},
		{400, "InsufficientFreeAddressesInSubnet", Addresses, once},
		{400, "InvalidInstanceID.NotFound", NotFound, once},
		{400, "InvalidAMIID.NotFound", NotFound, once},
		{400, "InvalidAMIID.Unavailable", NotFound, once},
		{400, "InvalidSnapshot.NotFound", NotFound, once},
		{400, "InvalidSnapshot.InUse", InUse, once},
		{400, "DependencyViolation", InUse, once},
		{403, "UnauthorizedOperation", Denied, once},
		{401, "AuthFailure", Denied, once},
		{400, "ExpiredToken", Denied, once},
		{400, "IdempotentParameterMismatch", Fatal, once},
		{400, "InvalidAMIID.Malformed", Fatal, once},
		{400, "InvalidAMIName.Duplicate", Fatal, once},
		{500, "InternalError", Unclear, again},
		{503, "Unavailable", Unclear, again},
		{500, "NobodyKnows", Unclear, again},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			cloudtest.NoEnvironment(t)
			synctest.Test(t, func(t *testing.T) {
				region, w := overWire(t, func(request) (int, string) { return refusal(test.status, test.code, "AWS's own words") })

				_, err := region.DefaultSubnets(t.Context())

				if got := ClassOf(err); got != test.class {
					t.Errorf("class %q, want %q: %v", got, test.class, err)
				}
				if !HasCode(err, "other", test.code) || HasCode(err, "other") {
					t.Errorf("HasCode does not find %s alone in %v", test.code, err)
				}
				const want = "DescribeSubnets (us-east-1): "
				if got := err.Error(); got != want+test.code+": AWS's own words (request req-1)" {
					t.Errorf("it reads %q", got)
				}
				if got := len(w.sent("DescribeSubnets")); got != test.asked {
					t.Errorf("asked %d times, want %d", got, test.asked)
				}
			})
		})
	}
}

func TestErrors_withoutAnswer(t *testing.T) {
	tests := map[string]func(request) (int, string){
		"cut connection": func(request) (int, string) { return 0, "" },
		"cut answer":     func(request) (int, string) { return http.StatusOK, "<DescribeSubnetsResponse><subnetSet><item>" },
		"a proxy's page": func(request) (int, string) { return http.StatusBadGateway, "<html>Bad gateway</html>" },
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				region, _ := overWire(t, answer)
				if _, err := region.DefaultSubnets(t.Context()); ClassOf(err) != Unclear {
					t.Errorf("class %q, want unclear: %v", ClassOf(err), err)
				}
			})
		})
	}
}

// TestErrors_context holds that a cancelled call is told from one that failed.
func TestErrors_context(t *testing.T) {
	region, w := overWire(t, func(request) (int, string) { return ok("DescribeSubnets", "") })
	ctx, cancel := context.WithCancel(t.Context())
	w.answer = func(request) (int, string) {
		cancel()
		return refusal(503, "RequestLimitExceeded", "slowly")
	}
	_, err := region.DefaultSubnets(ctx)
	if _, wrapped := errors.AsType[*Error](err); !errors.Is(err, context.Canceled) || wrapped {
		t.Errorf("got %v, want the context's error as it is", err)
	}
}

func TestErrors_other(t *testing.T) {
	if got := wrap("RunInstances", "eu-west-1", nil); got != nil {
		t.Errorf("wrap made %v of nothing", got)
	}
	err := wrap("RunInstances", "eu-west-1", errors.New("no credentials"))
	if got := err.Error(); got != "RunInstances (eu-west-1): no credentials" || ClassOf(err) != Fatal {
		t.Errorf("got %q of class %q", got, ClassOf(err))
	}
	if got := ClassOf(errors.New("from elsewhere")); got != Fatal {
		t.Errorf("an error from elsewhere has class %q", got)
	}
	if HasCode(nil, CodeUnauthorized) {
		t.Error("nil has a code")
	}
}

// TestClasses_areKnown keeps typing mistakes out of the table.
func TestClasses_areKnown(t *testing.T) {
	known := []Class{Throttle, Capacity, Unsupported, Quota, Addresses, NotFound, InUse, Denied, Unclear}
	seen := map[Class]bool{}
	for code, class := range classes {
		if code == "" || code[0] < 'A' || code[0] > 'Z' {
			t.Errorf("%q is no code of AWS", code)
		}
		seen[class] = true
	}
	want := map[Class]bool{}
	for _, class := range known {
		want[class] = true
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("classes that codes have (-want +got):\n%s", diff)
	}
}

// Whoever answers in AWS's place writes no escape sequences on a terminal.
func TestError_isCleaned(t *testing.T) {
	for name, err := range map[string]error{
		"an answer": &Error{Action: "RunInstances", Region: "x", Code: "\x1b[2J", Message: "\x1b]0;PWNED\a\u009b\u202e", RequestID: "\r"},
		"none":      &Error{Action: "RunInstances", Region: "x", Err: errors.New("\x1b[2J")},
		"a reason":  errors.New(reason(&types.StateReason{Message: aws.String("Server.\x1b[2J")})),
	} {
		if text := err.Error(); strings.ContainsAny(text, "\x1b\a\r\u009b\u202e") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
