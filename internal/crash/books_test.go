//go:build linux

package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// enter begins a stage.
func (l *life) enter(s stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stage = s
}

// most temporary instances there may be: one too many, when the machine has died that had
// the other.
const temporary = 2

// watch looks at what there is after each request that may have changed it: never more
// instances than may be, and never fewer than must be.
func (l *life) watch(action string) {
	if action != "RunInstances" && action != "TerminateInstances" {
		return
	}
	var fleet, builders int
	for _, left := range l.lab.Books().Leftovers {
		switch {
		case left.Type != "instance":
		case left.Tags[cloud.TagFleet] != "":
			fleet++
		default:
			builders++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if fleet > l.stage.most {
		l.amiss = append(l.amiss, fmt.Sprintf("%s: %d instances after %s, %d may be", l.stage.name, fleet, action, l.stage.most))
	}
	if fleet < l.stage.least {
		l.amiss = append(l.amiss, fmt.Sprintf("%s: %d instances after %s, %d must be", l.stage.name, fleet, action, l.stage.least))
	}
	if builders > temporary {
		l.amiss = append(l.amiss, fmt.Sprintf("%s: %d temporary instances after %s", l.stage.name, builders, action))
	}
}

// rests fails the test unless there is what the state knows of and nothing else, as much as
// there should be, and nothing to do.
func (l *life) rests(t *testing.T, where string, s stage, struck bool) {
	t.Helper()
	if !s.again {
		if how := l.must(t, cut{}, plan...); how.code != 0 {
			t.Errorf("%s: there is something to do (%d):\n%s", where, how.code, how.output)
		}
	}
	l.mu.Lock()
	for _, what := range l.amiss {
		t.Errorf("%s: %s", where, what)
	}
	l.amiss = nil
	l.mu.Unlock()
	state, err := readState(l.dir)
	if err != nil {
		t.Fatal(err)
	}
	size := s.shop.size
	if s.again {
		size = 0
	}
	// Who was killed may not have come to a new object with one version, or may have removed
	// one of two.
	least, most := s.versions, s.versions
	if struck && (s.args != nil || s.destroys && !s.again) {
		least, most = 1, 2
	}
	if versions := len(state.images); len(state.instances) != size || versions < least || versions > most || state.deposed != 0 {
		t.Errorf("%s: the state has %d instances, want %d; %d versions, want %d to %d; %d deposed objects",
			where, len(state.instances), size, versions, least, most, state.deposed)
	}
	l.nothingElse(t, where, state, s.again)
	if !s.again {
		l.handedOut(t, where, s.shop, state)
	}
}

// nothingElse fails the test when the account has not what the state knows of, or more: an
// image has one snapshot, an instance one volume and one interface. A lease may be left by
// who was killed; it counts for three minutes, which no test takes.
func (l *life) nothingElse(t *testing.T, where string, state known, over bool) {
	t.Helper()
	have := map[string][]string{}
	for _, left := range l.lab.Books().Leftovers {
		if left.Tags[cloud.TagRole] == cloud.RoleLease && !over {
			continue
		}
		have[left.Type] = append(have[left.Type], left.ID)
	}
	same := func(kind string, want []string) {
		if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(have[kind])), want) {
			t.Errorf("%s: %ss are %v, the state knows of %v", where, kind, have[kind], want)
		}
		delete(have, kind)
	}
	same("instance", state.instances)
	same("image", state.images)
	for kind, want := range map[string]int{
		"snapshot": len(state.images), "volume": len(state.instances), "network-interface": len(state.instances), "parameter": min(len(state.images), 1),
	} {
		if len(have[kind]) != want {
			t.Errorf("%s: %ss are %v, want %d", where, kind, have[kind], want)
		}
		delete(have, kind)
	}
	for kind, ids := range have {
		t.Errorf("%s: left over: %s %s", where, kind, strings.Join(ids, ", "))
	}
}
