package lab_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

var awsWeather = lab.Options{Weather: "aws", Seed: 1}

// served counts how many requests of a burst are served before one is throttled.
func served(t *testing.T, most int, call func() error) int {
	t.Helper()
	for n := range most {
		err := call()
		if code(t, err) == "RequestLimitExceeded" {
			refused, ok := errors.AsType[*smithyhttp.ResponseError](err)
			if !ok || refused.HTTPStatusCode() != http.StatusServiceUnavailable {
				t.Errorf("%v, want HTTP 503", err)
			}
			return n
		}
	}
	return most
}

// TestAWS_requestBuckets empties buckets, and finds what came back after ten seconds.
// Each request takes 2 ms, in which a bucket that gets 20 tokens a second regains 0.04.
func TestAWS_requestBuckets(t *testing.T) {
	id := []string{"i-0123456789abcdef0"}
	for name, test := range map[string]struct {
		call         func(*testing.T, *ec2.Client) error
		burst, later int
	}{
		"filtered": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("tag:a", "b")}})
			return err
		}, 104, 104},
		"paged": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
			return err
		}, 104, 104},
		"neither filtered nor paged": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
			return err
		}, 51, 51},
		"a read that has no such bucket": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
			return err
		}, 104, 104},
		"launch": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.RunInstances(t.Context(), launchInput("ami-0123456789abcdef0", 1))
			return err
		}, 5, 5},
		"end": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: id})
			return err
		}, 101, 50},
		"change": {func(t *testing.T, c *ec2.Client) error {
			_, err := c.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: id})
			return err
		}, 50, 50},
	} {
		t.Run(name, func(t *testing.T) {
			inWeather(t, awsWeather, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
				call := func() error { return test.call(t, client) }
				if got := served(t, 200, call); got != test.burst {
					t.Errorf("%d are served at once, want %d", got, test.burst)
				}
				<-time.After(10 * time.Second)
				if got := served(t, 200, call); got != test.later {
					t.Errorf("%d are served ten seconds later, want %d", got, test.later)
				}
				throttled := 0
				for _, count := range inside.Books().Throttled {
					throttled += count
				}
				if throttled != 2 {
					t.Errorf("the books have %d throttled requests, want 2", throttled)
				}
			})
		})
	}
}

func TestAWS_resourceBuckets(t *testing.T) {
	inWeather(t, awsWeather, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		image := baseImage(t, client, "x86_64")
		run := func(count int32, token string) error {
			_, err := client.RunInstances(t.Context(), launchInput(image, count, withToken(token)))
			return err
		}
		for _, step := range []struct {
			wait  time.Duration
			count int32
			token string
			want  string
		}{
			{0, 600, "a", ""},
			{0, 500, "b", "RequestLimitExceeded"}, // takes nothing
			{0, 600, "a", ""},                     // made already: takes nothing
			{0, 400, "c", ""},
			{time.Second, 4, "d", "RequestLimitExceeded"},
			{time.Second, 4, "d", ""},
			{time.Minute, 120, "e", ""},
		} {
			<-time.After(step.wait)
			if got := code(t, run(step.count, step.token)); got != step.want {
				t.Errorf("%d after %s more: %q, want %q", step.count, step.wait, got, step.want)
			}
		}
		if got := countLeftovers(inside, "instance"); got != 1124 {
			t.Errorf("%d instances, want 1124", got)
		}
		if diff := cmp.Diff(map[string]int{"RunInstances": 2}, inside.Books().Throttled); diff != "" {
			t.Errorf("throttled (-want +got):\n%s", diff)
		}
	})
}

func TestAWS_endsByTheThousand(t *testing.T) {
	inWeather(t, awsWeather, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		launched := idsOf(launch(t, client, 1000))
		<-time.After(time.Minute)
		launched = append(launched, idsOf(launch(t, client, 100))...)
		<-time.After(time.Minute)
		end := func(ids []string) string {
			_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
			return code(t, err)
		}
		for _, step := range []struct {
			wait  time.Duration
			ids   []string
			wants string
		}{
			{0, launched[:1000], ""},
			{0, launched[1000:], "RequestLimitExceeded"},
			{5 * time.Second, launched[1000:], ""},
		} {
			<-time.After(step.wait)
			if got := end(step.ids); got != step.wants {
				t.Errorf("%d after %s: %q, want %q", len(step.ids), step.wait, got, step.wants)
			}
		}
	})
}

// TestAWS_takesItsTime walks an instance and its image through their states.
func TestAWS_takesItsTime(t *testing.T) {
	inWeather(t, awsWeather, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		begun := time.Now()
		id := *launch(t, client, 1)[0].InstanceId
		within := func(what string, least, most time.Duration, reached func() bool) {
			t.Helper()
			for !reached() {
				<-time.After(time.Second)
			}
			if took := time.Since(begun); took < least || took > most+2*time.Second {
				t.Errorf("%s after %s, want between %s and %s", what, took, least, most)
			}
			begun = time.Now()
		}
		in := func(state types.InstanceStateName) func() bool {
			return func() bool {
				out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
				return err == nil && out.Reservations[0].Instances[0].State.Name == state
			}
		}
		healthy := func() bool {
			out, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})
			if err != nil || len(out.InstanceStatuses) == 0 {
				return false
			}
			status := out.InstanceStatuses[0].InstanceStatus.Status
			if status != types.SummaryStatusInitializing && status != types.SummaryStatusOk {
				t.Fatalf("the status is %s", status)
			}
			return status == types.SummaryStatusOk
		}

		within("running", 5*time.Second, time.Minute, in(types.InstanceStateNameRunning))
		within("healthy", time.Minute, 4*time.Minute, healthy)
		_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		within("stopped", 10*time.Second, 2*time.Minute, in(types.InstanceStateNameStopped))
		captured, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: aws.String("web")})
		if err != nil {
			t.Fatal(err)
		}
		within("available", time.Minute, 8*time.Minute, func() bool {
			out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*captured.ImageId}})
			return err == nil && out.Images[0].State == types.ImageStateAvailable
		})
		if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		within("terminated", 15*time.Second, 2*time.Minute, in(types.InstanceStateNameTerminated))
	})
}

// TestAWS_eventuallyConsistent looks at once, and until everything is seen.
func TestAWS_eventuallyConsistent(t *testing.T) {
	inWeather(t, awsWeather, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		ids := idsOf(launch(t, client, 100, func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{
				ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("fleet"), Value: aws.String("web")}},
			}}
		}))
		tagged := func(key, value string) int {
			out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("tag:"+key, value)}})
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for _, reservation := range out.Reservations {
				count += len(reservation.Instances)
			}
			return count
		}
		byID := func() string {
			_, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
			return code(t, err)
		}
		tag := func(value string) string {
			_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{
				Resources: ids, Tags: []types.Tag{{Key: aws.String("fleet"), Value: &value}},
			})
			return code(t, err)
		}

		if got := byID(); got != "InvalidInstanceID.NotFound" {
			t.Errorf("by id at once: %q", got)
		}
		if got := tag("db"); got != "InvalidInstanceID.NotFound" {
			t.Errorf("tagged at once: %q", got)
		}
		<-time.After(500 * time.Millisecond)
		if got := tagged("fleet", "web"); got == 0 || got == 100 {
			t.Errorf("%d of 100 are seen after half a second, want some", got)
		}
		<-time.After(4 * time.Second)
		if got := tagged("fleet", "web"); got != 100 {
			t.Errorf("%d of 100 are seen in the end", got)
		}
		if got := byID(); got != "" {
			t.Errorf("by id in the end: %q", got)
		}

		if got := tag("db"); got != "" {
			t.Fatal(got)
		}
		<-time.After(500 * time.Millisecond)
		if web, db := tagged("fleet", "web"), tagged("fleet", "db"); web == 0 || db == 0 || web+db != 100 {
			t.Errorf("half a second after they were tagged anew %d are seen as web and %d as db, want some of each", web, db)
		}
		<-time.After(4 * time.Second)
		if got := tagged("fleet", "db"); got != 100 {
			t.Errorf("%d of 100 are seen as db in the end", got)
		}
	})
}

func TestAWS_newImagesAreNotSeen(t *testing.T) {
	inWeather(t, awsWeather, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		<-time.After(2 * time.Minute)
		capture := func() (*ec2.CreateImageOutput, error) {
			return client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: aws.String("web")})
		}
		made, err := capture()
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*made.ImageId}})
		if got := code(t, err); got != "InvalidAMIID.NotFound" {
			t.Errorf("described at once: %q", got)
		}
		_, err = client.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: made.ImageId})
		if got := code(t, err); got != "InvalidAMIID.NotFound" {
			t.Errorf("deregistered at once: %q", got)
		}
		_, err = capture() // what is not seen yet has its name all the same
		if got := code(t, err); got != "InvalidAMIName.Duplicate" {
			t.Errorf("captured twice: %q", got)
		}
	})
}

// TestWeather_isRepeatable holds that the same seed makes the same times, and another
// seed others.
func TestWeather_isRepeatable(t *testing.T) {
	running := func(seed uint64) (took time.Duration) {
		inWeather(t, lab.Options{Weather: "aws", Seed: seed}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
			begun := time.Now()
			id := *launch(t, client, 1)[0].InstanceId
			<-time.After(4 * time.Second)
			for describe(t, client, id)[0].State.Name != types.InstanceStateNameRunning {
				<-time.After(100 * time.Millisecond)
			}
			took = time.Since(begun)
		})
		return took
	}
	first, again, other := running(1), running(1), running(2)
	if first != again || first == other {
		t.Errorf("two labs of seed 1 took %s and %s, one of seed 2 %s", first, again, other)
	}
}
