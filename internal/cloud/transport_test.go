package cloud

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// server answers as the test says; what waits in it ends with the test.
func server(t *testing.T, answer func(w http.ResponseWriter, done <-chan struct{})) string {
	t.Helper()
	done := make(chan struct{})
	serving := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, done) }))
	t.Cleanup(func() {
		close(done)
		serving.CloseClientConnections()
		serving.Close()
	})
	return serving.URL
}

func ask(t *testing.T, limits limits, url string) ([]byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := limits.guard(awshttp.NewBuildableClient()).Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

const short = 200 * time.Millisecond

// Where nothing comes, an error does.
func TestGuard_anAnswerThatDoesNotBegin(t *testing.T) {
	url := server(t, func(_ http.ResponseWriter, done <-chan struct{}) { <-done })
	_, err := ask(t, limits{header: short, pause: time.Minute, size: 1 << 20}, url)
	var late interface{ Timeout() bool }
	if !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("got %v, want a timeout, which the SDK tries again", err)
	}
}

func TestGuard_anAnswerThatStops(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, done <-chan struct{}) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-done
	})
	got, err := ask(t, limits{header: time.Minute, pause: short, size: 1 << 20}, url)
	if _, stopped := errors.AsType[*answerStoppedError](err); !stopped || !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "half" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestGuard_anAnswerWithoutEnd(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ <-chan struct{}) {
		for part := bytes.Repeat([]byte("x"), 1<<16); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	})
	got, err := ask(t, limits{header: time.Minute, pause: time.Minute, size: 1 << 20}, url)
	if _, large := errors.AsType[*AnswerTooLargeError](err); !large || len(got) != 1<<20 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// What fits is left as it is, to the last byte.
func TestGuard_anAnswerThatFits(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ <-chan struct{}) { _, _ = w.Write(make([]byte, 1000)) })
	if got, err := ask(t, limits{header: time.Minute, pause: time.Minute, size: 1000}, url); err != nil || len(got) != 1000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// All clients of an account are guarded, and a proxy that sends XML without end is an error
// that says so.
func TestNew_answersAreGuarded(t *testing.T) {
	// Only answers that were read to the limit count: now and then net/http hangs up at the
	// first bytes, since the SDK closes a request whose writing it has not seen end yet.
	var read atomic.Int32
	url := server(t, func(w http.ResponseWriter, _ <-chan struct{}) {
		_, _ = io.WriteString(w, `<?xml version="1.0"?><DescribeInstancesResponse><nextToken>`)
		part, written := bytes.Repeat([]byte("x"), 1<<16), int64(0)
		for {
			n, err := w.Write(part)
			if written += int64(n); err != nil {
				break
			}
		}
		if written >= answers.size {
			read.Add(1)
		}
	})
	account, _, err := New(t.Context(), Config{Region: "us-east-1", AccessKey: "AKIAEXAMPLE", SecretKey: "secret", Endpoints: map[string]string{"ec2": url}})
	if err != nil {
		t.Fatal(err)
	}
	guarded, ok := account.resolved.HTTPClient.(*guardedClient)
	if !ok {
		t.Fatalf("the client is a %T", account.resolved.HTTPClient)
	}
	client, ok := guarded.client.(*awshttp.BuildableClient)
	if !ok || client.GetTransport().ResponseHeaderTimeout != answers.header || client.GetDialer().Timeout == 0 {
		t.Errorf("a black hole keeps it for ever: %T", guarded.client)
	}
	region, err := account.Region("")
	if err != nil {
		t.Fatal(err)
	}
	_, err = region.Instances(t.Context(), InstanceQuery{})
	if _, large := errors.AsType[*AnswerTooLargeError](err); !large || read.Load() > 1 {
		t.Errorf("read %d times: %v", read.Load(), err)
	}
}
