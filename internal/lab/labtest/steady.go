package labtest

import (
	"bytes"
	"io"
	"net/http"
)

// Steady sends each request's body from a copy. The SDK closes a body as soon as it has
// the head of the answer; on a machine with much to do net/http may still be busy with
// it then, takes its end for a failure and cuts the connection. Tests retry nothing, so
// they would see that.
func Steady(next http.RoundTripper) http.RoundTripper { return steady{next} }

type steady struct{ next http.RoundTripper }

// RoundTrip reads the body, closes it and sends the copy.
func (s steady) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return s.next.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if closed := request.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	copied := request.Clone(request.Context())
	copied.Body, copied.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	copied.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return s.next.RoundTrip(copied)
}
