package image

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// heardBy are options whose progress is heard.
func (b *bakery) heardBy(l *rehearsal.Listener, spec Spec) Options {
	b.t.Helper()
	options := b.optionsFor(spec)
	l.Begin()
	options.Progress = func(line string) {
		for _, each := range changing {
			line = each.found.ReplaceAllString(line, each.shown)
		}
		l.Hear(line)
		b.t.Log(line)
	}
	return options
}

// A person who looks on hears what begins and what ends, and nothing is waited for in
// silence for more than a minute.
func TestProgress_ofABake(t *testing.T) {
	for name, transport := range map[string]string{"user data": TransportUserData, "run command": TransportSSM} {
		t.Run(name, func(t *testing.T) {
			inWeather(t, "aws", 1, func(t *testing.T, b *bakery) {
				spec := handedOut(func(s *Spec) {
					s.Bake.Transport, s.Bake.InstanceProfile = transport, "bake"
					s.Bake.Steps = append(s.Bake.Steps, guest.Step{Name: "more", Script: "true"})
				})
				heard := &rehearsal.Listener{}
				if _, err := b.run(t.Context(), spec, b.heardBy(heard, spec)); err != nil {
					t.Fatal(err)
				}
				heard.Heard(
					t, "bake version 1 (first version)", "builder i-… (t3.small) launched from ami-…", "step 3 of 3 \"more\" done", "check 1 of 1 ",
					"capturing i-…", "waiting for image ami-… (us-east-1) to be available (1m0s so far)", "its snapshot is at 0%", "ami-… is captured",
					"test instance i-… (t3.small) launched", "copying version 1 to ", "its snapshot is at 0%", "is available after", "version 1 (ami-…) is current (",
				)
				if heard.Silence() > 61*time.Second {
					t.Errorf("for %s nothing was said", heard.Silence())
				}
				if last := heard.Lines()[len(heard.Lines())-1]; !strings.Contains(strings.Join(heard.Lines(), "\n"), ": bake ") {
					t.Errorf("it does not say what has taken how long: %s", last)
				}
			})
		})
	}
}

// A step that takes long is named while it runs, and counted.
func TestProgress_ofALongStep(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.boots = said{builder: []string{"begin", "start step app", "pass step app", "start step install"}}.boot
		spec := script("a")
		heard := &rehearsal.Listener{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if _, err := Apply(ctx, b.Region, spec, b.heardBy(heard, spec)); err == nil {
			t.Fatal("it worked")
		}
		heard.Heard(
			t, "step 1 of 2 \"app\" done", "step 2 of 2 \"install\" started", "waiting for instance i-… (us-east-1) to finish (", "it is at step 2 of 2 \"install\", for 1m",
			"terminating builder", "FAILED: Version 1 of golden image web was not baked", "now: there is no version yet",
		)
	})
}

// What fails has its line, before those of what is done about it.
func TestProgress_ofAFailure(t *testing.T) {
	for name, transport := range map[string]string{"user data": TransportUserData, "run command": TransportSSM} {
		t.Run(name, func(t *testing.T) {
			inBakery(t, func(t *testing.T, b *bakery) {
				spec := script("a")
				spec.Bake.Transport, spec.Bake.InstanceProfile = transport, "bake"
				b.breaks(guest.PhaseStep)
				heard := &rehearsal.Listener{}
				if _, err := b.run(t.Context(), spec, b.heardBy(heard, spec)); err == nil {
					t.Fatal("it worked")
				}
				heard.Heard(
					t, "step 1 of 2 \"app\" failed: exit code 3", "terminating builder i-…",
					"FAILED: Version 1 of golden image web was not baked: step \"app\" failed: exit code 3", "now: there is no version yet; the builder was terminated",
				)
			})
		})
	}
}

// An image that AWS cannot make is a failure with AWS's reason.
func TestProgress_ofAFailedImage(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		if _, err := b.Lab.Order(lab.FailImage{Code: "Server.InternalError", Message: "the snapshot could not be made"}); err != nil {
			t.Fatal(err)
		}
		spec := script("a")
		heard := &rehearsal.Listener{}
		if _, err := b.run(t.Context(), spec, b.heardBy(heard, spec)); err == nil {
			t.Fatal("it worked")
		}
		heard.Heard(t, "capturing i-…", "FAILED: Version 1 of golden image web was not captured: waiting for image ami-…", "now: there is no version yet; the unproven image ami-… was removed")
	})
}

// What a good step prints is told where it is asked for, and nowhere else.
func TestProgress_ofOutput(t *testing.T) {
	for _, asked := range []bool{true, false} {
		inBakery(t, func(t *testing.T, b *bakery) {
			told := []string{"begin", "start step app", "out 1 it says so", "pass step app", "start step install", "pass step install", "end ok", "off"}
			b.boots = said{builder: told, proof: fine}.boot
			scripts := 0
			b.sees = func(_ bool, script string) {
				scripts++
				if strings.Contains(script, "stamp_telling=yes") != asked {
					t.Errorf("asked %t, it does otherwise", asked)
				}
			}
			spec, heard, output := script("a"), &rehearsal.Listener{}, ""
			options := b.heardBy(heard, spec)
			if asked {
				options.Output = func(text string) { output += text }
			}
			if _, err := b.run(t.Context(), spec, options); err != nil || scripts != 2 {
				t.Fatal(err, scripts)
			}
			if want := ": the output of step 1 of 2 \"app\" ends with:\nit says so"; asked != strings.HasSuffix(output, want) {
				t.Errorf("asked %t, told %q", asked, output)
			}
			for _, line := range heard.Lines() {
				if strings.Contains(line, "it says so") {
					t.Errorf("progress has %q", line)
				}
			}
		})
	}
}
