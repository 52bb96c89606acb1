package fleet

import (
	"errors"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// errNoImage says that EC2 shows no such image: it is gone, or was never shared.
var errNoImage = errors.New("there is no such image for this account")

// advice is what to do about a cause before anything else; empty where the cause
// speaks for itself.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func advice(cause error, imageID string) string {
	if cause == nil {
		return ""
	}
	text := cause.Error()
	if protected, ok := errors.AsType[*ProtectedError](cause); ok {
		return "see who has protected it and why; if it is to end, take its termination protection off (aws ec2 modify-instance-attribute --no-disable-api-termination --instance-id " +
			protected.InstanceIDs[0] + "); then "
	}
	switch {
	case errors.Is(cause, errNoImage), cloud.HasCode(cause, cloud.CodeImageNotFound, cloud.CodeImageGone),
		strings.Contains(text, "Not authorized for images"):
		return "see that " + imageID + " is there and shared with this account (by its owner, in distribute.account_ids of a stamp_golden_image), or name another image; then "
	case strings.Contains(text, "Client.InternalError"):
		return "see that this account may use the KMS key that the image is encrypted with (its owner lets it, in the key's policy), which this reason mostly means; then "
	}
	return ""
}
