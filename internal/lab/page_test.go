package lab_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func TestPage_isForBrowsersAlone(t *testing.T) {
	server, _ := start(t, lab.Options{})
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		says                        string
	}{
		{http.MethodGet, "/", "", http.StatusOK, "<!doctype html>"},
		{http.MethodGet, "/_lab/page/page.js", "", http.StatusOK, "/_lab/state"},
		{http.MethodGet, "/_lab/page/", "", http.StatusNotFound, ""},
		{http.MethodGet, "/_lab/page/nothing.js", "", http.StatusNotFound, ""},
		{http.MethodPost, "/", "", http.StatusUnauthorized, "AuthFailure"},
		{http.MethodGet, "/?Action=DescribeInstances", "", http.StatusUnauthorized, "AuthFailure"},
		{http.MethodGet, "/", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request", http.StatusBadRequest, "MissingAction"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.authorization != "" {
			request.Header.Set("Authorization", c.authorization)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s %s: %d, want %d with %q\n%s", c.method, c.path, response.StatusCode, c.status, c.says, body)
		}
		if policy := response.Header.Get("Content-Security-Policy"); c.status == http.StatusOK && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", c.path, policy)
		}
	}
}

// tagged asks for tags on what is launched.
func tagged(pairs ...string) launching {
	return func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: pageTags(pairs)}}
	}
}

func pageTags(pairs []string) []types.Tag {
	var tags []types.Tag
	for at := 0; at < len(pairs); at += 2 {
		tags = append(tags, types.Tag{Key: &pairs[at], Value: &pairs[at+1]})
	}
	return tags
}

// scene is a lab with something of everything.
type scene struct {
	base, v1, v2        string
	builder, web, plain []string
}

// build bakes two versions, the second from the first, and starts a fleet of the size
// in which every state is.
func build(t *testing.T, server *lab.Lab, client *ec2.Client, size int) scene {
	t.Helper()
	s := scene{base: baseImage(t, client, "x86_64")}
	version := func(number, source string) string {
		builder := launch(t, client, 1, tagged("stamp:image", "web", "stamp:role", "builder"), from(source))
		describe(t, client)
		s.builder = append(s.builder, idsOf(builder)...)
		made, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{
			InstanceId: builder[0].InstanceId, Name: aws.String("web-v" + number),
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeImage,
				Tags:         pageTags([]string{"stamp:image", "web", "stamp:version", number, "stamp:promoted-at", "2026-01-0" + number + "T00:00:00Z"}),
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		describe(t, client)
		return *made.ImageId
	}
	s.v1 = version("1", s.base)
	s.v2 = version("2", s.v1)
	s.web = idsOf(launch(t, client, int32(size), tagged("stamp:fleet", "web", "stamp:slots", fmt.Sprintf("0-%d", size-1)), from(s.v2)))
	s.plain = idsOf(launch(t, client, 1, tagged("Name", "<b>bold</b>")))
	describe(t, client)
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: s.builder}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: s.web[1:2]}); err != nil {
		t.Fatal(err)
	}
	if err := server.SetState(s.web[2], "impaired"); err != nil {
		t.Fatal(err)
	}
	return s
}

func from(image string) launching {
	return func(in *ec2.RunInstancesInput) { in.ImageId = &image }
}

func TestPage_state(t *testing.T) {
	server, client := start(t, lab.Options{Weather: "calm"})
	s := build(t, server.Lab, client, 4)
	_, answer := knock(t, server, http.MethodGet, "/_lab/state", "")

	var got lab.State
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	checkStates(t, got, s)
	sources := map[string]string{}
	for _, i := range got.Images {
		sources[i.ID] = i.Source
	}
	if diff := cmp.Diff(map[string]string{s.base: "", s.v1: s.base, s.v2: s.v1}, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if got.Weather != "calm" || got.Speed != 1 || got.Guests.Running || got.Terminated != 2 || got.Requests["RunInstances"] != 4 || len(got.Seconds) == 0 {
		t.Errorf("the lab is %+v", got)
	}
}

// checkStates looks for every instance of the scene, in its state.
func checkStates(t *testing.T, got lab.State, s scene) {
	t.Helper()
	states := map[string]string{}
	for _, i := range got.Instances {
		states[i.ID] = i.State + " " + i.Health
		if i.ID == s.web[3] && (i.Image != s.v2 || i.Tags["stamp:fleet"] != "web" || i.Index != 3 || i.Address == "") {
			t.Errorf("slot 3 is %+v", i)
		}
	}
	want := map[string]string{
		s.builder[0]: "terminated ", s.builder[1]: "terminated ", s.web[0]: "running ok", s.web[1]: "stopped ",
		s.web[2]: "running impaired", s.web[3]: "running ok", s.plain[0]: "running ok",
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestPage_lineageOfWhatIsGone(t *testing.T) {
	server, client := start(t, lab.Options{})
	s := build(t, server.Lab, client, 4)
	if _, err := client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: &s.v1}); err != nil {
		t.Fatal(err)
	}
	for _, i := range server.Lab.State().Images {
		if i.Gone != (i.ID == s.v1) {
			t.Errorf("%s %q: gone %t", i.ID, i.Name, i.Gone)
		}
	}
}

// A copy's region may come before that of what it was copied from.
func TestPage_lineageOfACopy(t *testing.T) {
	server, client := start(t, lab.Options{})
	source := capture(t, client, "web-v1")
	copied, err := client.CopyImage(t.Context(), copyInput(source, "web-v1"), in("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range server.Lab.State().Images {
		if i.Own {
			got[i.ID] = fmt.Sprintf("%s %s gone %t", i.Region, i.Name, i.Gone)
		}
	}
	want := map[string]string{source: "us-east-1 web-v1 gone false", *copied.ImageId: "eu-west-1 web-v1 gone false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

func TestPage_console(t *testing.T) {
	server, client := start(t, lab.Options{})
	id := *launch(t, client, 1)[0].InstanceId
	if status, text := knock(t, server, http.MethodGet, "/_lab/instances/"+id+"/console", ""); status != http.StatusOK || !strings.Contains(text, "nothing runs") {
		t.Errorf("%d %q", status, text)
	}
	if status, _ := knock(t, server, http.MethodGet, "/_lab/instances/i-0123456789abcdef0/console", ""); status != http.StatusNotFound {
		t.Errorf("of no instance: %d", status)
	}
}

// TestPage_inABrowser looks at the page with a thousand instances on it, one of them
// chosen, whose console is then shown.
func TestPage_inABrowser(t *testing.T) {
	if os.Getenv("STAMP_THOROUGH") == "" {
		t.Skip("it takes its time: make test runs it, or STAMP_THOROUGH=1")
	}
	browser := findBrowser(t)
	server, client := start(t, lab.Options{})
	s := build(t, server.Lab, client, 1000)

	page := readPage(t, browser, server.URL+"/#"+s.plain[0])

	if page.drawn == 0 {
		t.Fatal("the page was never drawn")
	}
	for id, want := range map[string]string{
		s.web[0]: "running", s.web[1]: "stopped", s.web[2]: "impaired", s.web[999]: "running", s.builder[0]: "terminated", s.plain[0]: "running",
	} {
		if got := page.cells[id]; got != want {
			t.Errorf("the cell of %s is %q, want %s", id, got, want)
		}
	}
	if len(page.cells) != 1003 {
		t.Errorf("%d cells, want 1003", len(page.cells))
	}
	if diff := cmp.Diff(map[string]string{s.base: "", s.v1: s.base, s.v2: s.v1}, page.lineage); diff != "" {
		t.Errorf("images by what they stand below (-want +got):\n%s", diff)
	}
	for _, want := range []string{"web version 1", "web version 2", "current", "<b>bold</b>", "RunInstances", "nothing runs inside this instance"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q:\n%s", want, page.text)
		}
	}
}

// findBrowser finds what can show a page without a screen.
func findBrowser(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("STAMP_BROWSER"); named != "" {
		return named
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium on the PATH, and STAMP_BROWSER names none: nobody looks at the page")
	return ""
}

// shownPage is what a person would find on the page.
type shownPage struct {
	drawn int
	// cells are states by instance; lineage is, by image, the one that it stands below.
	cells, lineage map[string]string
	text           string
}

// readPage opens the page and reads it when it has been drawn for some seconds of the
// browser's own time.
func readPage(t *testing.T, browser, url string) shownPage {
	t.Helper()
	document := dump(t, browser, url)
	page := shownPage{cells: map[string]string{}, lineage: map[string]string{}}
	decoder := xml.NewDecoder(strings.NewReader(string(document)))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []map[string]string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return page
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Name.Local] = a.Value
			}
			page.see(attributes, open)
			open = append(open, attributes)
		case xml.EndElement:
			open = open[:max(0, len(open)-1)]
		case xml.CharData:
			page.text += string(token)
		}
	}
}

// dump is a page's document when it has been drawn for some seconds of the browser's
// own time.
func dump(t *testing.T, browser, url string, more ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	home := t.TempDir()
	command := exec.CommandContext(ctx, browser, slices.Concat([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + home,
		"--virtual-time-budget=3000",
	}, more, []string{"--dump-dom", url})...)
	command.Env = append(os.Environ(), "HOME="+home)
	var problems strings.Builder
	command.Stderr = &problems
	document, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	return document
}

// see takes note of an element, which stands inside of others.
func (p *shownPage) see(attributes map[string]string, inside []map[string]string) {
	if attributes["data-kind"] == "instance" {
		p.cells[attributes["data-id"]] = attributes["data-state"]
	}
	if id := attributes["data-image"]; id != "" {
		p.lineage[id] = ""
		for _, outer := range inside {
			if outer["data-image"] != "" {
				p.lineage[id] = outer["data-image"]
			}
		}
	}
	if attributes["data-drawn"] != "" {
		p.drawn++
	}
}
