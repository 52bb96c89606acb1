package ownership_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

func TestObserve(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		predecessor := fleet.As("o-0123456789abcdef0123")
		dead := begin(t, stage, fleet)
		if err := dead.Replaces(t.Context(), []string{predecessor.ID}); err != nil {
			t.Fatal(err)
		}
		killed(t, stage, dead)
		leases, err := ownership.Observe(t.Context(), stage.Region, fleet)
		if err != nil || len(leases.Creating) != 1 || len(leases.Left)+len(leases.Mine(predecessor)) != 0 {
			t.Fatalf("%v, %+v, want one that is creating and none that is left", err, leases)
		}
		if len(leases.Mine(dead.Owner)) != 1 {
			t.Error("an owner that a state knows may not clear its own create's lease at once")
		}
		<-time.After(4 * time.Minute)
		leases, err = ownership.Observe(t.Context(), stage.Region, fleet)
		if err != nil || len(leases.Mine(predecessor)) != 1 || len(leases.Mine(dead.Owner)) != 1 || len(leases.Mine(fleet.As("o-ffffffffffffffffffff"))) != 0 {
			t.Fatalf("%v, %+v", err, leases)
		}
		if err := leases.Mine(predecessor)[0].Clear(t.Context(), stage.Region); err != nil || leftLeases(stage) != 0 {
			t.Errorf("%v, %d launch templates are left", err, leftLeases(stage))
		}
	})
}

// Whoever works sees the leases of others and not its own. A create that is to follow it
// holds it up until that is dead, or for good when it is alive.
func TestLease_Observe(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		predecessor := fleet.As("o-0123456789abcdef0123")
		working := begin(t, stage, predecessor)
		if leases, err := working.Observe(t.Context()); err != nil || len(leases.Left)+len(leases.Mine(predecessor)) != 0 {
			t.Fatalf("%v, %+v, want none", err, leases)
		}
		create := begin(t, stage, fleet)
		if _, err := working.Observe(t.Context()); !isHeld(err) {
			t.Fatalf("beside a create that is alive: %v", err)
		}
		killed(t, stage, create)
		leases, err := working.Observe(t.Context())
		if err != nil || len(leases.Mine(predecessor)) != 1 || leases.Mine(predecessor)[0].Owner.ID != create.Owner.ID {
			t.Fatalf("%v, %+v, want the create's", err, leases)
		}
		if err := leases.Mine(predecessor)[0].Clear(t.Context(), stage.Region); err != nil {
			t.Error(err)
		}
		end(t, working)
		if leftLeases(stage) != 0 {
			t.Error("a launch template is left")
		}
	})
}

// What a create has made that died just now may not be visible yet: its lease is not cleared
// before it is.
func TestLease_Observe_diedJustNow(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		killed(t, stage, begin(t, stage, fleet))
		templates, err := stage.Region.LaunchTemplates(t.Context(), nil)
		if err != nil || len(templates) != 1 {
			t.Fatal(err, templates)
		}
		latest, _, err := stage.Region.LatestVersion(t.Context(), templates[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		gone := regexp.MustCompile(`pid=\d+ start=\d*`).ReplaceAllString(latest.Description, "pid=4194305 start=1")
		if _, err := stage.Region.CreateLaunchTemplateVersion(t.Context(), latest.ID, gone, ""); err != nil {
			t.Fatal(err)
		}
		working := begin(t, stage, fleet.As("o-0123456789abcdef0123"))
		asked := time.Now()
		leases, err := working.Observe(t.Context())
		if took := time.Since(asked); err != nil || len(leases.Mine(working.Owner)) != 1 || took < 10*time.Second || took > time.Minute {
			t.Errorf("%v, %+v after %s, want the create's after some seconds", err, leases, took)
		}
		end(t, working)
	})
}

// What a dead create has left is cleared by one: not while another one goes on with it.
func TestLeft_Claim(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		killed(t, stage, begin(t, stage, fleet))
		<-time.After(4 * time.Minute)
		leases, err := ownership.Observe(t.Context(), stage.Region, fleet)
		if err != nil || len(leases.Left) != 1 {
			t.Fatalf("%v, %+v", err, leases)
		}
		goesOn := begin(t, stage, fleet)
		if claimed, err := leases.Left[0].Claim(t.Context(), stage.Region); err != nil || claimed || !goesOn.TakenOver {
			t.Errorf("claimed %t beside a create that goes on (%t): %v", claimed, goesOn.TakenOver, err)
		}
		killed(t, stage, goesOn)
		<-time.After(4 * time.Minute)
		if leases, err = ownership.Observe(t.Context(), stage.Region, fleet); err != nil {
			t.Fatal(err)
		}
		if claimed, err := leases.Left[0].Claim(t.Context(), stage.Region); err != nil || !claimed {
			t.Errorf("claimed %t: %v", claimed, err)
		}
		if again, err := leases.Left[0].Claim(t.Context(), stage.Region); err != nil || again {
			t.Errorf("claimed twice: %t, %v", again, err)
		}
	})
}

// A launch template of a lease's name that somebody has made by hand is neither waited for nor
// deleted: whoever applies hears of it at once.
func TestBegin_besideATemplateOfSomebody(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		lease := begin(t, stage, fleet.As("o-0123456789abcdef0123"))
		end(t, lease)
		if _, err := stage.Region.CreateLaunchTemplate(t.Context(), "stamp-apply-o-0123456789abcdef0123", "mine", "", nil); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err := ownership.Begin(t.Context(), stage.Region, fleet.As("o-0123456789abcdef0123"), ownership.Options{})
		if err == nil || !strings.Contains(err.Error(), "is not what this provider has made of it") || time.Since(begun) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		if leftLeases(stage) != 1 {
			t.Error("somebody's launch template was deleted")
		}
	})
}

func isHeld(err error) bool {
	_, held := errors.AsType[*ownership.HeldError](err)
	return held
}
