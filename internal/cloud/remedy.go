package cloud

import (
	"errors"
	"fmt"
	"strings"
)

// Remedy says what lifts a refusal of class Denied, in words that "then run terraform apply
// again" can follow; "" for all other errors. Not each refusal lacks a permission: some are
// settings of the account, and some are about the credentials.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func Remedy(err error) string {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Class != Denied {
		return ""
	}
	switch refused.Code {
	case CodeNotPermitted:
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
		if strings.Contains(strings.ToLower(refused.Message), "block public access") {
			return fmt.Sprintf("share it with nobody in public, or let the account do so (aws ec2 disable-image-block-public-access --region %s)", refused.Region)
		}
		return "change what AWS names, which is a setting and no permission"
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return "get new credentials"
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "MissingAuthenticationToken":
		return "see that the credentials are whole and still there"
	case "OptInRequired":
		return "subscribe to what AWS names"
	case "PendingVerification":
		return "wait until AWS has verified the account"
	case "Blocked":
		return "ask AWS Support to unblock the account"
	}
	return "give whoever runs Terraform the permission that is missing"
}
