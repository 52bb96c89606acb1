package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// limits are what is expected of whoever answers. The SDK limits the time for a connection
// (30 s) and for TLS (10 s); what comes after that may take for ever where a firewall drops
// packets, and an answer may have any size.
type limits struct {
	// header is how long an answer may take to begin, once the request is sent.
	header time.Duration
	// pause is how long it may stop in its middle.
	pause time.Duration
	// size is how long it may be.
	size int64
}

// answers are the limits of AWS's answers. The slowest calls begin to answer within half a
// minute, and a page of 1,000 instances with all their tags has some 10 MB.
var answers = limits{header: 90 * time.Second, pause: 90 * time.Second, size: 32 << 20}

// credentialsWithin is how long it may take to find credentials: roles are assumed by a
// client of aws-sdk-go-base's own.
const credentialsWithin = 5 * time.Minute

// guard puts limits around a client.
func (l limits) guard(client aws.HTTPClient) aws.HTTPClient {
	if buildable, ok := client.(*awshttp.BuildableClient); ok {
		client = buildable.WithTransportOptions(func(transport *http.Transport) { transport.ResponseHeaderTimeout = l.header })
	}
	return &guardedClient{limits: l, client: client}
}

// guardedClient hands out answers that end.
type guardedClient struct {
	limits
	client aws.HTTPClient
}

// Do makes a request.
func (c *guardedClient) Do(request *http.Request) (*http.Response, error) {
	response, err := c.client.Do(request)
	if err != nil || response.Body == nil || response.Body == http.NoBody {
		return response, err
	}
	response.Body = &guardedBody{body: response.Body, limits: c.limits, left: c.size}
	return response, nil
}

// guardedBody is an answer that is neither too long nor too slow.
type guardedBody struct {
	limits
	body io.ReadCloser
	left int64
}

// Read reads on, unless the answer is too long, or nothing comes for too long. The clock
// runs while it is waited for, and not while it is put to use.
func (b *guardedBody) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, &AnswerTooLargeError{b.size}
	}
	timer := time.AfterFunc(b.pause, func() { _ = b.body.Close() })
	n, err := b.body.Read(into)
	late := !timer.Stop()
	if b.left -= int64(n); b.left < 0 {
		return n + int(b.left), &AnswerTooLargeError{b.size}
	}
	if late && err != nil && !errors.Is(err, io.EOF) {
		return n, &answerStoppedError{b.pause}
	}
	return n, err
}

// Close ends the answer.
func (b *guardedBody) Close() error { return b.body.Close() }

// AnswerTooLargeError says that an answer is longer than any of AWS's.
type AnswerTooLargeError struct{ size int64 }

// Error says what to look at.
func (e *AnswerTooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB, which no answer of AWS is: look at what is between here and AWS (a proxy, an endpoint of your own)", e.size>>20)
}

// answerStoppedError says that an answer has stopped in its middle.
type answerStoppedError struct{ pause time.Duration }

// Error says for how long.
func (e *answerStoppedError) Error() string {
	return fmt.Sprintf("the answer stopped in its middle, and nothing more came for %s", e.pause)
}

// Unwrap makes it an answer that broke off, which is asked for again.
func (e *answerStoppedError) Unwrap() error { return io.ErrUnexpectedEOF }

// findCredentials bounds what is done before there is a client of ours.
func findCredentials(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, credentialsWithin,
		fmt.Errorf("no credentials within %s: is the network there, and does STS answer?", credentialsWithin))
}
