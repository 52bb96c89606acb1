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

// Limits of a list of slots. Anybody who may tag an instance can write one, so nothing is
// expanded before the whole list is known to be within them.
const (
	// maxSlotsText is how long the value of a tag may be.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
	maxSlotsText = 256
	// maxSlots is how many instances one call launches at most: the size of the resource
	// bucket of RunInstances.
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
	maxSlots = 1000
)

// ParseSlots reads what FormatSlots has written: a list of at most 256 bytes and 1,000
// slots, which is what one launch may have.
func ParseSlots(text string) ([]int, error) {
	ranges, err := parseRanges(text)
	if err != nil {
		return nil, err
	}
	var slots []int
	for _, each := range ranges {
		for i := range each.count {
			slots = append(slots, each.first+i*each.step)
		}
	}
	return slots, nil
}

// SlotAt returns the slot at one place of a list that FormatSlots has written, as
// ParseSlots(list)[index] would, without expanding the list. It reports false for a list
// that is not well-formed or is too long, and for an index that the list does not have.
func SlotAt(list string, index int) (slot int, ok bool) {
	ranges, err := parseRanges(list)
	if err != nil || index < 0 {
		return 0, false
	}
	for _, each := range ranges {
		if index < each.count {
			return each.first + index*each.step, true
		}
		index -= each.count
	}
	return 0, false
}

// slotRange is a part of a list: count slots, beginning with the first.
type slotRange struct{ first, step, count int }

func parseRanges(text string) ([]slotRange, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxSlotsText {
		return nil, fmt.Errorf("the list of slots has %d bytes, and may have %d", len(text), maxSlotsText)
	}
	var ranges []slotRange
	total := 0
	for part := range strings.SplitSeq(text, ",") {
		found, err := parseRange(part)
		if err != nil {
			return nil, fmt.Errorf("slots %q: %w", text, err)
		}
		if total += found.count; total > maxSlots {
			return nil, fmt.Errorf("slots %q: more than %d slots", text, maxSlots)
		}
		ranges = append(ranges, found)
	}
	return ranges, nil
}

func parseRange(text string) (slotRange, error) {
	bounds, by, hasStep := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(bounds, "-")
	if !isRange {
		to = from
	}
	if !hasStep {
		by = "1"
	}
	var numbers [3]int64
	for i, digits := range []string{from, to, by} {
		number, err := strconv.ParseUint(digits, 10, 31)
		if err != nil {
			return slotRange{}, err
		}
		numbers[i] = int64(number)
	}
	first, last, step := numbers[0], numbers[1], numbers[2]
	if step < 1 || last < first {
		return slotRange{}, fmt.Errorf("%s is no range", text)
	}
	count := (last-first)/step + 1
	if count > maxSlots {
		return slotRange{}, fmt.Errorf("%s has more than %d slots", text, maxSlots)
	}
	return slotRange{first: int(first), step: int(step), count: int(count)}, nil
}
