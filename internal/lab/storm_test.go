package lab_test

import (
	"maps"
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

// TestStorm_requests meets each kind of trouble alone, at one half of all launches of
// one instance.
func TestStorm_requests(t *testing.T) {
	const calls = 200
	for name, test := range map[string]struct {
		rates lab.Storm
		// want are the outcomes that there are beside success; effect tells whether those
		// calls have one.
		want   []string
		effect bool
	}{
		"calm":         {lab.Storm{}, nil, false},
		"throttle":     {lab.Storm{Throttle: 0.5}, []string{"RequestLimitExceeded"}, false},
		"error before": {lab.Storm{ErrorBefore: 0.5}, []string{"InternalError", "ServiceUnavailable"}, false},
		"error after":  {lab.Storm{ErrorAfter: 0.5}, []string{"InternalError", "ServiceUnavailable"}, true},
		"cut before":   {lab.Storm{CutBefore: 0.5}, []string{"cut"}, false},
		"cut after":    {lab.Storm{CutAfter: 0.5}, []string{"cut"}, true},
		"torn":         {lab.Storm{TornAnswer: 0.5}, []string{"cut"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var image string
			inWeather(t, lab.Options{}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
				image = baseImage(t, client, "x86_64")
			})
			inWeather(t, lab.Options{Storm: &test.rates}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
				got := map[string]int{}
				for range calls {
					_, err := client.RunInstances(t.Context(), launchInput(image, 1))
					got[outcome(t, err)]++
				}
				good := got[""]
				delete(got, "")
				if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(got))); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if test.want != nil && (good < calls/3 || good > calls*2/3) {
					t.Errorf("%d of %d calls are good, want about half", good, calls)
				}
				launched := good
				if test.effect {
					launched = calls
				}
				if left := countLeftovers(inside, "instance"); left != launched {
					t.Errorf("%d instances, want %d", left, launched)
				}
			})
		})
	}
}

// TestStorm_instances counts what befell 500 instances within an hour.
func TestStorm_instances(t *testing.T) {
	for name, test := range map[string]struct {
		rates lab.Storm
		want  string
	}{
		"failed launch":    {lab.Storm{FailedLaunch: 0.2}, "terminated Server.InternalError"},
		"impaired at boot": {lab.Storm{ImpairedAtBoot: 0.2}, "impaired"},
		"impaired later":   {lab.Storm{ImpairedLater: 0.2}, "impaired"},
		"vanished":         {lab.Storm{Vanished: 0.2}, "terminated Client.UserInitiatedShutdown"},
	} {
		t.Run(name, func(t *testing.T) {
			inWeather(t, lab.Options{Storm: &test.rates}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
				launch(t, client, 500)
				<-time.After(59 * time.Minute) // the terminated ones are still described
				got := map[string]int{}
				ended, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
					Filters: []types.Filter{filter("instance-state-name", "terminated")},
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, reservation := range ended.Reservations {
					for _, i := range reservation.Instances {
						got["terminated "+*i.StateReason.Code]++
					}
				}
				out, err := client.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
					Filters: []types.Filter{filter("instance-status.status", "impaired")},
				})
				if err != nil {
					t.Fatal(err)
				}
				if impaired := len(out.InstanceStatuses); impaired > 0 {
					got["impaired"] = impaired
				}
				if n := got[test.want]; len(got) != 1 || n < 70 || n > 130 {
					t.Errorf("of 500 instances: %v, want about 100 %q and nothing else", got, test.want)
				}
			})
		})
	}
}

func TestStorm_capacity(t *testing.T) {
	rates := lab.Storm{NoCapacity: 0.5}
	inWeather(t, lab.Options{Storm: &rates, Seed: 1}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		image := baseImage(t, client, "x86_64")
		subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
		if err != nil {
			t.Fatal(err)
		}
		// round tries six pools twice, and answers which have capacity.
		round := func() (open string) {
			for _, subnet := range subnets.Subnets {
				for _, kind := range []types.InstanceType{"t3.small", "t3.medium"} {
					var got []string
					for range 2 {
						_, err := client.RunInstances(t.Context(), launchInput(image, 1, func(in *ec2.RunInstancesInput) {
							in.SubnetId, in.InstanceType = subnet.SubnetId, kind
						}))
						got = append(got, code(t, err))
					}
					if got[0] != got[1] || got[0] != "" && got[0] != "InsufficientInstanceCapacity" {
						t.Errorf("%s %s: %q", *subnet.SubnetId, kind, got)
					}
					open += map[bool]string{true: "o", false: "-"}[got[0] == ""]
				}
			}
			return open
		}
		first := round()
		<-time.After(11 * time.Minute)
		second := round()
		if !strings.Contains(first, "o") || !strings.Contains(first, "-") || first == second {
			t.Errorf("pools with capacity: %s, later %s; want some, and others later", first, second)
		}
	})
}

func TestStorm_partialLaunches(t *testing.T) {
	rates := lab.Storm{PartialLaunch: 0.5}
	inWeather(t, lab.Options{Storm: &rates}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		image := baseImage(t, client, "x86_64")
		full := 0
		for range 40 {
			out, err := client.RunInstances(t.Context(), launchInput(image, 50, func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(10) }))
			if err != nil {
				t.Fatal(err)
			}
			switch n := len(out.Instances); {
			case n == 50:
				full++
			case n < 10:
				t.Errorf("%d launched, want at least 10", n)
			}
			if got := len(launch(t, client, 2)); got != 2 {
				t.Errorf("%d launched, want both", got)
			}
		}
		if full < 10 || full > 30 {
			t.Errorf("%d of 40 launches are full, want about half", full)
		}
	})
}

func TestStorm_images(t *testing.T) {
	rates := lab.Storm{FailedImage: 0.5}
	inWeather(t, lab.Options{Storm: &rates}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		describe(t, client)
		got := map[string]int{}
		for i := range 40 {
			name := "image " + strings.Repeat("x", i)
			if _, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: &name}); err != nil {
				t.Fatal(err)
			}
			state, _ := imageState(t, client, name)
			got[state]++
		}
		if got["failed"] < 10 || got["failed"] > 30 || got["failed"]+got["available"] != 40 {
			t.Errorf("%v, want about half of 40 failed", got)
		}
	})
}

// TestStorm_comesThrough holds that who retries gets a fleet in storm weather, and that
// a storm can be repeated.
func TestStorm_comesThrough(t *testing.T) {
	fleet := func() (took time.Duration, troubles int) {
		inWeather(t, lab.Options{Weather: "storm", Seed: 3}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
			begun := time.Now()
			image := patiently(t, func() (string, error) {
				out, err := client.DescribeImages(t.Context(), &ec2.DescribeImagesInput{
					Owners: []string{"amazon"}, Filters: []types.Filter{filter("architecture", "x86_64")},
				})
				if err != nil {
					return "", err
				}
				return *out.Images[0].ImageId, nil
			})
			for at := range 20 {
				token := strings.Repeat("t", at+1)
				patiently(t, func() (*ec2.RunInstancesOutput, error) {
					return client.RunInstances(t.Context(), launchInput(image, 10, withToken(token)))
				})
			}
			if got := countLeftovers(inside, "instance"); got < 190 || got > 200 {
				t.Errorf("%d instances, want the 200 asked for, or a few less", got)
			}
			took = time.Since(begun)
			for _, minute := range inside.History().Minutes {
				for _, counts := range []map[string]int{minute.Throttled, minute.Failed} {
					for _, count := range counts {
						troubles += count
					}
				}
			}
		})
		return took, troubles
	}
	first, troubles := fleet()
	if troubles == 0 {
		t.Error("nothing went wrong in a storm")
	}
	if again, _ := fleet(); again != first {
		t.Errorf("the same storm took %s, then %s", first, again)
	}
}

// patiently calls until it is answered well.
func patiently[T any](t *testing.T, call func() (T, error)) T {
	t.Helper()
	var last error
	for range 100 {
		out, err := call()
		if err == nil {
			return out
		}
		last = err
		<-time.After(5 * time.Second)
	}
	t.Fatal(last)
	panic("unreachable")
}

func TestStorm_refusesRates(t *testing.T) {
	for _, rate := range []float64{-0.1, 1.1} {
		if _, err := lab.New(lab.Options{Storm: &lab.Storm{Vanished: rate}}); err == nil || !strings.Contains(err.Error(), "Vanished") {
			t.Errorf("rate %g: %v, want an error that names it", rate, err)
		}
	}
}
