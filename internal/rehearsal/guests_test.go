package rehearsal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// TestInside_saysWhatTheScriptSays bakes with the provider's own script, in aws weather,
// and reads the report.
func TestInside_saysWhatTheScriptSays(t *testing.T) {
	bake := guest.Bake{
		Nonce: "n1",
		Steps: []guest.Step{
			{Name: "app's files", Upload: &guest.Upload{Destination: "/opt/app", Files: []guest.File{{Mode: "0644", Content: []byte("app")}}}},
			{Name: "install", Script: "true"},
		},
		Checks: []guest.Check{{Name: "health", Script: strings.Repeat("true\n", 10000)}}, // compressed
	}
	passed := []string{`step "app's files"`, `step "install"`, `check "health"`}
	for failing, want := range map[string]guest.Report{
		"": {Started: true, Done: true, Passed: passed},
		"install": {Started: true, Done: true, Passed: passed[:1], Failure: &guest.Failure{
			Phase: "step", Name: "install", ExitCode: 3, Attempts: 1, Output: "install was told to fail",
		}},
	} {
		t.Run(fmt.Sprintf("failing %q", failing), func(t *testing.T) {
			inside := rehearsal.Inside{Fails: func(_ guests.Spec, phase, name string) int {
				if phase == guest.PhaseStep && name == failing {
					return 3
				}
				return 0
			}}
			rehearsal.Run(t, lab.Options{Weather: "aws", Guests: inside.Host()}, func(t *testing.T, stage *rehearsal.Stage) {
				script, err := bake.Script()
				if err != nil {
					t.Fatal(err)
				}
				userData, err := guest.Encode(script)
				if err != nil {
					t.Fatal(err)
				}
				builders, err := stage.Region.RunInstances(t.Context(), cloud.Launch{
					ImageID: stage.BaseImageID(), InstanceType: "t3.small", MinCount: 1, MaxCount: 1, UserData: userData,
				})
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(10 * time.Minute)
				text, err := stage.Region.ConsoleOutput(t.Context(), builders[0].ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, guest.ParseConsole("n1", text)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				found, err := stage.Region.Instances(t.Context(), cloud.InstanceQuery{IDs: []string{builders[0].ID}})
				if err != nil {
					t.Fatal(err)
				}
				if found[0].State != "stopped" {
					t.Errorf("the builder is %s, want stopped", found[0].State)
				}
			})
		})
	}
}

// TestInside_loadsWhatIsStaged: user data may be no more than a script that fetches the real
// one, and becomes it.
func TestInside_loadsWhatIsStaged(t *testing.T) {
	bake := guest.Bake{Nonce: "n1", Steps: []guest.Step{{Name: "install", Script: "true"}}}
	script, err := bake.Script()
	if err != nil {
		t.Fatal(err)
	}
	staged, err := guest.Stage(script)
	if err != nil {
		t.Fatal(err)
	}
	inside := rehearsal.Inside{Fetch: func(url string) ([]byte, error) {
		if url != "https://bucket/key" {
			return nil, fmt.Errorf("nothing is at %s", url)
		}
		return staged.Content, nil
	}}
	rehearsal.Run(t, lab.Options{Guests: inside.Host()}, func(t *testing.T, stage *rehearsal.Stage) {
		builders, err := stage.Region.RunInstances(t.Context(), cloud.Launch{
			ImageID: stage.BaseImageID(), InstanceType: "t3.small", MinCount: 1, MaxCount: 1, UserData: staged.Loader("n1", "https://bucket/key", false),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Minute)
		text, err := stage.Region.ConsoleOutput(t.Context(), builders[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		want := guest.Report{Started: true, Done: true, Passed: []string{`step "install"`}}
		if diff := cmp.Diff(want, guest.ParseConsole("n1", text)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
