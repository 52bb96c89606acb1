package cloud

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ids returns n instance ids.
func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("i-%017x", i)
	}
	return all
}

// described is the answer to DescribeInstances about these ids.
func described(all []string, token string) (int, string) {
	var items strings.Builder
	for _, id := range all {
		fmt.Fprintf(&items, "<item><instanceId>%s</instanceId></item>", id)
	}
	return ok("DescribeInstances", "<reservationSet><item><instancesSet>"+items.String()+
		"</instancesSet></item></reservationSet><nextToken>"+token+"</nextToken>")
}

func idsOf(instances []Instance) []string {
	var all []string
	for _, instance := range instances {
		all = append(all, instance.ID)
	}
	return all
}

func TestRegion_Instances_reads(t *testing.T) {
	region, _ := overWire(t, func(request) (int, string) {
		return ok("DescribeInstances", `<reservationSet><item><instancesSet><item>
			<instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceType>t3.small</instanceType><architecture>x86_64</architecture>
			<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><placement><availabilityZone>us-east-1a</availabilityZone></placement>
			<privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>198.51.100.1</ipAddress><privateDnsName>ip-10-0-0-1</privateDnsName>
			<instanceState><code>80</code><name>stopped</name></instanceState><amiLaunchIndex>7</amiLaunchIndex>
			<stateReason><code>Server.InternalError</code><message>Client.VolumeLimitExceeded: Volume limit exceeded</message></stateReason>
			<launchTime>2026-01-02T03:04:05.000Z</launchTime><clientToken>token</clientToken><keyName>key</keyName>
			<groupSet><item><groupId>sg-2</groupId></item><item><groupId>sg-1</groupId></item></groupSet>
			<iamInstanceProfile><arn>arn:aws:iam::1:instance-profile/web</arn></iamInstanceProfile>
			<rootDeviceName>/dev/xvda</rootDeviceName><tagSet><item><key>Name</key><value>web</value></item></tagSet>
			</item></instancesSet></item></reservationSet>`)
	})
	got, err := region.Instances(t.Context(), InstanceQuery{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Instance{{
		ID: "i-1", ImageID: "ami-1", Type: "t3.small", Architecture: "x86_64", SubnetID: "subnet-1", VPCID: "vpc-1",
		AvailabilityZone: "us-east-1a", PrivateIP: "10.0.0.1", PublicIP: "198.51.100.1", PrivateDNS: "ip-10-0-0-1",
		State: InstanceStopped, StateReason: "Client.VolumeLimitExceeded: Volume limit exceeded", LaunchIndex: 7,
		LaunchedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ClientToken: "token", KeyName: "key",
		SecurityGroupIDs: []string{"sg-1", "sg-2"}, InstanceProfileARN: "arn:aws:iam::1:instance-profile/web",
		RootDeviceName: "/dev/xvda", Tags: Tags{"Name": "web"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}

func TestRegion_Instances_asks(t *testing.T) {
	const live = "instance-state-name=pending,running,stopping,stopped"
	tests := map[string]struct {
		query InstanceQuery
		want  [][]string // filters of each request
	}{
		"all":              {want: [][]string{{live}}},
		"tags":             {query: InstanceQuery{Tags: Tags{"b": "2", "a": "1"}}, want: [][]string{{"tag:a=1", "tag:b=2", live}}},
		"tag with a star":  {query: InstanceQuery{Tags: Tags{"a": `*?\`}}, want: [][]string{{`tag:a=\*\?\\`, live}}},
		"states":           {query: InstanceQuery{States: []string{InstanceTerminated}}, want: [][]string{{"instance-state-name=terminated"}}},
		"images":           {query: InstanceQuery{ImageIDs: []string{"ami-1", "ami-2"}}, want: [][]string{{live, "image-id=ami-1,ami-2"}}},
		"no ids at all":    {query: InstanceQuery{IDs: []string{}}},
		"no images at all": {query: InstanceQuery{ImageIDs: []string{}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(request) (int, string) { return described(nil, "") })
			if _, err := region.Instances(t.Context(), test.query); err != nil {
				t.Fatal(err)
			}
			var got [][]string
			for _, r := range w.sent("DescribeInstances") {
				got = append(got, r.filters())
				if r.form.Get("MaxResults") != "1000" {
					t.Errorf("asked for pages of %q, want 1000", r.form.Get("MaxResults"))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("filters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegion_Instances_followsPages(t *testing.T) {
	all := ids(5)
	region, w := overWire(t, func(r request) (int, string) {
		if r.form.Get("NextToken") == "" {
			return described(all[:3], "two")
		}
		return described(all[3:], "")
	})
	got, err := region.Instances(t.Context(), InstanceQuery{})
	if diff := cmp.Diff(all, idsOf(got)); diff != "" || err != nil {
		t.Errorf("error %v, instances (-want +got):\n%s", err, diff)
	}
	if asked := w.sent("DescribeInstances"); len(asked) != 2 || asked[1].form.Get("NextToken") != "two" {
		t.Errorf("asked %d times, the second time with token %q", len(asked), asked[len(asked)-1].form.Get("NextToken"))
	}
}

func TestRegion_Instances_batchesIDs(t *testing.T) {
	all := ids(2500)
	region, w := overWire(t, func(r request) (int, string) { return described(r.values("InstanceId"), "") })
	got, err := region.Instances(t.Context(), InstanceQuery{IDs: all})
	if diff := cmp.Diff(all, idsOf(got)); diff != "" || err != nil {
		t.Errorf("error %v, instances (-want +got):\n%s", err, diff)
	}
	var sizes []int
	for _, r := range w.sent("DescribeInstances") {
		sizes = append(sizes, len(r.values("InstanceId")))
		if r.form.Has("MaxResults") {
			t.Error("a request has ids and a page size, which EC2 refuses")
		}
	}
	if diff := cmp.Diff([]int{1000, 1000, 500}, sizes); diff != "" {
		t.Errorf("sizes of the requests (-want +got):\n%s", diff)
	}
}

// unknown answers as EC2 does when some of a request's ids do not exist.
func unknown(missing ...string) (int, string) {
	return refusal(400, CodeInstanceNotFound, "The instance IDs '"+strings.Join(missing, ", ")+"' do not exist")
}

// TestRegion_Instances_leavesOutUnknown holds that one unknown id costs one request
// more, not one for each of the others.
func TestRegion_Instances_leavesOutUnknown(t *testing.T) {
	all := ids(900)
	region, w := overWire(t, func(r request) (int, string) {
		asked := r.values("InstanceId")
		if len(asked) == len(all) {
			return unknown(all[1], all[3])
		}
		return described(asked, "")
	})
	got, err := region.Instances(t.Context(), InstanceQuery{IDs: all})
	if err != nil || len(got) != 898 || len(w.sent("DescribeInstances")) != 2 {
		t.Errorf("got %d instances in %d requests, %v, want 898 in 2", len(got), len(w.sent("DescribeInstances")), err)
	}
}

func TestRegion_Instances_allUnknown(t *testing.T) {
	region, _ := overWire(t, func(request) (int, string) { return unknown(ids(1)...) })
	if got, err := region.Instances(t.Context(), InstanceQuery{IDs: ids(1)}); got != nil || err != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

func TestRegion_Instances_unknownWithoutNames(t *testing.T) {
	region, w := overWire(t, func(request) (int, string) { return refusal(400, CodeInstanceNotFound, "no such thing") })
	if _, err := region.Instances(t.Context(), InstanceQuery{IDs: ids(2)}); ClassOf(err) != NotFound || len(w.sent("DescribeInstances")) != 1 {
		t.Errorf("got %v after %d requests, want not found after one", err, len(w.sent("DescribeInstances")))
	}
}

func TestRegion_TerminateInstances(t *testing.T) {
	all := ids(1200)
	tests := map[string]struct {
		// visible is when an id becomes visible that is not at first; never when negative.
		visible time.Duration
		want    []int // sizes of the requests that succeeded
	}{
		"all known":         {want: []int{1000, 200}},
		"one launched just": {visible: 3 * time.Second, want: []int{999, 1, 200}},
		"one gone":          {visible: -1, want: []int{999, 200}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var done []int
				region, _ := overWire(t, func(r request) (int, string) {
					asked := r.values("InstanceId")
					if asked[0] == all[0] && (test.visible < 0 || time.Since(begun) < test.visible) {
						return unknown(all[0])
					}
					done = append(done, len(asked))
					return ok("TerminateInstances", "")
				})
				if err := region.TerminateInstances(t.Context(), all); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, done); diff != "" {
					t.Errorf("instances terminated by each request (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRegion_TerminateInstances_error(t *testing.T) {
	region, w := overWire(t, func(request) (int, string) { return refusal(400, "OperationNotPermitted", "protected") })
	if err := region.TerminateInstances(t.Context(), ids(2)); ClassOf(err) != Denied || len(w.sent("TerminateInstances")) != 1 {
		t.Errorf("got %v after %d requests, want denied after one", err, len(w.sent("TerminateInstances")))
	}
}

func TestRegion_ConsoleOutput(t *testing.T) {
	text := base64.StdEncoding.EncodeToString([]byte("booted\n"))
	tests := map[string]struct {
		nitro bool
		asked int
	}{"nitro": {true, 1}, "older": {false, 2}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(r request) (int, string) {
				if r.form.Get("Latest") == "true" && !test.nitro {
					return refusal(400, "UnsupportedOperation", "This instance type does not support retrieving the latest console logs.")
				}
				return ok("GetConsoleOutput", "<output>"+text+"</output>")
			})
			got, err := region.ConsoleOutput(t.Context(), "i-1")
			if got != "booted\n" || err != nil || len(w.sent("GetConsoleOutput")) != test.asked {
				t.Errorf("got %q, %v in %d requests, want %d", got, err, len(w.sent("GetConsoleOutput")), test.asked)
			}
		})
	}
	region, _ := overWire(t, func(request) (int, string) { return ok("GetConsoleOutput", "<output>***</output>") })
	if got, err := region.ConsoleOutput(t.Context(), "i-1"); err == nil {
		t.Errorf("got %q of what is not base64", got)
	}
}
