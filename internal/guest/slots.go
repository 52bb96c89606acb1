package guest

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatSlots writes slots in ranges, in their order: "0-2,7". A batch's launch
// index i is the i-th slot of the list.
func FormatSlots(slots []int) string {
	var ranges []string
	for i := 0; i < len(slots); {
		last := i
		for last+1 < len(slots) && slots[last+1] == slots[last]+1 {
			last++
		}
		if last == i {
			ranges = append(ranges, strconv.Itoa(slots[i]))
		} else {
			ranges = append(ranges, fmt.Sprintf("%d-%d", slots[i], slots[last]))
		}
		i = last + 1
	}
	return strings.Join(ranges, ",")
}

// ParseSlots reads what FormatSlots has written.
func ParseSlots(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var slots []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.ParseUint(from, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("slots %q: %w", text, err)
		}
		last := first
		if isRange {
			if last, err = strconv.ParseUint(to, 10, 31); err != nil {
				return nil, fmt.Errorf("slots %q: %w", text, err)
			}
		}
		if last < first || last-first > maxRange {
			return nil, fmt.Errorf("slots %q: %s is no range", text, part)
		}
		for slot := first; slot <= last; slot++ {
			slots = append(slots, int(slot))
		}
	}
	return slots, nil
}

// maxRange keeps a tag that somebody has spoilt from filling the memory.
const maxRange = 1_000_000
