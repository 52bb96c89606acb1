package fleet

import (
	"fmt"
	"strconv"
	"strings"
)

// Amount is a number of instances, or a part of a fleet in percent.
type Amount struct {
	Number  int
	Percent bool
}

// ParseAmount reads "3" or "10%".
func ParseAmount(text string) (Amount, error) {
	digits, percent := strings.CutSuffix(text, "%")
	number, err := strconv.ParseUint(digits, 10, 31)
	if err == nil && percent && number > 100 {
		return Amount{}, fmt.Errorf("%q is more than all instances: 100%% is the most", text)
	}
	if err != nil {
		return Amount{}, fmt.Errorf("%q is neither a number of instances, like 3, nor a percentage, like 10%%", text)
	}
	return Amount{Number: int(number), Percent: percent}, nil
}

// String is how the user writes it.
func (a Amount) String() string {
	if a.Percent {
		return strconv.Itoa(a.Number) + "%"
	}
	return strconv.Itoa(a.Number)
}

// Of is the number of instances that it means in a fleet of that size, at most all: a
// percentage is rounded down, so that a limit is never exceeded.
func (a Amount) Of(size int) int {
	if a.Percent {
		return size * a.Number / 100
	}
	return min(a.Number, size)
}

// AtLeastOne is Of, but 1 where a percentage of a small fleet would be none.
func (a Amount) AtLeastOne(size int) int {
	if a.Percent && a.Number > 0 {
		return max(1, a.Of(size))
	}
	return a.Of(size)
}
