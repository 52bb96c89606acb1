package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud/cloudtest"
)

// request is what arrived at AWS's end of the wire.
type request struct {
	url       string
	action    string
	form      url.Values
	accessKey string
	region    string
	userAgent string
}

// wire is an HTTP client that sends to nobody: it keeps each request and answers with
// a function. Without a network there are no goroutines of its own either, so that it
// works in a bubble of testing/synctest.
type wire struct {
	answer func(request) (status int, body string)

	mu       sync.Mutex
	requests []request
}

// credential is the part of an Authorization header that says whose key it is, and
// for which region the request is signed.
var credential = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/`)

// RoundTrip implements http.RoundTripper. Status zero cuts the connection.
func (w *wire) RoundTrip(from *http.Request) (*http.Response, error) {
	if err := from.Context().Err(); err != nil {
		return nil, err
	}
	got := request{url: from.URL.Scheme + "://" + from.URL.Host, userAgent: from.Header.Get("User-Agent")}
	if found := credential.FindStringSubmatch(from.Header.Get("Authorization")); found != nil {
		got.accessKey, got.region = found[1], found[2]
	}
	var body []byte
	if from.Body != nil {
		body, _ = io.ReadAll(from.Body)
	}
	if target := from.Header.Get("X-Amz-Target"); target != "" {
		_, got.action, _ = strings.Cut(target, ".")
		fields := map[string]any{}
		_ = json.Unmarshal(body, &fields)
		got.form = url.Values{}
		for name, value := range fields {
			got.form.Set(name, fmt.Sprint(value))
		}
	} else {
		got.form, _ = url.ParseQuery(string(body))
		got.action = got.form.Get("Action")
	}
	w.mu.Lock()
	w.requests = append(w.requests, got)
	w.mu.Unlock()
	status, text := w.answer(got)
	if status == 0 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"X-Amzn-Requestid": {"req-1"}}, Request: from,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

// sent returns the requests with that action, in order.
func (w *wire) sent(action string) []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.requests), func(r request) bool { return r.action != action })
}

// ok answers a request of EC2.
func ok(action, inside string) (int, string) {
	return http.StatusOK, fmt.Sprintf(`<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">`+
		`<requestId>req-1</requestId>%[2]s</%[1]sResponse>`, action, inside)
}

// refusal is an error of EC2.
func refusal(status int, code, message string) (int, string) {
	return status, fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors>`+
		`<RequestID>req-1</RequestID></Response>`, code, message)
}

// values returns the values of a list of EC2's query protocol: name.1, name.2 and so on.
func (r request) values(name string) []string {
	var all []string
	for i := 1; r.form.Has(fmt.Sprintf("%s.%d", name, i)); i++ {
		all = append(all, r.form.Get(fmt.Sprintf("%s.%d", name, i)))
	}
	return all
}

// filters returns the filters of a request, each as "name=value,value".
func (r request) filters() []string {
	var all []string
	for i := 1; r.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		prefix := fmt.Sprintf("Filter.%d", i)
		all = append(all, r.form.Get(prefix+".Name")+"="+strings.Join(r.values(prefix+".Value"), ","))
	}
	return all
}

// overWire returns a region whose requests the function answers.
func overWire(t *testing.T, answer func(request) (int, string)) (*Region, *wire) {
	t.Helper()
	return loggedWire(t, nil, answer)
}

// loggedWire is overWire with a log of the calls.
func loggedWire(t *testing.T, log func(context.Context, Call), answer func(request) (int, string)) (*Region, *wire) {
	t.Helper()
	cloudtest.NoEnvironment(t)
	w := &wire{answer: answer}
	account, _, err := New(t.Context(), Config{
		Region: "us-east-1", AccessKey: "AKID", SecretKey: "secret", HTTPClient: &http.Client{Transport: w}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	region, err := account.Region("")
	if err != nil {
		t.Fatal(err)
	}
	return region, w
}
