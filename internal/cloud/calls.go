package cloud

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Call is one attempt of one call, for a log. What was sent and what came back are not in
// it: there are user data and secrets among them.
type Call struct {
	// Service and Action are AWS's names: "EC2", "RunInstances".
	Service, Action string
	Region          string
	// RequestID is AWS's; empty when no answer came.
	RequestID string
	// Attempt is 1 for the first, and higher when the SDK asks again.
	Attempt int
	Took    time.Duration
	// Status is the answer's HTTP status; zero when no answer came.
	Status int
	// Code is AWS's error code; empty when the call went well, or when no answer came.
	Code string
	// Err says in words why no answer came.
	Err string
}

// callLog hears of each attempt of each call.
type callLog func(context.Context, Call)

// install puts the log inside the SDK's retry loop. A request that is only signed, and not
// sent, has none, and is not a call.
func (l callLog) install(stack *smithymiddleware.Stack) error {
	if _, sent := stack.Finalize.Get(retryStep); !sent {
		return nil
	}
	return stack.Finalize.Insert(smithymiddleware.FinalizeMiddlewareFunc("StampCalls", l.hear), retryStep, smithymiddleware.After)
}

// retryStep is the name of the SDK's retry loop.
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/aws/retry#Attempt.ID
const retryStep = "Retry"

func (l callLog) hear(
	ctx context.Context, in smithymiddleware.FinalizeInput, next smithymiddleware.FinalizeHandler,
) (smithymiddleware.FinalizeOutput, smithymiddleware.Metadata, error) {
	begun := time.Now()
	out, metadata, err := next.HandleFinalize(ctx, in)
	call := Call{
		Service: middleware.GetServiceID(ctx), Action: middleware.GetOperationName(ctx), Region: middleware.GetRegion(ctx),
		Attempt: attemptOf(in.Request), Took: time.Since(begun),
	}
	call.RequestID, _ = middleware.GetRequestIDMetadata(metadata)
	if response, ok := middleware.GetRawResponse(metadata).(*smithyhttp.Response); ok && response.Response != nil {
		call.Status = response.StatusCode
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		call.RequestID, call.Status = answer.RequestID, answer.HTTPStatusCode()
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		call.Code = report.Clean(answer.ErrorCode())
	} else if err != nil {
		call.Err = report.Clean(err.Error())
	}
	l(ctx, call)
	return out, metadata, err
}

// attemptOf reads the number of the attempt from what the SDK tells AWS of it, like
// "attempt=2; max=25".
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func attemptOf(request any) int {
	sent, ok := request.(*smithyhttp.Request)
	if !ok {
		return 1
	}
	first, _, _ := strings.Cut(sent.Header.Get("Amz-Sdk-Request"), ";")
	number, err := strconv.Atoi(strings.TrimPrefix(first, "attempt="))
	if err != nil {
		return 1
	}
	return number
}
