package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// said is what a plan announces, each warning as one text.
func said(spec Spec, before Spec, members []Member, about Circumstances) []string {
	about.Name, about.SizeBefore, about.Size, about.Rollout, about.Unknown = spec.Name, before.Size, spec.Size, spec.Rollout, spec.Unknown
	var texts []string
	for _, warning := range NewPlan(spec, observationOf(members)).Announce(about) {
		texts = append(texts, warning.Summary+"\n"+warning.Detail)
	}
	return texts
}

// What ends, and in which steps, is announced whether or not all is known.
func TestPlan_Announce(t *testing.T) {
	before := ordinary(30)
	stopped := func(m Member) Member {
		m.Instance.State = cloud.InstanceStopped
		return memberOf(m.Instance, nil)
	}
	tests := map[string]struct {
		change func(spec *Spec, members []Member) []Member
		about  Circumstances
		want   []string
	}{
		"nothing": {func(_ *Spec, m []Member) []Member { return m }, Circumstances{}, nil},
		"grows":   {func(s *Spec, m []Member) []Member { s.Size = 40; return m }, Circumstances{Visible: true}, nil},
		"tags": {
			func(s *Spec, m []Member) []Member { s.Tags = cloud.Tags{"A": "b"}; return m }, Circumstances{Visible: true}, nil,
		},
		"tags that somebody has changed": {
			func(_ *Spec, m []Member) []Member { m[3].Instance.Tags["Name"] = "x"; return m },
			Circumstances{},
			[]string{"Setting instances of fleet web right in place\nNot as configured: tags of slot 3. They are set again on the running instances; none ends."},
		},
		"an image that is not known": {
			func(s *Spec, m []Member) []Member {
				s.Unknown.Image, s.Rollout.Canary, s.Rollout.Soak = true, 1, 5*time.Second
				return m
			},
			Circumstances{Visible: true},
			[]string{"Rolling fleet web: 30 instances, 11 batches of at most 3\n" +
				"Slots 0-29: new instances. Each old one ends, with its disks, when its successor is ready.\n" +
				"Canary: slot 0 first, which must stay ready for 5s before the others follow.\n" +
				"Why: image_id is known after the bake.\nWhere that turns out to be as before, nothing is replaced."},
		},
		"root volumes, of an image that is not known": {
			func(s *Spec, m []Member) []Member {
				s.Unknown.Image, s.Rollout = true, Rollout{Strategy: StrategyRootVolume, MaxUnavailable: Amount{Number: 3}}
				return m
			},
			Circumstances{Visible: true},
			[]string{"Rolling fleet web: 30 instances, 10 batches of at most 3\n" +
				"Slots 0-29: new root volumes; instances, addresses and other volumes stay. What is on the old root volumes is lost, and each server boots anew.\n" +
				"Why: image_id is known after the bake.\nWhere that turns out to be as before, nothing is replaced."},
		},
		"user data, some of it ended first": {
			func(s *Spec, m []Member) []Member {
				s.UserData, s.Rollout = []byte("#!/bin/sh\n"), Rollout{MaxUnavailable: Amount{Number: 30}}
				return m
			},
			Circumstances{Visible: true, Changed: []string{"user_data"}},
			[]string{"Rolling fleet web: 30 instances, 1 batch of at most 30\n" +
				"Slots 0-29: new instances. Each old one ends, with its disks, before a successor is launched.\nWhy: user_data changed."},
		},
		"one slot is not known": {
			func(s *Spec, m []Member) []Member { s.Unknown.Slots = map[int]bool{4: true}; return m },
			Circumstances{Visible: true},
			[]string{"Rolling fleet web: 1 instance, 1 batch of at most 1\n" +
				"Slot 4: a new instance. The old one ends, with its disks, when its successor is ready.\n" +
				"Why: slots.overrides[\"4\"] known after apply.\nWhere that turns out to be as before, nothing is replaced."},
		},
		"shrinks": {
			func(s *Spec, m []Member) []Member { s.Size = 28; return m },
			Circumstances{Visible: true},
			[]string{"Shrinking fleet web: 2 instances end\nSlots 28-29: the instances end, with their disks.\nslot 28: i-28-1\nslot 29: i-29-1"},
		},
		"shrinks by one": {
			func(s *Spec, m []Member) []Member { s.Size = 29; return m },
			Circumstances{Visible: true},
			[]string{"Shrinking fleet web: 1 instance ends\nSlot 29: the instance ends, with its disks.\nslot 29: i-29-1"},
		},
		"two are gone": {
			func(_ *Spec, m []Member) []Member { return m[2:] },
			Circumstances{Visible: true},
			[]string{"Filling 2 empty slots of fleet web\nSlots 0-1: a new instance each. What was there is terminated or gone."},
		},
		"one is stopped, one is gone, and there is another image": {
			func(s *Spec, m []Member) []Member {
				s.ImageID, s.Size = "ami-2", 3
				return []Member{m[0], stopped(m[2])}
			},
			Circumstances{Visible: true},
			[]string{
				"Rolling fleet web: 1 instance, 1 batch of at most 1\n" +
					"Slot 0: a new instance. The old one ends, with its disks, when its successor is ready.\nWhy: image ami-1 → ami-2.",
				"Replacing 1 broken instance of fleet web\nslot 2: i-2-1 is stopped\nWhat does not run ends, with its disks, before its successor is launched. " +
					"Successors differ (image ami-1 → ami-2): they are launched at once, without canary and soak.\nTo keep such instances, set replace_unhealthy = false.",
				"Filling 1 empty slot of fleet web\nSlot 1: a new instance. What was there is terminated or gone.",
			},
		},
		"one is stopped, and is kept": {
			func(s *Spec, m []Member) []Member {
				s.ReplaceUnhealthy = false
				m[2] = stopped(m[2])
				return m
			},
			Circumstances{},
			[]string{"Keeping 1 broken instance of fleet web\nslot 2: i-2-1 is stopped\nThey stay as they are, since replace_unhealthy = false."},
		},
		"two in a slot, and one whose slot is not known": {
			func(s *Spec, m []Member) []Member {
				stray := launched(*s, 5, 1)
				stray.Instance.ID, stray.Slot = "i-stray", -1
				return append(m, launched(*s, 0, 2), stray)
			},
			Circumstances{},
			[]string{"Ending surplus instances of fleet web: 2 instances end\nThey belong to the fleet, and no slot needs them. They end, with their disks:\n" +
				"i-stray (its slot is unknown)\ni-0-1 (slot 0, which has another)"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := before
			members := test.change(&spec, fleetOf(before))
			got := said(spec, before, members, test.about)
			for i := range got {
				got[i] = strings.TrimSpace(got[i])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("announced (-want +got):\n%s", diff)
			}
		})
	}
}

// A destroy names what has lost its slot, too.
func TestAnnounceEnd(t *testing.T) {
	spec := ordinary(2)
	stray := launched(spec, 5, 1)
	stray.Instance.ID, stray.Slot = "i-stray", -1
	for want, members := range map[string][]Member{
		"end: 1 instance ends\nSlot 0: the instance ends, with its disks.\nslot 0: i-0-1":                           fleetOf(ordinary(1)),
		"end: 1 instance ends\nNo slot is known: the instance ends, with its disks.\ni-stray (its slot is unknown)": {stray},
	} {
		for _, said := range AnnounceEnd("end", observationOf(members)) {
			if got := said.Summary + "\n" + said.Detail; got != want {
				t.Errorf("announced %q, want %q", got, want)
			}
		}
	}
}

// Whatever the size, an announcement fits on a screen.
func TestPlan_announcesShortly(t *testing.T) {
	before := ordinary(1000)
	members := fleetOf(before)
	for i := range members {
		if i%3 == 0 {
			members[i].Instance.State = cloud.InstanceStopped
			members[i] = memberOf(members[i].Instance, nil)
		}
	}
	spec := before
	spec.ImageID, spec.Size = "ami-2", 500
	for _, text := range said(spec, before, members, Circumstances{Visible: true}) {
		if len(text) > 1200 || strings.Count(text, "\n") > 15 {
			t.Errorf("%d bytes:\n%s", len(text), text)
		}
	}
}

// A tag that the configuration never had is somebody else's, and stays.
func TestPlan_LeaveForeignTags(t *testing.T) {
	previous := ordinary(2)
	previous.Tags = cloud.Tags{"Old": "1"}
	spec := ordinary(2)
	members := fleetOf(previous)
	for i := range members {
		members[i].Instance.Tags["LastBackup"] = fmt.Sprint(i)
	}
	plan := NewPlan(spec, observationOf(members))
	plan.LeaveForeignTags(&previous)
	want := []string{"update 0: tags map[] -[Old]" + nothingElse, "update 1: tags map[] -[Old]" + nothingElse}
	if diff := cmp.Diff(want, summary(plan)); diff != "" {
		t.Errorf("what is the configuration's goes, and nothing else (-want +got):\n%s", diff)
	}
	plan = NewPlan(previous, observationOf(members))
	if plan.LeaveForeignTags(&previous); !plan.Empty() {
		t.Errorf("nothing of the configuration's differs: %s", plan)
	}
}
