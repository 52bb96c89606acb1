package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// widths are those of a telephone, a tablet, a notebook and a screen.
var widths = []int{390, 768, 1280, 1440}

// frames is a page with the lab's page in it, once in each width, and what does not fit
// in there: cells that show less than they hold, beyond the actions' names, and what
// stands out of its panel.
const frames = `<!doctype html><body>%s<script>
const fits = (frame) => {
  const page = frame.contentDocument;
  if (!page.body?.dataset.drawn) return undefined;
  const cut = [];
  for (const cell of page.querySelectorAll('#requests th, #requests td:not(.action)')) {
    const panel = cell.closest('.panel').getBoundingClientRect(), at = cell.getBoundingClientRect();
    if (at.width && (cell.scrollWidth > cell.clientWidth + 1 || at.right > panel.right || at.left < panel.left)) cut.push(cell.textContent);
  }
  const names = [...page.querySelectorAll('#requests td.action')];
  if (names.some((name) => name.clientWidth < 60)) cut.push('names');
  if (page.documentElement.scrollWidth > page.documentElement.clientWidth) cut.push('page');
  return cut;
};
setInterval(() => {
  const found = [...document.querySelectorAll('iframe')].map(fits);
  if (found.every(Boolean)) document.body.dataset.found = JSON.stringify(found);
}, 100);
</script>`

// framed serves the lab's page and, at /frames, the page with frames. The lab itself
// lets no page frame its own.
func framed(t *testing.T, address string, widths ...int) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Origin") // the lab knows none but its own
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Content-Security-Policy")
			return nil
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("/frames", func(w http.ResponseWriter, _ *http.Request) {
		var all strings.Builder
		for _, width := range widths {
			fmt.Fprintf(&all, `<iframe src="/" width="%d" height="1800" style="border:0"></iframe>`, width)
		}
		_, _ = fmt.Fprintf(w, frames, all.String())
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/frames"
}

var foundCut = regexp.MustCompile(`data-found="([^"]*)"`)

// TestPage_cutsNothingOff looks for what does not fit, in four widths, after requests
// with long names and large counts.
func TestPage_cutsNothingOff(t *testing.T) {
	if os.Getenv("STAMP_THOROUGH") == "" {
		t.Skip("it takes its time: make test runs it, or STAMP_THOROUGH=1")
	}
	browser := findBrowser(t)
	server, client := start(t, lab.Options{Speed: 30})
	s := trouble(t, server.Lab, server.URL, client)
	for range 1200 {
		describe(t, client, s.web[0])
	}
	_, _ = client.DisableImageDeregistrationProtection(t.Context(), &ec2.DisableImageDeregistrationProtectionInput{ImageId: &s.v1})

	document := string(dump(t, browser, framed(t, server.URL, widths...), "--window-size=4000,2000"))

	match := foundCut.FindStringSubmatch(document)
	if match == nil {
		t.Fatal("the frames were never drawn")
	}
	var cut [][]string
	if err := json.Unmarshal([]byte(html.UnescapeString(match[1])), &cut); err != nil {
		t.Fatal(err)
	}
	for i, width := range widths {
		if len(cut[i]) > 0 {
			t.Errorf("%d wide, these are cut off: %q", width, cut[i])
		}
	}
}

// TestPage_showsTroubles looks for what is wrong, as a person would who asks why a
// rollout stands still or a bake has failed.
func TestPage_showsTroubles(t *testing.T) {
	if os.Getenv("STAMP_THOROUGH") == "" {
		t.Skip("it takes its time: make test runs it, or STAMP_THOROUGH=1")
	}
	browser := findBrowser(t)
	server, client := start(t, lab.Options{Speed: 30, Guests: consoles("stamp-00 begin\nstamp-00 fail step exit=3 how=exit two\n")})
	s := trouble(t, server.Lab, server.URL, client)
	await(t, "the load balancer gives five targets up", func() bool {
		unhealthy := 0
		for _, target := range server.Lab.State().TargetGroups[0].Targets {
			if target.State == "unhealthy" {
				unhealthy++
			}
		}
		return unhealthy == 5
	})

	page := readPage(t, browser, server.URL+"/")

	for id, want := range map[string]string{s.web[0]: "unhealthy", s.web[2]: "impaired", s.failed: "broken", s.kept: "broken", s.plain[0]: "running"} {
		if got := page.cells[id]; got != want {
			t.Errorf("the cell of %s is %q, want %s", id, got, want)
		}
	}
	for _, want := range []string{
		"builder " + s.failed + " failed: step two", "builder " + s.kept + " failed: step two", "unhealthy 5", "behind front",
		"/golden/web/current", "copy in eu-west-1", "running, 2 ready", "left to clean up", "AWS_DEFAULT_REGION", "TF_CLI_CONFIG_FILE",
	} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q:\n%s", want, page.text)
		}
	}
}

// consoles is a host of guests that print a text and run on. Nothing answers a health
// check in them.
func consoles(text string) *guests.Scripted {
	return &guests.Scripted{
		Boot:    func(_ guests.Spec, m *guests.Machine) { _, _ = io.WriteString(m.Console, text) },
		Command: func(context.Context, guests.Spec, *guests.Machine, string) (string, int, error) { return "000", 0, nil },
	}
}

// troubled is a scene with what goes wrong.
type troubled struct {
	scene
	failed, kept, fresh string
}

// trouble builds a fleet of six on a load balancer of which two are unhealthy, a copy
// and a parameter, a builder whose step has failed, and a kept one.
func trouble(t *testing.T, inside *lab.Lab, address string, client *ec2.Client) troubled {
	t.Helper()
	s := troubled{scene: build(t, inside, client, 6)}
	s.balance(t, address, client)
	agents := ssm.NewFromConfig(config(address, "us-east-1", nil))
	for name, value := range map[string]string{"/golden/web/current": s.v2, "/golden/web/previous": s.v1} {
		if _, err := agents.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: &value, Type: ssmtypes.ParameterTypeString}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CopyImage(t.Context(), copyInput(s.v2, "web-v2"), in("eu-west-1")); err != nil {
		t.Fatal(err)
	}
	s.failed = *launch(t, client, 1, tagged("stamp:image", "web", "stamp:role", "builder"), from(s.v2))[0].InstanceId
	s.kept = *launch(t, client, 1, tagged("stamp:image", "db", "stamp:role", "builder", "stamp:kept", "step two failed: exit code 3"))[0].InstanceId
	s.fresh = *launch(t, client, 1, from(windowsOf(t, client)), tagged("Name", "windows-1"))[0].InstanceId
	describe(t, client)
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{s.failed}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// balance puts the fleet behind a load balancer that serves two of three zones.
func (s troubled) balance(t *testing.T, address string, client *ec2.Client) {
	t.Helper()
	balancing := elb.NewFromConfig(config(address, "us-east-1", nil))
	vpc := defaultVPC(t, client)
	group, err := balancing.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{
		Name: aws.String("web"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: &vpc, HealthCheckIntervalSeconds: aws.Int32(10),
	})
	if err != nil {
		t.Fatal(err)
	}
	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	used, err := balancing.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("front"), Subnets: []string{*subnets.Subnets[0].SubnetId, *subnets.Subnets[1].SubnetId, *subnets.Subnets[2].SubnetId},
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := group.TargetGroups[0].TargetGroupArn
	if _, err := balancing.CreateListener(t.Context(), &elb.CreateListenerInput{
		LoadBalancerArn: used.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: arn}},
	}); err != nil {
		t.Fatal(err)
	}
	var targets []elbtypes.TargetDescription
	for _, id := range []string{s.web[0], s.web[2], s.web[3], s.web[4], s.web[5]} {
		targets = append(targets, elbtypes.TargetDescription{Id: &id})
	}
	if _, err := balancing.RegisterTargets(t.Context(), &elb.RegisterTargetsInput{TargetGroupArn: arn, Targets: targets}); err != nil {
		t.Fatal(err)
	}
}
