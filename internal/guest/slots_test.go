package guest

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A tag that somebody has spoilt costs neither memory nor time.
func TestParseSlots_boundsTheWholeList(t *testing.T) {
	for name, list := range map[string]string{
		"one long range":       "0-1000",
		"many ranges":          strings.TrimSuffix(strings.Repeat("0-99,", 11), ","),
		"a tag full of ranges": strings.TrimSuffix(strings.Repeat("0-999999,", 28), ","),
		"more than a tag has":  strings.TrimSuffix(strings.Repeat("1,", 129), ","),
		"the largest numbers":  "0-2147483647",
	} {
		if got, err := ParseSlots(list); err == nil {
			t.Errorf("%s: taken as %d slots", name, len(got))
		}
		if slot, ok := SlotAt(list, 0); ok {
			t.Errorf("%s: its first slot is %d", name, slot)
		}
	}
	got, err := ParseSlots("0-999")
	if err != nil || len(got) != 1000 {
		t.Errorf("a whole batch: %d slots, %v", len(got), err)
	}
}

func TestSlotAt_isTheEntryOfTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(0, 2000), 0, 40).Draw(t, "slots")
		list := FormatSlots(slots)
		index := rapid.IntRange(-2, 42).Draw(t, "index")
		got, ok := SlotAt(list, index)
		if inside := index >= 0 && index < len(slots); ok != inside || inside && got != slots[index] {
			t.Fatalf("SlotAt(%q, %d) = %d, %v; the slots are %v", list, index, got, ok, slots)
		}
	})
}

// FuzzParseSlots reads any tag: what is taken is a batch, can be written again, and each
// entry is found without expanding the list.
func FuzzParseSlots(f *testing.F) {
	for _, seed := range []string{"", "0", "0-2,7,10-40/3", "0-999", "0-999999,0-999999", "5-3", "1/0", "-1", "2147483647", "0-2147483647/2147483647", "1,,2", "٣"} {
		f.Add(seed, 0)
	}
	f.Fuzz(func(t *testing.T, list string, index int) {
		slots, err := ParseSlots(list)
		got, ok := SlotAt(list, index)
		if err != nil {
			if ok {
				t.Fatalf("SlotAt takes %q, which ParseSlots refuses: %v", list, err)
			}
			return
		}
		if len(list) > maxSlotsText || len(slots) > maxSlots {
			t.Fatalf("%d bytes and %d slots were taken", len(list), len(slots))
		}
		if inside := index >= 0 && index < len(slots); ok != inside || inside && got != slots[index] {
			t.Fatalf("SlotAt(%q, %d) = %d, %v", list, index, got, ok)
		}
		if again, err := ParseSlots(FormatSlots(slots)); err == nil && !slices.Equal(again, slots) {
			t.Fatalf("%v became %v", slots, again)
		}
	})
}
