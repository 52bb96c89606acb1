package guest

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatSlots writes slots, in their order, as ranges, with a step where they have
// one: "0-2,7,10-40/3". A batch's launch index i is the i-th slot of the list. Slots
// that are dealt out over subnets have steps, so the list stays short.
func FormatSlots(slots []int) string {
	var ranges []string
	for i := 0; i < len(slots); {
		last, step := progression(slots, i)
		switch {
		case last == i:
			ranges = append(ranges, strconv.Itoa(slots[i]))
		case step == 1:
			ranges = append(ranges, fmt.Sprintf("%d-%d", slots[i], slots[last]))
		default:
			ranges = append(ranges, fmt.Sprintf("%d-%d/%d", slots[i], slots[last], step))
		}
		i = last + 1
	}
	return strings.Join(ranges, ",")
}

// progression finds how far the slots rise in equal steps from place i. Two alone
// make a range only when they are neighbours.
func progression(slots []int, i int) (last, step int) {
	if i+1 == len(slots) {
		return i, 1
	}
	step = slots[i+1] - slots[i]
	last = i + 1
	for last+1 < len(slots) && slots[last+1]-slots[last] == step {
		last++
	}
	if step < 1 || step > 1 && last == i+1 {
		return i, 1
	}
	return last, step
}

// ParseSlots reads what FormatSlots has written.
func ParseSlots(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var slots []int
	for part := range strings.SplitSeq(text, ",") {
		found, err := parseRange(part)
		if err != nil {
			return nil, fmt.Errorf("slots %q: %w", text, err)
		}
		slots = append(slots, found...)
	}
	return slots, nil
}

func parseRange(text string) ([]int, error) {
	bounds, by, hasStep := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(bounds, "-")
	if !isRange {
		to = from
	}
	if !hasStep {
		by = "1"
	}
	var numbers [3]int
	for i, digits := range []string{from, to, by} {
		number, err := strconv.ParseUint(digits, 10, 31)
		if err != nil {
			return nil, err
		}
		numbers[i] = int(number)
	}
	first, last, step := numbers[0], numbers[1], numbers[2]
	if step < 1 || last < first || (last-first)/step > maxRange {
		return nil, fmt.Errorf("%s is no range", text)
	}
	var slots []int
	for slot := first; slot <= last; slot += step {
		slots = append(slots, slot)
	}
	return slots, nil
}

// maxRange keeps a tag that somebody has spoilt from filling the memory.
const maxRange = 1_000_000
