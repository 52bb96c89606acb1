package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// slotRange names slots as people write them: "slot 3", "slots 0-3, 7".
func slotRange(slots []int) string {
	slots = slices.Compact(slices.Sorted(slices.Values(slots)))
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
	const most = 20
	if len(ranges) > most {
		ranges = append(ranges[:most], fmt.Sprintf("and %d more ranges", len(ranges)-most))
	}
	switch len(slots) {
	case 0:
		return "no slot"
	case 1:
		return "slot " + ranges[0]
	}
	return "slots " + strings.Join(ranges, ", ")
}

// memberRange names members by their slots, and one alone by its id, too.
func memberRange(members []Member) string {
	var slots []int
	for _, member := range members {
		slots = append(slots, member.Slot)
	}
	text := slotRange(slots)
	if len(members) == 1 {
		text += " (" + members[0].Instance.ID + ")"
	}
	return text
}

// complaint is what is wrong with one member, in words that go on after its name: "is
// unhealthy in target group web".
type complaint struct {
	member Member
	text   string
}

// complain says of many members what is wrong, once for all that have the same: "slots 0-5
// are unhealthy in target group web".
func complain(complaints []complaint) string {
	byText := map[string][]Member{}
	for _, each := range complaints {
		byText[each.text] = append(byText[each.text], each.member)
	}
	type cause struct {
		text    string
		members []Member
	}
	var causes []cause
	for text, members := range byText {
		slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Slot, b.Slot) })
		causes = append(causes, cause{text, members})
	}
	slices.SortFunc(causes, func(a, b cause) int { return cmp.Compare(a.members[0].Slot, b.members[0].Slot) })
	var texts []string
	for _, each := range causes {
		text := each.text
		if len(each.members) > 1 {
			text = plural(text)
		}
		texts = append(texts, memberRange(each.members)+" "+text)
	}
	return firstOf(texts, "; ")
}

// plural is what is said of one thing, said of many.
func plural(text string) string {
	for one, many := range map[string]string{"is ": "are ", "has ": "have ", "does ": "do "} {
		if rest, found := strings.CutPrefix(text, one); found {
			text = many + rest
			break
		}
	}
	return strings.Replace(text, " its ", " their ", 1)
}

// unready says which members a wait has ended without, and why.
type unready struct {
	text string
	// err is how the wait ended.
	err error
}

// Error says it in the words of the fleet, which has no need of the wait's.
func (e *unready) Error() string { return e.text }

// Unwrap returns the wait's own error.
func (e *unready) Unwrap() error { return e.err }

// tellPlan tells what an apply is about to do.
func (r *run) tellPlan() {
	r.options.Progress.Printf("%s", r.plan)
	if forecast := r.plan.Forecast(); forecast != "" {
		r.options.Progress.Printf("%s", forecast)
	}
}

// tellEnd ends the lines of an apply.
func (r *run) tellEnd(err error) {
	if failure, ok := errors.AsType[*report.Failure](err); ok {
		r.options.Progress.Printf("FAILED: %s%s", failure.Title(), firstLine(failure.Cause))
		r.options.Progress.Printf("now: %s", failure.Now)
		return
	}
	if err == nil && r.observed != nil && !r.plan.Empty() {
		r.options.Progress.Printf("the fleet is as specified: size %d, after %s", r.spec.Size, seconds(time.Since(r.begun)))
	}
}

// firstLine is the first line of an error, behind a colon; consoles and outputs follow it.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return ": " + strings.TrimSuffix(line, ":")
}

func seconds(length time.Duration) string { return length.Round(time.Second).String() }

// groupName is the name in the ARN of a target group:
// arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
func groupName(arn string) string {
	_, rest, found := strings.Cut(arn, ":targetgroup/")
	name, _, named := strings.Cut(rest, "/")
	if !found || !named {
		return arn
	}
	return name
}

func groupNames(arns []string) string {
	var names []string
	for _, arn := range arns {
		names = append(names, groupName(arn))
	}
	if len(names) == 1 {
		return "target group " + names[0]
	}
	return "target groups " + strings.Join(names, ", ")
}

// standing says which slots run the new configuration and which the former one, while a
// rollout is half done.
func (r *run) standing() string {
	var fresh, former, empty []int
	replaced := map[int]bool{}
	for _, member := range r.replaced {
		replaced[member.Slot] = true
	}
	for slot := range r.spec.Size {
		member, there := r.observed.Members[slot]
		switch _, filled := r.filled[slot]; {
		case replaced[slot], filled && !there:
			fresh = append(fresh, slot)
		case !there, r.ended[member.Instance.ID]:
			empty = append(empty, slot)
		default:
			former = append(former, slot)
		}
	}
	var parts []string
	for _, each := range []struct {
		slots []int
		text  string
	}{{fresh, "runs the new configuration"}, {former, "runs the former one"}, {empty, "has no instance"}} {
		if len(each.slots) > 0 {
			parts = append(parts, slotRange(each.slots)+" "+agree(len(each.slots), each.text))
		}
	}
	return strings.Join(parts, ", ")
}

// agree puts a verb into the plural for many.
func agree(count int, text string) string {
	if count == 1 {
		return text
	}
	if rest, found := strings.CutPrefix(text, "runs "); found {
		return "run " + rest
	}
	return plural(text)
}

// badAnswer reports whether a load balancer says by itself what is wrong: the answer's code.
// What the server was doing at its boot does not explain it.
func badAnswer(target cloud.Target) bool { return target.Reason == cloud.TargetBadAnswer }

// interruptedBy reports whether the user has stopped the apply.
func interruptedBy(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled)
}

// tellUpdates tells what is changed on running instances, and on which.
func (r *run) tellUpdates(updates []Update) {
	members, parts := make([]Member, 0, len(updates)), map[string]bool{}
	for _, update := range updates {
		members = append(members, update.Member)
		for _, part := range update.What() {
			parts[part] = true
		}
	}
	r.options.Progress.Printf("updating %s in place: %s", memberRange(members), strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
}
