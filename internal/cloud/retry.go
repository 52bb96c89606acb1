package cloud

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// classRetryer lets the classes decide where they know better than the SDK whether
// the same request may do better in a moment. EC2 reports an empty pool as a server
// error, for instance: the SDK would ask for minutes for what another pool has.
type classRetryer struct{ aws.RetryerV2 }

// IsErrorRetryable goes by the class of the error's code, and leaves codes that have
// none to the SDK.
func (r classRetryer) IsErrorRetryable(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return r.RetryerV2.IsErrorRetryable(err)
	}
	switch class, known := classOfCode(answer.ErrorCode()); {
	case known && class == Throttle:
		return true
	case known && class != Unclear:
		return false
	default:
		return r.RetryerV2.IsErrorRetryable(err)
	}
}
