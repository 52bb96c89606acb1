package image

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewPlan_refresh(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	first, second := specOf(nil), specOf(func(s *Spec) { s.Bake.Steps[1].Script = "make all" })
	one, two := versionFor(first, 1), versionFor(second, 2)
	one.BakedAt, two.BakedAt = now.Add(-100*time.Hour), now.Add(-30*time.Hour)
	line := Line{Versions: []Version{two, one}}
	refreshed := func(change func(*Refresh)) Spec {
		spec := second
		change(&spec.Refresh)
		return spec
	}
	held := refreshed(func(r *Refresh) { r.HoldSource = true })
	heldBack := held
	heldBack.Bake.Steps = first.Bake.Steps
	tests := map[string]struct {
		spec           Spec
		newest, source string
		edited         bool
		want           Plan
	}{
		"young enough": {spec: refreshed(func(r *Refresh) { r.MaxAge = 31 * time.Hour }), want: Plan{Action: Keep, Version: 2, ImageID: "ami-v2"}},
		"too old": {
			spec: refreshed(func(r *Refresh) { r.MaxAge = 720 * time.Minute }),
			want: Plan{Action: BakeNew, Version: 3, Reason: "older than 12h", Prove: true, Retire: []string{"ami-v1"}},
		},
		"pinned, however old": {
			spec: refreshed(func(r *Refresh) { r.MaxAge, r.PinVersion = time.Hour, 2 }), want: Plan{Action: Keep, Version: 2, ImageID: "ami-v2"},
		},
		"pinned at an older one": {
			spec: refreshed(func(r *Refresh) { r.PinVersion = 1 }),
			want: Plan{Action: Promote, Version: 1, ImageID: "ami-v1", Reason: "pinned at version 1: promoted again, nothing is baked"},
		},
		"a trigger": {
			spec: refreshed(func(r *Refresh) { r.Triggers = map[string]string{"release": "7"} }),
			want: Plan{Action: BakeNew, Version: 3, Reason: "trigger release added", Prove: true, Retire: []string{"ami-v1"}},
		},
		"a newer source, held back": {spec: held, newest: "ami-9", want: Plan{Action: Keep, Version: 2, ImageID: "ami-v2"}},
		"going back, held back": {
			spec: heldBack, newest: "ami-9",
			want: Plan{Action: Promote, Version: 1, ImageID: "ami-v1", Reason: "version 1 has this content: promoted again, nothing is baked"},
		},
		"another source, named": {
			spec: held, newest: "ami-9", edited: true,
			want: Plan{Action: BakeNew, Version: 3, Reason: "source ami-1 → ami-9", Prove: true, Retire: []string{"ami-v1"}},
		},
	}
	earlier := second.Recipe("ami-1")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.newest == "" {
				test.newest = "ami-1"
			}
			recipe := test.spec.ResolveRecipe(test.newest, test.edited, line)
			got, err := NewPlan(test.spec, recipe, &earlier, line, now)
			if err != nil {
				t.Fatal(err)
			}
			got.Fingerprint = ""
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewPlan_pinOfWhatIsNotKept(t *testing.T) {
	spec := specOf(func(s *Spec) { s.Refresh.PinVersion = 7 })
	line := Line{Versions: []Version{versionFor(spec, 2), versionFor(spec, 3)}}
	_, err := NewPlan(spec, spec.Recipe("ami-1"), nil, line, time.Unix(0, 0))
	if missing, ok := errors.AsType[*PinError](err); !ok || missing.Error() != "version 7 is not kept; kept are 3, 2" {
		t.Errorf("got %v", err)
	}
}

func TestChanges_triggers(t *testing.T) {
	triggered := func(triggers map[string]string) Recipe {
		return specOf(func(s *Spec) { s.Refresh.Triggers = triggers }).Recipe("ami-1")
	}
	before := triggered(map[string]string{"release": "1", "old": "x"})
	now := triggered(map[string]string{"release": "2", "new": "x"})
	if got := now.Changes(before); got != "trigger new added, trigger old removed, trigger release changed" {
		t.Errorf("changes %q", got)
	}
	if now.Fingerprint() == before.Fingerprint() {
		t.Error("other triggers, same fingerprint")
	}
	for _, text := range []string{"1", "2", "x"} {
		for _, value := range now.Triggers {
			if value == text {
				t.Errorf("the value %q is kept in clear", text)
			}
		}
	}
}

func TestHeldBack_warns(t *testing.T) {
	now := time.Unix(10_000_000, 0)
	spec := specOf(nil)
	version := versionFor(spec, 2)
	version.BakedAt = now.Add(-40 * 24 * time.Hour)
	line := Line{Versions: []Version{version}}
	tests := map[string]struct {
		newest string
		change func(*Spec)
		want   []string
	}{
		"nothing held back":       {"ami-1", func(s *Spec) { s.Refresh.HoldSource = true }, nil},
		"pinned, nothing changed": {"ami-1", func(s *Spec) { s.Refresh.PinVersion = 2 }, nil},
		"newer source":            {"ami-9", func(s *Spec) { s.Refresh.HoldSource = true }, []string{"is held at version 2", "40 days ago", "now ami-9"}},
		"pinned, newer source":    {"ami-9", func(s *Spec) { s.Refresh.PinVersion = 2 }, []string{"is pinned at version 2", "40 days ago", "now ami-9"}},
		"pinned, other content":   {"ami-1", func(s *Spec) { s.Refresh.PinVersion, s.Bake.Steps = 2, nil }, []string{"is pinned at version 2", "configuration has changed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			changed := specOf(test.change)
			warnings := HeldBack(changed, test.newest, Plan{Action: Keep, ImageID: version.ImageID}, line, now)
			if len(warnings) != min(1, len(test.want)) {
				t.Fatalf("warnings %v", warnings)
			}
			for _, text := range test.want {
				if said := warnings[0].Summary + " " + warnings[0].Detail; !strings.Contains(said, text) {
					t.Errorf("%q does not say %q", said, text)
				}
			}
		})
	}
}

// A version that is too old is baked anew from the same recipe, under the next number.
func TestApply_tooOld(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		spec := specOf(func(s *Spec) { s.Refresh.MaxAge = 720 * time.Hour })
		first := b.apply(spec).Line.Current()
		b.now = func() time.Time { return time.Now().Add(721 * time.Hour) }
		options := b.options()
		options.Planned = &Planned{Version: 1, ImageID: first.ImageID}
		if result, err := b.run(t.Context(), spec, options); err != nil || result.Plan.Action != Keep {
			t.Errorf("what the user has agreed to keep: %s, %v", result.Plan, err)
		}
		result := b.apply(spec)
		second := result.Line.Current()
		if result.Plan.Reason != "older than 720h" || second.Number != 2 || second.Fingerprint != first.Fingerprint {
			t.Errorf("%s, version %d", result.Plan, second.Number)
		}
		spec.Refresh.PinVersion = 1
		if back := b.apply(spec); back.Line.Current().ImageID != first.ImageID || back.Plan.Action != Promote {
			t.Errorf("pinned: %s, current %s", back.Plan, back.Line.Current().ImageID)
		}
		b.only(2)
		b.destroy()
	})
}
