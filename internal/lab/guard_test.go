package lab_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// scope is what a client of EC2 sends to be known as one.
const scope = "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0"

// TestGuard sends the same requests as programs, as the lab's own page and as pages of
// others do, and looks at what came of them.
func TestGuard(t *testing.T) {
	server, _ := start(t, lab.Options{Hosts: []string{"Lab-Machine"}})
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port := at.Port()
	cases := []struct {
		name, host string
		header     map[string]string
		refused    bool
	}{
		{name: "a program"},
		{name: "by name", host: "localhost:" + port},
		{name: "by name, without a port", host: "LOCALHOST"},
		{name: "a bucket's name", host: "bucket.localhost:" + port},
		{name: "a bucket's name at S3", host: "bucket.s3.us-east-1.amazonaws.com"},
		{name: "another loopback address", host: "127.8.9.10:" + port},
		{name: "IPv6", host: "[::1]:" + port},
		{name: "IPv6, without a port", host: "[::1]"},
		{name: "a name that was given", host: "lab-machine:" + port},
		{name: "its own page", header: map[string]string{"Origin": server.URL, "Sec-Fetch-Site": "same-origin"}},
		{name: "its own page by name", host: "localhost:" + port, header: map[string]string{"Origin": "http://localhost:" + port}},
		{name: "typed by a person", header: map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}},

		{name: "a rebound name", host: "evil.example:" + port, refused: true},
		{name: "a rebound name, all of one origin", host: "evil.example", header: map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, refused: true},
		{name: "a name that contains ours", host: "localhost.evil.example", refused: true},
		{name: "a name that ends like ours", host: "evillocalhost", refused: true},
		{name: "a name that looks like S3's", host: "bucket.s3.amazonaws.com.evil.example", refused: true},
		{name: "an address in a name", host: "127.0.0.1.evil.example", refused: true},
		{name: "another machine's address", host: "192.0.2.1:" + port, refused: true},
		{name: "a page of another site", header: map[string]string{"Origin": "http://evil.example"}, refused: true},
		{name: "a page without an origin", header: map[string]string{"Origin": "null"}, refused: true},
		{name: "a page of another port", header: map[string]string{"Origin": "http://127.0.0.1:1"}, refused: true},
		{name: "a page that sends no origin", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, refused: true},
		{name: "a page of another port that sends no origin", header: map[string]string{"Sec-Fetch-Site": "same-site"}, refused: true},
		{name: "a link to the API", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, refused: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, what := range []struct {
				method, path, count string
				signed              bool
			}{
				{method: http.MethodPost, path: "/?Action=AllocateAddress&Version=2016-11-15", count: "AllocateAddress", signed: true},
				{method: http.MethodGet, path: "/?Action=DescribeRegions&Version=2016-11-15", count: "DescribeRegions", signed: true},
				{method: http.MethodGet, path: "/_lab/books"},
				{method: http.MethodPost, path: "/_lab/instances/i-0/run"},
				{method: http.MethodPost, path: "/_lab/books/reset"},
			} {
				server.Lab.ResetBooks()
				request, err := http.NewRequestWithContext(t.Context(), what.method, server.URL+what.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Host = c.host
				for name, value := range c.header {
					request.Header.Set(name, value)
				}
				if what.signed {
					request.Header.Set("Authorization", scope)
				}
				status, body := send(t, request)
				if refused := status == http.StatusForbidden && strings.HasPrefix(body, "lab: nothing was done: "); refused != c.refused {
					t.Errorf("%s %s: %d %s", what.method, what.path, status, body)
				}
				if counted := server.Lab.Books().Requests[what.count] > 0; what.count != "" && counted == c.refused {
					t.Errorf("%s %s: counted is %t", what.method, what.path, counted)
				}
			}
		})
	}
}

// TestGuard_linksLeadToThePage follows a link from another site, which shows the page
// and nothing else.
func TestGuard_linksLeadToThePage(t *testing.T) {
	server, _ := start(t, lab.Options{})
	for path, want := range map[string]int{"/": http.StatusOK, "/_lab/state": http.StatusForbidden} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		request.Header.Set("Sec-Fetch-Mode", "navigate")
		if status, body := send(t, request); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
}

func send(t *testing.T, request *http.Request) (status int, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}
