package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// encodedMessage finds what EC2 puts behind a refusal, for those who may decode it.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
var encodedMessage = regexp.MustCompile(`Encoded authorization failure message: ([A-Za-z0-9_+/=-]+)`)

// Explain says in words what an encoded refusal in the error's chain holds, where the
// caller may decode it (sts:DecodeAuthorizationMessage); otherwise, and for all other
// errors, it returns "".
func (r *Region) Explain(ctx context.Context, err error) string {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Class != Denied {
		return ""
	}
	found := encodedMessage.FindStringSubmatch(refused.Message)
	if found == nil {
		return ""
	}
	out, err := call(ctx, r.name, "DecodeAuthorizationMessage", r.sts.decodeAuthorization,
		&sts.DecodeAuthorizationMessageInput{EncodedMessage: &found[1]})
	if err != nil {
		return ""
	}
	return inWords(aws.ToString(out.DecodedMessage))
}

// inWords puts a decoded message into words.
func inWords(decoded string) string {
	var message struct {
		ExplicitDeny bool `json:"explicitDeny"`
		Context      struct {
			Principal struct {
				ARN string `json:"arn"`
			} `json:"principal"`
			Action   string `json:"action"`
			Resource string `json:"resource"`
		} `json:"context"`
	}
	if err := json.Unmarshal([]byte(decoded), &message); err != nil || message.Context.Action == "" {
		return strings.TrimSpace(decoded)
	}
	why := "no policy allows it"
	if message.ExplicitDeny {
		why = "a policy denies it"
	}
	return fmt.Sprintf("%s may not do %s on %s: %s", message.Context.Principal.ARN, message.Context.Action, message.Context.Resource, why)
}
