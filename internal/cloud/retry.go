package cloud

import (
	"encoding/xml"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// classRetryer lets the classes decide where they know better than the SDK whether
// the same request may do better in a moment. EC2 reports an empty pool as a server
// error, for instance: the SDK would ask for minutes for what another pool has.
type classRetryer struct{ aws.RetryerV2 }

// IsErrorRetryable goes by the class of the error's code, and leaves codes that have
// none to the SDK. An answer that breaks off is worth as much as a connection that was
// cut before it, which the SDK asks again for; it does not for this one.
func (r classRetryer) IsErrorRetryable(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return torn(err) || r.RetryerV2.IsErrorRetryable(err)
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

// torn reports whether an answer ended before its time. What was decoded to the end is
// whole: another fault in it would be there again.
func torn(err error) bool {
	if _, reading := errors.AsType[*smithy.DeserializationError](err); !reading {
		return false
	}
	broken, ok := errors.AsType[*xml.SyntaxError](err)
	return errors.Is(err, io.ErrUnexpectedEOF) || ok && broken.Msg == "unexpected EOF"
}
