package lab_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// TestAWS_guestsBootWhenTheyRun holds that a guest begins when its instance is running,
// at any speed.
func TestAWS_guestsBootWhenTheyRun(t *testing.T) {
	for _, speed := range []float64{1, 20} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			var booted chan time.Time // of the bubble
			host := &guests.Scripted{Boot: func(guests.Spec, *guests.Machine) { booted <- time.Now() }}
			options := lab.Options{Weather: "aws", Seed: 1, Speed: speed, Guests: host}
			inWeather(t, options, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
				booted = make(chan time.Time, 1)
				begun := time.Now()
				id := *launch(t, client, 1)[0].InstanceId
				at := <-booted
				if took := time.Duration(float64(at.Sub(begun)) * speed); took < 5*time.Second || took > time.Minute {
					t.Errorf("the guest began after %s of the lab's time, want between 5 s and a minute", took)
				}
				if got := describe(t, client, id)[0].State.Name; got != types.InstanceStateNameRunning {
					t.Errorf("its instance is %s, want running", got)
				}
				if passed := inside.History().Now.Sub(begun); passed < time.Duration(float64(at.Sub(begun))*speed) {
					t.Errorf("the lab's clock went on by %s only", passed)
				}
			})
		})
	}
}

// TestAWS_guestsThatAreNotWanted ends instances before their guests could begin, and
// the lab while one is on its way.
func TestAWS_guestsThatAreNotWanted(t *testing.T) {
	host := &guests.Scripted{Boot: func(guests.Spec, *guests.Machine) { t.Error("a guest began") }}
	inWeather(t, lab.Options{Weather: "aws", Guests: host}, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		launched := launch(t, client, 2)
		if err := inside.SetState(*launched[0].InstanceId, "terminated"); err != nil {
			t.Fatal(err)
		}
		if err := inside.SetState(*launched[1].InstanceId, "stopped"); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		launch(t, client, 1)
	})
}
