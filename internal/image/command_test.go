package image

import (
	"context"
	"encoding/base64"
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

// notes is what our script notes on a guest's disk.
type notes struct {
	// said is what each item that is done has said.
	said map[string]string
	// ran counts how often each item really ran.
	ran map[string]int
	// asked is set for items that have asked for a restart.
	asked map[string]bool
}

var (
	payload  = regexp.MustCompile(`printf %s '([A-Za-z0-9+/=]+)'`)
	itemLine = regexp.MustCompile(`(?m)^(?:if )?(stamp_do|stamp_reboot|stamp_mark|stamp_begin|stamp_differ) (\d+) (.*)$`)
	quoted   = regexp.MustCompile(`'([^']*)'`)
)

// execute plays the agent and our script: it runs each item once, and tells again what
// is done.
func (b *bakery) execute(ctx context.Context, spec guests.Spec, m *guests.Machine, command guests.Command) (guests.Result, error) {
	found := payload.FindStringSubmatch(command.Script)
	if found == nil {
		return guests.Result{ExitCode: 1, Errors: "not one of our commands"}, nil
	}
	packed, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil {
		return guests.Result{}, err
	}
	script := string(unpacked(packed))
	prefix := "stamp-" + nonceLine.FindStringSubmatch(script)[1] + " "
	timer := time.NewTimer(b.lasts / 10)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return guests.Result{}, ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.notes == nil {
		b.notes = map[string]*notes{}
	}
	kept := b.notes[spec.InstanceID]
	if kept == nil {
		kept = &notes{map[string]string{}, map[string]int{}, map[string]bool{}}
		b.notes[spec.InstanceID] = kept
	}
	output := prefix + "begin\n"
	switch {
	case strings.Contains(script, "\nstamp_survey\n"):
		for number := range kept.said {
			output += prefix + "done " + number + "\n"
		}
	case strings.Contains(script, "\nstamp_depart\n"):
		output += prefix + "identity machine-id 0123456789abcdef\n"
		time.AfterFunc(5*time.Second, func() {
			_, _ = fmt.Fprintf(m.Console, "%send ok\n", prefix)
			m.PowerOff()
		})
	default:
		_, work, _ := strings.Cut(script, "stamp_main() {")
		text, restarts := b.item(kept, prefix, itemLine.FindStringSubmatch(work), len(m.Layers) > 0)
		output += text
		if restarts {
			return guests.Result{Output: output + prefix + "end rebooting\n"}, nil
		}
	}
	if strings.Contains(output, prefix+"fail ") {
		return guests.Result{Output: output + prefix + "end failed\n"}, nil
	}
	return guests.Result{Output: output + prefix + "end ok\n"}, nil
}

// item does one item, unless it is done.
func (b *bakery) item(kept *notes, prefix string, item []string, proof bool) (output string, restarts bool) {
	kind, number := item[1], item[2]
	name := "machine-id"
	if found := quoted.FindStringSubmatch(item[3]); found != nil {
		name = found[1]
	}
	phase := guest.PhaseStep
	if strings.HasPrefix(item[3], guest.PhaseCheck) {
		phase = guest.PhaseCheck
	}
	if kind == "stamp_differ" {
		phase = guest.PhaseIdentity
	}
	if said, done := kept.said[number]; done {
		return said, false
	}
	if kind == "stamp_reboot" && !kept.asked[number] {
		kept.asked[number] = true
		return "", true
	}
	kept.ran[number]++
	said := fmt.Sprintf("%sstart %s %s\n%sout 1 what it printed\n", prefix, phase, name, prefix)
	if name == "install" && b.builderFails || phase == guest.PhaseCheck && proof && b.proofFails {
		said += fmt.Sprintf("%sfail %s exit=3 how=exit attempts=1 %s\n%sout 1 it is broken\n", prefix, phase, name, prefix)
	} else {
		said += fmt.Sprintf("%spass %s %s\n", prefix, phase, name)
	}
	kept.said[number] = said
	return said, false
}

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
		for id, kept := range b.notes {
			for number, times := range kept.ran {
				if times != 1 {
					t.Errorf("item %s of %s ran %d times", number, id, times)
				}
			}
		}
		b.only(1)
		b.destroy("web")
	})
}

func TestCommand_failures(t *testing.T) {
	for phase, breaks := range map[string]func(b *bakery){
		guest.PhaseStep:  func(b *bakery) { b.builderFails = true },
		guest.PhaseCheck: func(b *bakery) { b.proofFails = true },
	} {
		t.Run(phase, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				breaks(b)
				_, err := b.try(t.Context(), byCommands("a"))
				failed, ok := errors.AsType[*guest.Failure](err)
				if !ok || failed.Phase != phase || failed.Output != "it is broken" {
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
			b := &bakery{lasts: time.Minute}
			host := test.guests
			if host == nil {
				host = &guests.Scripted{Boot: b.boot, Executed: b.execute}
			}
			rehearsal.Run(t, lab.Options{Seed: 1, Guests: host}, func(t *testing.T, stage *rehearsal.Stage) {
				b.Stage, b.t = stage, t
				spec := byCommands("a")
				spec.Bake.InstanceProfile = test.profile
				_, err := b.try(t.Context(), spec)
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
		_, err = b.try(t.Context(), spec)
		failed, ok := errors.AsType[*guest.Failure](err)
		if !ok || failed.ExitCode != 7 || failed.Attempts != 2 || failed.Output != "no ***" {
			t.Errorf("got %v", err)
		}
		spec.Bake.Steps[0].ExitCodes = []int{7}
		b.apply(spec)
		b.destroy("web")
	})
}
