package lab_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// answers is a guest that answers health checks with an exit code and an output.
type answers struct {
	asked  atomic.Value
	answer atomic.Value
}

type said struct {
	output   string
	exitCode int
}

func (a *answers) host() *guests.Scripted {
	return &guests.Scripted{Command: func(_ context.Context, _ guests.Spec, _ *guests.Machine, script string) (string, int, error) {
		a.asked.Store(script)
		answer, _ := a.answer.Load().(said)
		return answer.output, answer.exitCode, nil
	}}
}

// probing is a group in use, whose one target is a guest.
func probing(t *testing.T, guest *answers, change ...grouping) (b *balancing, group string) {
	t.Helper()
	inside, err := lab.New(lab.Options{Guests: guest.host()})
	if err != nil {
		t.Fatal(err)
	}
	shared := config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside))
	b = &balancing{ec2: ec2.NewFromConfig(shared), elb: elb.NewFromConfig(shared)}
	b.vpc = defaultVPC(t, b.ec2)
	group = *b.group(t, "web", change...).TargetGroupArn
	ids := b.inZone(t, "a", 1)
	<-time.After(time.Minute)
	if err := b.register(t, group, ids...); err != nil {
		t.Fatal(err)
	}
	b.use(t, group)
	return b, group
}

// look looks at the lab until the next check is over.
func (b *balancing) look(t *testing.T, group string) string {
	t.Helper()
	<-time.After(2 * time.Second)
	b.health(t, group)
	synctest.Wait()
	return b.health(t, group)
}

func TestTargetHealth_asksTheGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guest := &answers{}
		guest.answer.Store(said{output: "503"})
		b, group := probing(t, guest, func(in *elb.CreateTargetGroupInput) {
			in.HealthCheckPath, in.HealthCheckPort = aws.String("/up"), aws.String("9000")
		})

		for at, want := range []string{
			"initial Elb.InitialHealthChecking", "unhealthy Target.ResponseCodeMismatch", "unhealthy Target.ResponseCodeMismatch",
		} {
			if got := b.look(t, group); got != want {
				t.Errorf("bad answer %d: %q, want %q", at+1, got, want)
			}
		}
		if script, _ := guest.asked.Load().(string); !strings.Contains(script, "'http://127.0.0.1:9000/up'") {
			t.Errorf("the guest was asked %q", script)
		}
		guest.answer.Store(said{output: "200"})
		for at, want := range []string{
			"unhealthy Target.ResponseCodeMismatch", "unhealthy Target.ResponseCodeMismatch", "unhealthy Target.ResponseCodeMismatch",
			"unhealthy Target.ResponseCodeMismatch", "healthy",
		} {
			if got := b.look(t, group); got != want {
				t.Errorf("good answer %d: %q, want %q", at+1, got, want)
			}
		}
	})
}

func TestTargetHealth_ofGuests(t *testing.T) {
	for name, test := range map[string]struct {
		answer said
		want   string
	}{
		"one good answer is enough": {said{output: "200"}, "healthy"},
		"nothing listens":           {said{exitCode: 7}, "unhealthy Target.FailedHealthChecks"},
		"no answer in time":         {said{exitCode: 28}, "unhealthy Target.Timeout"},
		"nothing to ask with":       {said{exitCode: 127}, "healthy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				guest := &answers{}
				guest.answer.Store(test.answer)
				b, group := probing(t, guest)
				b.look(t, group)
				if got := b.look(t, group); got != test.want {
					t.Errorf("%q, want %q", got, test.want)
				}
			})
		})
	}
}
