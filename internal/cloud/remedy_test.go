package cloud

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A permission is asked for only where one is missing.
func TestRemedy(t *testing.T) {
	const permission = "the permission that is missing"
	for code, want := range map[string]string{
		CodeUnauthorized: permission, "AccessDeniedException": permission, "AuthFailure": permission, "ExpiredToken": "new credentials",
		"SignatureDoesNotMatch": "the credentials are whole", CodeNotPermitted: "no permission", "PendingVerification": "verified",
	} {
		class, _ := classOfCode(code)
		err := fmt.Errorf("launching: %w", &Error{Class: class, Code: code, Region: "eu-west-1"})
		if got := Remedy(err); !strings.Contains(got, want) || want != permission && strings.Contains(got, permission) {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	public := &Error{Class: Denied, Code: CodeNotPermitted, Region: "eu-west-1", Message: "You can't publicly share this image because Block Public Access for AMIs is enabled"}
	if got := Remedy(public); !strings.Contains(got, "aws ec2 disable-image-block-public-access --region eu-west-1") {
		t.Errorf("got %q", got)
	}
	for _, err := range []error{nil, errors.New("other"), &Error{Class: Quota, Code: "VcpuLimitExceeded"}} {
		if got := Remedy(err); got != "" {
			t.Errorf("%v: %q, want nothing", err, got)
		}
	}
}
