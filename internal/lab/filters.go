package lab

import (
	"slices"
	"strings"
)

// Limits of a request's filters.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
const (
	maxFilters      = 50
	maxFilterValues = 200
)

// filterParam is one filter of a request: values are alternatives, filters of one
// request must all match.
type filterParam struct {
	Name  string
	Value []string
}

// filterable are a noun's filters: the values that a thing has under each name.
type filterable[T any] map[string]func(T) []string

// one makes a filter of a single value; an empty value matches nothing but "".
func one[T any](value func(T) string) func(T) []string {
	return func(thing T) []string { return []string{value(thing)} }
}

// matcher turns a request's filters into a predicate. tagsOf may be nil for things
// without tags.
func (f filterable[T]) matcher(filters []filterParam, tagsOf func(T) tagMap) (func(T) bool, *apiError) {
	if len(filters) > maxFilters {
		return nil, fail("FilterLimitExceeded", "The maximum number of filters on a single call is %d", maxFilters)
	}
	var all []func(T) bool
	for _, filter := range filters {
		if len(filter.Value) > maxFilterValues {
			return nil, fail("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		values := f[filter.Name]
		if values == nil && tagsOf != nil {
			values = tagFilter(filter.Name, tagsOf)
		}
		if values == nil {
			return nil, invalid("The filter '%s' is invalid", filter.Name)
		}
		if len(filter.Value) == 0 {
			return nil, invalid("The filter '%s' has no values", filter.Name)
		}
		matches := patterns(filter.Value)
		all = append(all, func(thing T) bool { return slices.ContainsFunc(values(thing), matches) })
	}
	return func(thing T) bool {
		return !slices.ContainsFunc(all, func(match func(T) bool) bool { return !match(thing) })
	}, nil
}

// tagFilter returns the filters that every thing with tags has: tag:KEY, tag-key
// and tag-value.
func tagFilter[T any](name string, tagsOf func(T) tagMap) func(T) []string {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(thing T) []string {
			if value, there := tagsOf(thing)[key]; there {
				return []string{value}
			}
			return nil
		}
	}
	if name != "tag-key" && name != "tag-value" {
		return nil
	}
	return func(thing T) []string {
		var found []string
		for key, value := range tagsOf(thing) {
			if name == "tag-key" {
				value = key
			}
			found = append(found, value)
		}
		return found
	}
}

// patterns returns a predicate for "one of the values", which may have wildcards:
// * for any characters, ? for one, \ to take the next as it is.
func patterns(values []string) func(string) bool {
	plain := map[string]bool{}
	var wild [][]rune
	for _, value := range values {
		if strings.ContainsAny(value, `*?\`) {
			wild = append(wild, []rune(value))
		} else {
			plain[value] = true
		}
	}
	return func(text string) bool {
		if plain[text] || len(wild) == 0 {
			return plain[text]
		}
		characters := []rune(text)
		return slices.ContainsFunc(wild, func(pattern []rune) bool { return wildcard(pattern, characters) })
	}
}

// wildcard matches a text by a pattern with *, ? and \, character by character, going
// back only to the last star.
func wildcard(pattern, text []rune) bool {
	p, t, star, resume := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
			continue
		case p < len(pattern) && pattern[p] == '?':
			p, t = p+1, t+1
			continue
		case p+1 < len(pattern) && pattern[p] == '\\' && pattern[p+1] == text[t]:
			p, t = p+2, t+1
			continue
		case p < len(pattern) && pattern[p] != '\\' && pattern[p] == text[t]:
			p, t = p+1, t+1
			continue
		case star < 0:
			return false
		}
		resume++
		p, t = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
