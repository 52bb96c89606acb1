package lab_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// A neighbour who uses four fifths of each bucket leaves a fifth of what it holds and of
// what comes back: of the 100 tokens of TerminateInstances 20, and one each second.
func TestNeighbour(t *testing.T) {
	options := awsWeather
	options.Neighbour = 0.8
	inWeather(t, options, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		end := func() error {
			_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}})
			return err
		}
		if got := served(t, 150, end); got != 20 {
			t.Errorf("%d are served at once, want 20", got)
		}
		<-time.After(10 * time.Second)
		if got := served(t, 150, end); got != 10 {
			t.Errorf("%d are served ten seconds later, want 10", got)
		}
	})
}

func TestNeighbour_leavesSomething(t *testing.T) {
	for _, share := range []float64{-0.1, 1, 1.5} {
		if _, err := lab.New(lab.Options{Neighbour: share}); err == nil {
			t.Errorf("a lab with a neighbour of %g: want an error", share)
		}
	}
}
