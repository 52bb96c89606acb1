package lab

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// memberRules are the bounds of one member of a JSON request, read from its tag: "required",
// "length LEAST MOST" of a string or a list, "value LEAST MOST" of a number,
// "enum A|B". A pattern has a tag of its own.
type memberRules struct {
	required    bool
	least, most int
	// kind is "length" or "value"; empty without bounds.
	kind    string
	enum    []string
	pattern *regexp.Regexp
}

// memberRulesOf holds what has been read from tags, by tag.
var memberRulesOf sync.Map

func readRules(tag reflect.StructTag) memberRules {
	if known, ok := memberRulesOf.Load(tag); ok {
		if rules, ok := known.(memberRules); ok {
			return rules
		}
	}
	var rules memberRules
	for rule := range strings.SplitSeq(tag.Get("must"), ",") {
		words := strings.Fields(rule)
		switch {
		case len(words) == 0:
		case words[0] == "required":
			rules.required = true
		case words[0] == "enum":
			rules.enum = strings.Split(words[1], "|")
		default:
			rules.kind = words[0]
			rules.least, _ = strconv.Atoi(words[1])
			rules.most, _ = strconv.Atoi(words[2])
		}
	}
	if pattern := tag.Get("pattern"); pattern != "" {
		rules.pattern = regexp.MustCompile(`^(?:` + pattern + `)$`)
	}
	memberRulesOf.Store(tag, rules)
	return rules
}

// constraint is the error of a member that breaks its bounds, in the form that all
// services share whose bounds come from a model.
func constraint(value any, member, rule string, args ...any) *apiError {
	return fail("ValidationException", "1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s",
		valueText(value), member, fmt.Sprintf(rule, args...))
}

func valueText(value any) string {
	if value == nil {
		return "null"
	}
	return fmt.Sprintf("'%v'", value)
}

// checkMembers holds a request against the rules on its input's fields, those of
// lists of structures included.
func checkMembers(input reflect.Value, path string) *apiError {
	for i := range input.NumField() {
		field := input.Type().Field(i)
		if field.Anonymous {
			if err := checkMembers(input.Field(i), path); err != nil {
				return err
			}
			continue
		}
		name := path + strings.ToLower(field.Name[:1]) + field.Name[1:]
		if err := checkMember(input.Field(i), readRules(field.Tag), name); err != nil {
			return err
		}
	}
	return nil
}

func checkMember(value reflect.Value, rules memberRules, name string) *apiError {
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if absent(value) {
		switch {
		case !rules.required:
			return nil
		case value.Kind() == reflect.String && rules.kind == "length" && rules.least > 0:
			return constraint("", name, "have length greater than or equal to %d", rules.least)
		}
		return constraint(nil, name, "not be null")
	}
	if err := rules.bounds(value, name); err != nil {
		return err
	}
	if value.Kind() == reflect.Slice {
		return checkList(value, rules, name)
	}
	if value.Kind() == reflect.String {
		return rules.text(value.String(), name)
	}
	return nil
}

// absent tells a member that was not sent, or was sent empty, which AWS mostly takes
// for the same.
func absent(value reflect.Value) bool {
	if value.Kind() == reflect.Slice || value.Kind() == reflect.Map {
		return value.Len() == 0
	}
	return value.Kind() != reflect.Bool && value.Kind() != reflect.Int && value.IsZero()
}

func checkList(list reflect.Value, rules memberRules, name string) *apiError {
	for i := range list.Len() {
		entry, at := list.Index(i), fmt.Sprintf("%s.%d.member", name, i+1)
		var err *apiError
		if entry.Kind() == reflect.Struct {
			err = checkMembers(entry, at+".")
		} else {
			err = rules.text(entry.String(), name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r memberRules) bounds(value reflect.Value, name string) *apiError {
	var size int
	switch r.kind {
	case "":
		return nil
	case "value":
		size = int(value.Int())
	case "length":
		size = value.Len()
	}
	if size < r.least {
		return constraint(value.Interface(), name, "have %s greater than or equal to %d", r.kind, r.least)
	}
	if size > r.most {
		return constraint(value.Interface(), name, "have %s less than or equal to %d", r.kind, r.most)
	}
	return nil
}

func (r memberRules) text(text, name string) *apiError {
	if r.pattern != nil && !r.pattern.MatchString(text) {
		return constraint(text, name, "satisfy regular expression pattern: %s",
			strings.TrimSuffix(strings.TrimPrefix(r.pattern.String(), "^(?:"), ")$"))
	}
	for _, allowed := range r.enum {
		if allowed == text {
			return nil
		}
	}
	if len(r.enum) > 0 {
		return constraint(text, name, "satisfy enum value set: [%s]", strings.Join(r.enum, ", "))
	}
	return nil
}
