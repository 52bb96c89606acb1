package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// byCommands is a spec with a step of every kind, for Run Command.
func byCommands(text string) Spec {
	spec := script(text)
	spec.Bake.Transport, spec.Bake.InstanceProfile = TransportSSM, "bake"
	spec.Bake.Steps = append(spec.Bake.Steps, guest.Step{Name: "kernel", Reboot: true}, guest.Step{Name: "last", Script: "true"})
	return spec
}

func TestCommand_bakesAndProves(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		result := b.apply(byCommands("a"))
		if current := result.Line.Current(); current == nil || current.VerifiedAt.IsZero() || current.Tags[cloud.TagIdentity] != "machine-id=0123456789abcdef" {
			t.Fatalf("current is %+v", current)
		}
		b.only(1)
		b.destroy()
	})
}

func TestCommand_failures(t *testing.T) {
	for _, phase := range []string{guest.PhaseStep, guest.PhaseCheck} {
		t.Run(phase, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				b.breaks(phase)
				_, err := b.try(byCommands("a"))
				failed, ok := errors.AsType[*guest.Failure](err)
				if !ok || failed.Phase != phase || !strings.Contains(failed.Output, "was told to fail") {
					t.Errorf("got %v", err)
				}
				b.only(0)
			})
		})
	}
}

// Cut at any request, a bake by commands goes on where it was. That no step runs twice is
// for the scripts to see to, and tested with them.
func TestCommand_cutAnywhere(t *testing.T) {
	cutEverywhere(t, rehearsal.Cut{After: true, Dead: true}, byCommands("a"), byCommands("b"), 2)
}

// What keeps the agent away is said as far as it can be seen.
func TestCommand_anAgentThatDoesNotCome(t *testing.T) {
	for name, test := range map[string]struct {
		profile string
		guests  guests.Host
	}{"no profile": {"", nil}, "no agent": {"bake", guests.None("there is no agent either")}} {
		t.Run(name, func(t *testing.T) {
			b := newBakery()
			host := test.guests
			if host == nil {
				host = b.host()
			}
			rehearsal.Run(t, lab.Options{Seed: 1, Guests: host}, func(t *testing.T, stage *rehearsal.Stage) {
				b.Stage, b.t = stage, t
				spec := byCommands("a")
				spec.Bake.InstanceProfile = test.profile
				_, err := b.try(spec)
				failure, ok := asFailure(err)
				if !ok {
					t.Fatalf("no failure: %v", err)
				}
				golden(t, "agent, "+name, failure.Summary+"\n\n"+failure.Detail()+"\n")
				b.only(0)
			})
		})
	}
}

// A command beside the provider finds the builder's address, and fails like any other.
func TestCommand_localSteps(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		told := filepath.Join(t.TempDir(), "told")
		spec := byCommands("a")
		spec.Bake.Secrets = map[string]string{"TOKEN": "hunter2-long"}
		spec.Bake.Steps = []guest.Step{{
			Name: "here", Environment: map[string]string{"A": "b"},
			Local: `echo "$STAMP_INSTANCE_ID $STAMP_PRIVATE_IP $STAMP_REGION $A $TOKEN" >> ` + told,
		}}
		b.apply(spec)
		said, err := os.ReadFile(told)
		if err != nil || !regexp.MustCompile(`^i-[0-9a-f]+ 172\.31\.\d+\.\d+ us-east-1 b hunter2-long\n$`).Match(said) {
			t.Errorf("it told %q, %v", said, err)
		}
		spec.Bake.Steps[0].Local, spec.Bake.Steps[0].Retries = `echo "no $TOKEN"; exit 7`, 1
		_, err = b.try(spec)
		failed, ok := errors.AsType[*guest.Failure](err)
		if !ok || failed.ExitCode != 7 || failed.Attempts != 2 || failed.Output != "no ***" {
			t.Errorf("got %v", err)
		}
		spec.Bake.Steps[0].ExitCodes = []int{7}
		b.apply(spec)
		b.destroy()
	})
}

// The same in the weather that AWS has, and in storms.
func TestCommand_inBadWeather(t *testing.T) {
	for _, weather := range []struct {
		name string
		seed uint64
	}{{"aws", 1}, {"storm", 1}, {"storm", 2}, {"storm", 3}} {
		t.Run(fmt.Sprintf("%s %d", weather.name, weather.seed), func(t *testing.T) {
			inWeather(t, weather.name, weather.seed, func(t *testing.T, b *bakery) {
				b.persist(byCommands("a"))
				timer := time.NewTimer(time.Hour) // until what ends has ended
				<-timer.C
				b.destroy()
			})
		})
	}
}
