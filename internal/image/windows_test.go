package image

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// ofWindows is a spec with a step of every kind, on Amazon's image of Windows.
func ofWindows(text string) Spec {
	spec := byCommands(text)
	spec.Source = Source{SSMParameter: "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"}
	spec.Bake.Steps[0].Upload = &guest.Upload{Destination: `C:\app\app.txt`, Files: []guest.File{{Mode: "0644", Content: []byte("app")}}}
	return spec
}

func TestWindows_bakesAndProves(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		result := b.apply(ofWindows("exit 0"))
		current := result.Line.Current()
		if current == nil || current.VerifiedAt.IsZero() || current.Platform != PlatformWindows || current.Tags[cloud.TagIdentity] != "machine-id=0123456789abcdef" {
			t.Fatalf("current is %+v", current)
		}
		b.only(1)
		// Changed checks are proved on an instance of the image alone, which says itself what it is.
		changed := ofWindows("exit 0")
		changed.Verify.Checks[0].Script = "exit 0 # really"
		if proved := b.apply(changed).Line.Current(); proved.Number != current.Number || !proved.VerifiedAt.After(current.VerifiedAt) {
			t.Errorf("proved again: %+v", proved)
		}
		b.destroy()
	})
}

func TestWindows_failures(t *testing.T) {
	for phase, part := range map[string]string{guest.PhaseStep: "app", guest.PhaseCheck: "ok", guest.PhaseCleanUp: "machine_id"} {
		t.Run(phase, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				b.breaks(phase)
				_, err := b.try(ofWindows("exit 0"))
				failed, ok := errors.AsType[*guest.Failure](err)
				if !ok || failed.Phase != phase || failed.Name != part || !strings.Contains(failed.Output, "was told to fail") {
					t.Errorf("got %v", err)
				}
				b.only(0)
			})
		})
	}
}

// Cut at any request, a bake of Windows goes on where it was.
func TestWindows_cutAnywhere(t *testing.T) {
	cutEverywhere(t, rehearsal.Cut{After: true, Dead: true}, ofWindows("exit 0"), ofWindows("exit 0 # again"), 2)
}

// A session on Windows is no SSH session.
func TestWindows_isKeptToBeLookedAt(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.breaks(guest.PhaseStep)
		spec := ofWindows("exit 0")
		spec.KeepFailed = true
		_, err := b.try(spec)
		failure, ok := asFailure(err)
		if !ok || !strings.Contains(failure.Next, "aws ssm start-session") || strings.Contains(failure.Next, "ssh") {
			t.Errorf("got %v", err)
		}
		b.destroy()
	})
}

// Where the source is known in the apply alone, what cannot be is refused before anything
// is launched.
func TestWindows_isRefusedOverUserData(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := ofWindows("exit 0")
		spec.Bake.Transport = TransportUserData
		_, err := b.try(spec)
		if refused, ok := errors.AsType[*TransportError](err); !ok || !strings.Contains(refused.Error(), `bake.transport = "ssm"`) {
			t.Errorf("got %v", err)
		}
		b.only(0)
	})
	spec := ofWindows("exit 0")
	spec.Platform = PlatformWindows
	if err := spec.CheckWork("f"); err != nil {
		t.Errorf("with ssm: %v", err)
	}
	spec.Bake.Steps[1].User = "Administrator"
	if err := spec.CheckWork("f"); !errorIs[*WorkError](err) || !strings.Contains(err.Error(), "SYSTEM") {
		t.Errorf("with a user: %v", err)
	}
}

// What Windows needs is not what Linux needs.
func TestWindows_hasTypesOfItsOwn(t *testing.T) {
	if got := (Spec{Platform: PlatformWindows}).defaultType("x86_64"); got != "t3.large" {
		t.Errorf("Windows runs on %s", got)
	}
	if got := (Spec{}).defaultType("x86_64") + (Spec{}).defaultType("arm64"); got != "t3.smallt4g.small" {
		t.Errorf("Linux runs on %s", got)
	}
}

// An agent that does not come leaves no other way.
func TestWindows_anAgentThatDoesNotCome(t *testing.T) {
	b := newBakery()
	rehearsal.Run(t, lab.Options{Seed: 1, Guests: guests.None("there is no agent either")}, func(t *testing.T, stage *rehearsal.Stage) {
		b.Stage, b.t = stage, t
		_, err := b.try(ofWindows("exit 0"))
		failure, ok := asFailure(err)
		if !ok || !strings.Contains(failure.Cause.Error(), "30m") || strings.Contains(failure.Next, "user_data") {
			t.Errorf("got %v", err)
		}
		b.only(0)
	})
}

// How a source is driven is nothing that the image holds.
func TestWindows_platformIsNotInTheFingerprint(t *testing.T) {
	plain := specOf(nil)
	before := plain.Recipe("ami-1").Fingerprint()
	plain.Platform = PlatformWindows
	if got := plain.Recipe("ami-1").Fingerprint(); got != before {
		t.Errorf("fingerprint %s, want %s", got, before)
	}
}

// The same in the weather that AWS has, and in a storm.
func TestWindows_inBadWeather(t *testing.T) {
	for _, weather := range []string{"aws", "storm"} {
		t.Run(weather, func(t *testing.T) {
			inWeather(t, weather, 1, func(t *testing.T, b *bakery) {
				b.persist(ofWindows("exit 0"))
				timer := time.NewTimer(time.Hour) // until what ends has ended
				<-timer.C
				b.destroy()
			})
		})
	}
}
