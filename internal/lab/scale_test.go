package lab_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// How long the fleet of the scale tests takes at least: the first thousand at once, and
// then two a second; the end of it likewise, with twenty.
const (
	launchFloor = (manyInstances - 1000) / 2 * time.Second
	endFloor    = (manyInstances - 1000) / 20 * time.Second
)

// quick is an EC2 client that does not take answers apart, which costs the SDK five
// times what the lab needs to make them.
type quick struct {
	t      testing.TB
	client *http.Client
}

// ask sends a request until it is not throttled, and answers the body.
func (q quick) ask(action string, parameters ...string) string {
	q.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for at := 0; at < len(parameters); at += 2 {
		form.Set(parameters[at], parameters[at+1])
	}
	for {
		status, body := q.send(form.Encode())
		if status == http.StatusOK {
			return body
		}
		if !strings.Contains(body, "<Code>RequestLimitExceeded</Code>") {
			q.t.Fatalf("%s: %d %s", action, status, body)
		}
		<-time.After(time.Second)
	}
}

func (q quick) send(form string) (status int, body string) {
	q.t.Helper()
	request, err := http.NewRequestWithContext(q.t.Context(), http.MethodPost, labtest.Endpoint, strings.NewReader(form))
	if err != nil {
		q.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request")
	response, err := q.client.Do(request)
	if err != nil {
		q.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

var (
	newID     = regexp.MustCompile(`<item><instanceId>(i-[0-9a-f]+)</instanceId>`)
	nextToken = regexp.MustCompile(`<nextToken>([^<]+)</nextToken>`)
)

// fleet counts the instances of the fleet in a state, in pages of 1,000.
func (q quick) fleet(state string) (count int) {
	filters := []string{
		"Filter.1.Name", "tag:fleet", "Filter.1.Value.1", "web",
		"Filter.2.Name", "instance-state-name", "Filter.2.Value.1", state, "MaxResults", "1000",
	}
	page := q.ask("DescribeInstances", filters...)
	count = strings.Count(page, "<amiLaunchIndex>")
	for next := nextToken.FindStringSubmatch(page); next != nil; next = nextToken.FindStringSubmatch(page) {
		page = q.ask("DescribeInstances", append(filters, "NextToken", next[1])...)
		count += strings.Count(page, "<amiLaunchIndex>")
	}
	return count
}

// launch launches the fleet by the thousand and answers its ids.
func (q quick) launch() (ids []string) {
	images := q.ask("DescribeImages", "Owner.1", "amazon", "Filter.1.Name", "architecture", "Filter.1.Value.1", "x86_64")
	image := regexp.MustCompile(`ami-[0-9a-f]+`).FindString(images)
	for batch := range manyInstances / 1000 {
		launched := q.ask("RunInstances", "ImageId", image, "InstanceType", "t3.small", "MinCount", "1000", "MaxCount", "1000",
			"ClientToken", strconv.Itoa(batch), "TagSpecification.1.ResourceType", "instance",
			"TagSpecification.1.Tag.1.Key", "fleet", "TagSpecification.1.Tag.1.Value", "web")
		for _, found := range newID.FindAllStringSubmatch(launched, -1) {
			ids = append(ids, found[1])
		}
	}
	if len(ids) != manyInstances {
		q.t.Fatalf("launched %d, want %d", len(ids), manyInstances)
	}
	return ids
}

// many takes the fleet through its life, and answers how long launch and end
// took in virtual time, and the heap with all of them.
func many(t testing.TB, inside *lab.Lab, client *http.Client) (launching, ending time.Duration, heap uint64) {
	q := quick{t: t, client: client}
	begun := time.Now()
	ids := q.launch()
	<-time.After(4 * time.Second) // until all of them are seen
	for q.fleet("pending") > 0 {
		<-time.After(5 * time.Second)
	}
	launching = time.Since(begun)
	if got := q.fleet("running"); got != manyInstances {
		t.Errorf("%d are running, want %d", got, manyInstances)
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	heap = memory.HeapAlloc

	begun = time.Now()
	for batch := range manyInstances / 1000 {
		var named []string
		for at, id := range ids[batch*1000 : (batch+1)*1000] {
			named = append(named, fmt.Sprintf("InstanceId.%d", at+1), id)
		}
		q.ask("TerminateInstances", named...)
	}
	ending = time.Since(begun)
	<-time.After(2 * time.Minute)
	if left := len(inside.Books().Leftovers); left > 0 {
		t.Errorf("%d things are left", left)
	}
	return launching, ending, heap
}

// TestLab_manyInstances holds the lab's own figures: time by the buckets alone,
// and room for the tests of a fleet that large. How fast it is, BenchmarkLab tells.
func TestLab_manyInstances(t *testing.T) {
	if os.Getenv("STAMP_THOROUGH") == "" {
		t.Skip("it takes its time: make test runs it, or STAMP_THOROUGH=1")
	}
	labtest.Bubble(t, awsWeather, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		launching, ending, heap := many(t, inside, client)

		// Each batch may be a second late, and the last one takes its time to boot.
		if launching < launchFloor || launching > launchFloor+80*time.Second {
			t.Errorf("the launch took %s of virtual time, want %s and the boot", launching, launchFloor)
		}
		if ending < endFloor || ending > endFloor+10*time.Second {
			t.Errorf("the end took %s of virtual time, want %s", ending, endFloor)
		}
		if heap > 1<<30 {
			t.Errorf("the heap with all of them is %d MiB, want less than 1 GiB", heap>>20)
		}
	})
}

// BenchmarkLab takes a fleet of 10,000 through its life in aws weather.
func BenchmarkLab(b *testing.B) {
	b.ReportAllocs()
	var heap uint64
	var virtual time.Duration
	for b.Loop() {
		inBenchmarkBubble(b, func(t *testing.T) {
			inside, err := lab.New(awsWeather)
			if err != nil {
				t.Fatal(err)
			}
			launching, ending, used := many(t, inside, labtest.InBubble(t, inside))
			heap, virtual = max(heap, used), launching+ending
		})
	}
	b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
	b.ReportMetric(virtual.Seconds(), "virtual-s")
}

// inBenchmarkBubble runs a function in a bubble. Bubbles are made for tests alone, so
// it becomes one.
func inBenchmarkBubble(b *testing.B, run func(t *testing.T)) {
	b.Helper()
	all := func(_, _ string) (bool, error) { return true, nil }
	inside := func(t *testing.T) { synctest.Test(t, run) }
	if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: inside}}) {
		b.Fatal("what runs in the bubble has failed")
	}
}
