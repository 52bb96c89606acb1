package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// counted is a stretch, with its start as the time since the beginning.
type counted struct {
	Start                       time.Duration
	Requests, Throttled, Failed map[string]int
}

func TestHistory_countsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{Speed: 2})
		if err != nil {
			t.Fatal(err)
		}
		begun := inside.History().Now.Truncate(time.Minute)
		client := ec2.NewFromConfig(config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside)))
		image := baseImage(t, client, "x86_64")
		for _, count := range []int32{1, 0, 1001} { // launched, refused, throttled
			_, _ = client.RunInstances(t.Context(), launchInput(image, count))
		}
		<-time.After(time.Minute) // two of the lab's
		describe(t, client)
		describe(t, client)

		got := inside.History()

		first := map[string]int{"DescribeImages": 1, "RunInstances": 3}
		want := []counted{
			{0, first, map[string]int{"RunInstances": 1}, map[string]int{"RunInstances": 1}},
			{2 * time.Minute, map[string]int{"DescribeInstances": 2}, map[string]int{}, map[string]int{}},
		}
		for _, stretches := range [][]lab.Stretch{got.Seconds, got.Minutes} {
			var read []counted
			for _, s := range stretches {
				read = append(read, counted{s.Start.Sub(begun), s.Requests, s.Throttled, s.Failed})
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}

		<-time.After(10 * time.Minute)
		if later := inside.History(); len(later.Seconds) != 0 || len(later.Minutes) != 2 {
			t.Errorf("twenty minutes later %d seconds and %d minutes are left, want 0 and 2", len(later.Seconds), len(later.Minutes))
		}
	})
}
