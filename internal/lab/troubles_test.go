package lab_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

func order(t *testing.T, inside *lab.Lab, trouble lab.Trouble) (id string) {
	t.Helper()
	id, err := inside.Order(trouble)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// outcome is a call's error code, "cut" for an answer that did not arrive.
func outcome(t *testing.T, err error) string {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "reset by peer")) {
		return "cut"
	}
	return code(t, err)
}

func TestFailCall(t *testing.T) {
	const ok = ""
	for name, test := range map[string]struct {
		trouble lab.FailCall
		// want is what three launches answer, launched how many of them took effect.
		want     [3]string
		launched int
	}{
		"the next":            {lab.FailCall{}, [3]string{"InternalError", ok, ok}, 2},
		"the second launch":   {lab.FailCall{Nth: 2, Action: "RunInstances"}, [3]string{ok, "InternalError", ok}, 2},
		"of another action":   {lab.FailCall{Action: "StopInstances"}, [3]string{ok, ok, ok}, 3},
		"of another region":   {lab.FailCall{Region: "eu-west-1"}, [3]string{ok, ok, ok}, 3},
		"two":                 {lab.FailCall{Times: 2}, [3]string{"InternalError", "InternalError", ok}, 1},
		"all from the second": {lab.FailCall{Nth: 2, Times: -1}, [3]string{ok, "InternalError", "InternalError"}, 1},
		"after its effect":    {lab.FailCall{After: true, Code: "ServiceUnavailable"}, [3]string{"ServiceUnavailable", ok, ok}, 3},
		"cut before":          {lab.FailCall{Cut: true}, [3]string{"cut", ok, ok}, 2},
		"cut after":           {lab.FailCall{Nth: 3, Cut: true, After: true}, [3]string{ok, ok, "cut"}, 3},
		"torn":                {lab.FailCall{Torn: true}, [3]string{"cut", ok, ok}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			for transport, within := range map[string]func(*testing.T, lab.Options, func(*testing.T, *lab.Lab, *ec2.Client)){
				"bubble": inWeather,
				"socket": func(t *testing.T, options lab.Options, test func(*testing.T, *lab.Lab, *ec2.Client)) {
					server, client := start(t, options)
					test(t, server.Lab, client)
				},
			} {
				t.Run(transport, func(t *testing.T) {
					within(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
						image := baseImage(t, client, "x86_64")
						order(t, inside, test.trouble)
						var got [3]string
						for i := range got {
							_, err := client.RunInstances(t.Context(), launchInput(image, 1))
							got[i] = outcome(t, err)
						}
						if diff := cmp.Diff(test.want, got); diff != "" {
							t.Errorf("(-want +got):\n%s", diff)
						}
						if launched := countLeftovers(inside, "instance"); launched != test.launched {
							t.Errorf("%d instances were launched, want %d", launched, test.launched)
						}
					})
				})
			}
		})
	}
}

// TestFailCall_ordersDoNotShiftOneAnother kills a client after its second request: that
// one has its effect, and none gets through any more.
func TestFailCall_ordersDoNotShiftOneAnother(t *testing.T) {
	inWeather(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		image := baseImage(t, client, "x86_64")
		order(t, inside, lab.FailCall{Nth: 2, Cut: true, After: true})
		order(t, inside, lab.FailCall{Nth: 3, Times: -1, Cut: true})
		launches := func() (got []string) {
			for range 4 {
				_, err := client.RunInstances(t.Context(), launchInput(image, 1))
				got = append(got, outcome(t, err))
			}
			return got
		}
		if diff := cmp.Diff([]string{"", "cut", "cut", "cut"}, launches()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := countLeftovers(inside, "instance"); got != 2 {
			t.Errorf("%d instances, want 2", got)
		}
		inside.LiftAll()
		if diff := cmp.Diff([]string{"", "", "", ""}, launches()); diff != "" {
			t.Errorf("lifted (-want +got):\n%s", diff)
		}
	})
}

func TestNoCapacity(t *testing.T) {
	inWeather(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		image := baseImage(t, client, "x86_64")
		subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
		if err != nil {
			t.Fatal(err)
		}
		first, second := *subnets.Subnets[0].SubnetId, *subnets.Subnets[1].SubnetId
		launchIn := func(subnet string, kind types.InstanceType, least int32) (int, string) {
			out, err := client.RunInstances(t.Context(), launchInput(image, 10, func(in *ec2.RunInstancesInput) {
				in.MinCount, in.InstanceType = &least, kind
				if subnet != "" {
					in.SubnetId = &subnet
				}
			}))
			if err != nil {
				return 0, code(t, err)
			}
			return len(out.Instances), ""
		}
		id := order(t, inside, lab.NoCapacity{Type: "t3.small", Subnet: first, Left: 4})
		for _, step := range []struct {
			subnet string
			kind   types.InstanceType
			least  int32
			want   int
			code   string
		}{
			{first, "t3.small", 5, 0, "InsufficientInstanceCapacity"},
			{first, "t3.small", 1, 4, ""},
			{first, "t3.small", 1, 0, "InsufficientInstanceCapacity"},
			{second, "t3.small", 1, 10, ""},
			{first, "t3.medium", 1, 10, ""},
			{"", "t3.small", 10, 10, ""}, // EC2 chooses a zone that has them
		} {
			if got, refused := launchIn(step.subnet, step.kind, step.least); got != step.want || refused != step.code {
				t.Errorf("%+v: launched %d, %q", step, got, refused)
			}
		}
		if err := inside.Lift(id); err != nil {
			t.Fatal(err)
		}
		if got, refused := launchIn(first, "t3.small", 10); got != 10 {
			t.Errorf("lifted: launched %d, %q", got, refused)
		}
		order(t, inside, lab.NoCapacity{Times: 1})
		if _, refused := launchIn(first, "t3.small", 1); refused != "InsufficientInstanceCapacity" {
			t.Errorf("nowhere, once: %q", refused)
		}
		if got, refused := launchIn(first, "t3.small", 1); got != 10 {
			t.Errorf("after that: launched %d, %q", got, refused)
		}
	})
}

func TestFailLaunch(t *testing.T) {
	inWeather(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		const why = "Client.InternalError: Client error on launch"
		order(t, inside, lab.FailLaunch{Times: 2, Code: "Server.InternalError", Message: why})
		launched := launch(t, client, 3)
		if launched[0].State.Name != types.InstanceStateNamePending {
			t.Errorf("the launch answers %s, want pending", launched[0].State.Name)
		}
		var got []string
		for _, i := range describe(t, client, idsOf(launched)...) {
			got = append(got, string(i.State.Name))
			if i.StateReason != nil && (*i.StateReason.Code != "Server.InternalError" || *i.StateReason.Message != why) {
				t.Errorf("the reason is %s, %s", *i.StateReason.Code, *i.StateReason.Message)
			}
		}
		if diff := cmp.Diff([]string{"terminated", "terminated", "running"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := countLeftovers(inside, "volume"); got != 1 {
			t.Errorf("%d volumes are left, want one", got)
		}
	})
}

func statusOf(t *testing.T, client *ec2.Client, id string) string {
	t.Helper()
	out, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.InstanceStatuses[0].InstanceStatus.Status)
}

func TestImpair(t *testing.T) {
	inWeather(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		trouble := order(t, inside, lab.Impair{Instance: id, AfterSeconds: 60})
		got := []string{statusOf(t, client, id)}
		<-time.After(time.Minute)
		got = append(got, statusOf(t, client, id))
		if err := inside.Lift(trouble); err != nil {
			t.Fatal(err)
		}
		got = append(got, statusOf(t, client, id))

		order(t, inside, lab.Impair{Image: baseImage(t, client, "x86_64"), Times: 1})
		got = append(got, statusOf(t, client, *launch(t, client, 1)[0].InstanceId), statusOf(t, client, *launch(t, client, 1)[0].InstanceId))

		if diff := cmp.Diff([]string{"ok", "impaired", "ok", "impaired", "ok"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestImageTroubles(t *testing.T) {
	inWeather(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		describe(t, client)
		capture := func(name string) (state, reason string) {
			t.Helper()
			_, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: &name})
			if err != nil {
				t.Fatal(err)
			}
			return imageState(t, client, name)
		}
		hold := order(t, inside, lab.HoldImage{Image: "held"})
		order(t, inside, lab.FailImage{Image: "failing", Message: "no more room"})

		if state, _ := capture("other"); state != "available" {
			t.Errorf("another image is %s", state)
		}
		if state, reason := capture("failing"); state != "failed" || reason != "no more room" {
			t.Errorf("the failing one is %s: %s", state, reason)
		}
		if state, _ := capture("held"); state != "pending" {
			t.Errorf("the held one is %s", state)
		}
		<-time.After(24 * time.Hour)
		if state, _ := imageState(t, client, "held"); state != "pending" {
			t.Errorf("the held one is %s a day later", state)
		}
		if err := inside.Lift(hold); err != nil {
			t.Fatal(err)
		}
		if state, _ := imageState(t, client, "held"); state != "available" {
			t.Errorf("the released one is %s", state)
		}
		out, err := client.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, s := range out.Snapshots {
			states = append(states, string(s.State))
		}
		slices.Sort(states)
		if diff := cmp.Diff([]string{"completed", "completed", "error"}, states); diff != "" {
			t.Errorf("snapshots (-want +got):\n%s", diff)
		}
	})
}

func imageState(t *testing.T, client *ec2.Client, name string) (state, reason string) {
	t.Helper()
	out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []types.Filter{filter("name", name)}})
	if err != nil {
		t.Fatal(err)
	}
	if why := out.Images[0].StateReason; why != nil {
		reason = aws.ToString(why.Message)
	}
	return string(out.Images[0].State), reason
}

func TestOnRequest_numbersTheRequests(t *testing.T) {
	var seen []string
	var inside *lab.Lab
	options := lab.Options{OnRequest: func(number int, action string) {
		if number == len(seen)+1 {
			seen = append(seen, action)
		}
		if number == 2 { // the hook may use the lab
			_, _ = inside.Order(lab.FailCall{Code: "UnauthorizedOperation"})
		}
	}}
	inWeather(t, options, func(t *testing.T, made *lab.Lab, client *ec2.Client) {
		inside = made
		image := baseImage(t, client, "x86_64")
		_, err := client.RunInstances(t.Context(), launchInput(image, 1))
		if got := code(t, err); got != "UnauthorizedOperation" {
			t.Errorf("the hook's order made it %q", got)
		}
		describe(t, client)
		if diff := cmp.Diff([]string{"DescribeImages", "RunInstances", "DescribeInstances"}, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOrder_refusals(t *testing.T) {
	inside, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for want, trouble := range map[string]lab.Trouble{
		"nth":              lab.FailCall{Nth: -1},
		"not both":         lab.FailCall{Cut: true, Torn: true},
		"no code":          lab.FailCall{Cut: true, Code: "InternalError"},
		"left":             lab.NoCapacity{Left: -1},
		"one of them":      lab.Impair{Instance: "i-1", Image: "ami-1"},
		"past":             lab.Impair{AfterSeconds: -1},
		"no such instance": lab.Impair{Instance: "i-0123456789abcdef0"},
	} {
		if _, err := inside.Order(trouble); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", trouble, err, want)
		}
	}
	if left := inside.Troubles(); len(left) != 0 {
		t.Errorf("refused troubles are ordered: %+v", left)
	}
}

func TestDoor_troubles(t *testing.T) {
	labtest.Bubble(t, lab.Options{}, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		for _, step := range []struct {
			method, path, body string
			status             int
			answer             string
		}{
			{"POST", "", `{"kind": "fail_call", "trouble": {"nth": 3, "action": "RunInstances", "cut": true}}`, 201, `{"id":"1"}`},
			{"POST", "", `{"kind": "no_capacity"}`, 201, `{"id":"2"}`},
			{"POST", "", `{"kind": "fail_call", "trouble": {"nth": -3}}`, 400, "nth counts from 1"},
			{"POST", "", `{"kind": "impair", "trouble": {"instance": "i-0123456789abcdef0"}}`, 404, "no such instance"},
			{"POST", "", `{"kind": "hail"}`, 400, "hold_image or fail_image"},
			{"POST", "", `{"kind": "fail_call", "trouble": {"third": true}}`, 400, "third"},
			{"POST", "", `{"sort": "fail_call"}`, 400, "sort"},
			{"DELETE", "/7", "", 404, "no such trouble"},
			{"DELETE", "/2", "", 204, ""},
			{
				"GET", "", "", 200,
				`[{"id":"1","kind":"fail_call","struck":0,"trouble":{"nth":3,"action":"RunInstances","cut":true}}]`,
			},
			{"DELETE", "", "", 204, ""},
			{"GET", "", "", 200, "[]"},
		} {
			status, answer := browse(t, client, step.method, labtest.Endpoint+"/_lab/troubles"+step.path, step.body)
			if status != step.status || !strings.Contains(answer, step.answer) {
				t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, answer, step.status, step.answer)
			}
		}
		if got, err := json.Marshal(inside.Troubles()); err != nil || string(got) != "[]" {
			t.Errorf("%s, %v are left", got, err)
		}
	})
}
