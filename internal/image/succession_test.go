package image

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// succeed are the options of a create beside the line of the state, as with
// create_before_destroy.
func (b *bakery) succeed() Options {
	options, old := b.options(), b.state.ID
	options.Owner = nobody
	options.Known = func(id string) bool { return id == old }
	return options
}

// destroyOwner destroys what one owner has, where a state has these others.
func (b *bakery) destroyOwner(owner ownership.Owner, spec Spec, others ...string) {
	b.t.Helper()
	removal := b.removal(spec)
	removal.Known = func(id string) bool { return slices.Contains(others, id) }
	if warnings, err := Destroy(b.t.Context(), b.Region, owner, removal); err != nil || len(warnings) > 0 {
		b.t.Fatal(err, warnings)
	}
}

// nothing fails the test when anything is left.
func (b *bakery) nothing(what any) {
	b.t.Helper()
	if left := b.Lab.Books().Leftovers; len(left) > 0 {
		b.t.Fatalf("%v: there is still %v", what, left)
	}
}

// A line of the same name stands beside the old one: its numbers go on, the parameter is its
// own from then on, and the old one's destroy leaves it whole.
func TestCreate_beforeTheOldOneGoes(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(withParameter(script("a")))
		b.apply(withParameter(script("b")))
		old, options := b.state, b.succeed()
		result, err := b.run(t.Context(), withParameter(script("b")), options)
		if err != nil {
			t.Fatal(err)
		}
		current := result.Line.Current()
		if current.Number != 3 || len(result.Line.Versions) != 1 || result.Owner.ID == old.ID || !slices.Equal(result.Line.Others, []string{old.ID}) {
			t.Fatalf("the new line is %+v, of %s", result.Line, result.Owner)
		}
		if b.holds("/golden/web") != current.ImageID {
			t.Errorf("the parameter holds %q", b.holds("/golden/web"))
		}
		b.only(3)
		b.destroyOwner(old, withParameter(script("b")), result.Owner.ID)
		b.only(1)
		if line := b.observed(); !line.agrees(result.Line) || len(line.Others) > 0 || b.holds("/golden/web") != current.ImageID {
			t.Errorf("after the old one's destroy: %+v, the parameter holds %q", line, b.holds("/golden/web"))
		}
		if after := b.apply(withParameter(script("c"))).Line.Current(); after.Number != 4 || b.holds("/golden/web") != after.ImageID {
			t.Errorf("then version %d is current, and the parameter holds %q", after.Number, b.holds("/golden/web"))
		}
		b.destroy()
	})
}

// A new line of which no state is known to have it is left by the old one's destroy, and told.
func TestDestroy_tellsOfAnUnwrittenSuccessor(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		old, options := b.state, b.succeed()
		result, err := b.run(t.Context(), script("b"), options)
		if err != nil {
			t.Fatal(err)
		}
		warnings, err := Destroy(t.Context(), b.Region, old, b.removal(script("a")))
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Detail, "'web@us-east-1#"+result.Owner.ID+"'") {
			t.Errorf("got %v, %v", warnings, err)
		}
		if line := b.observed(); !line.agrees(result.Line) {
			t.Errorf("the new line is %+v", line)
		}
	})
}

// A create that is to follow a line is killed at each request. The line's next apply, or its
// destroy, clears what it has left; or the next create goes on with it.
func TestKilled_beforeTheOldOneGoes(t *testing.T) {
	old, spec := withParameter(shared()), everywhere("b")
	for name, then := range map[string]func(t *testing.T, b *bakery, at kill){
		"apply": func(t *testing.T, b *bakery, at kill) {
			before := b.observed().Current()
			if after := b.apply(old).Line.Current(); after.ImageID != before.ImageID || b.holds("/golden/web") != before.ImageID {
				t.Fatalf("%v: %+v is current, %+v was; the parameter holds %q", at, after, before, b.holds("/golden/web"))
			}
			b.settled([]kill{at, at}, scenario{to: old, images: 1})
		},
		"destroy": func(*testing.T, *bakery, kill) {},
		"create": func(t *testing.T, b *bakery, at kill) {
			options, before := b.succeed(), b.state
			result, err := b.run(t.Context(), spec, options)
			if err != nil {
				t.Fatalf("%v: %v", at, err)
			}
			b.destroyOwner(before, old, result.Owner.ID)
			if line := b.observed(); !line.agrees(result.Line) || line.Current().Number != 2 || len(line.Others) > 0 {
				t.Fatalf("%v: the line is %+v", at, line)
			}
			b.settled([]kill{at}, scenario{to: spec, images: 3, builders: 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			cases := 0
			for at, over := (kill{after: true}), false; !over; cases++ {
				at.request += rehearsal.Stride()
				inBakery(t, func(t *testing.T, b *bakery) {
					b.apply(old)
					known := b.state
					over = b.cut(rehearsal.Cut{Request: at.request, After: at.after, Dead: true}, spec, b.succeed())
					b.Restart()
					if over = over || b.ended(known); over {
						return // it is there, and who killed its Terraform has to import it
					}
					b.state = known
					then(t, b, at)
					b.destroyOwner(b.state, spec)
					b.nothing(at)
				})
			}
			if t.Logf("%d cases", cases); cases < 5 {
				t.Errorf("only %d kills", cases)
			}
		})
	}
}

// ended reports whether another owner's create has ended.
func (b *bakery) ended(known ownership.Owner) bool {
	b.t.Helper()
	holders, err := Holders(b.t.Context(), b.Region, nobody)
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.ContainsFunc(holders, func(h ownership.Holder) bool { return h.OwnerID != known.ID && !h.Creating })
}

// What is left is in the plan of the line that was to be followed.
func TestNewPlan_clearsASuccessorThatHasDied(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		known := b.state
		b.cut(rehearsal.Cut{Request: 12, After: true, Dead: true}, script("b"), b.succeed())
		b.Restart()
		b.state = known
		anHour()
		plan := b.planned(script("a"))
		if plan.Empty() || len(plan.Left) != 1 || plan.Reason == "" || plan.Action != Keep {
			t.Fatalf("the plan is %s", plan)
		}
		b.apply(script("a"))
		if plan := b.planned(script("a")); !plan.Empty() {
			t.Errorf("afterwards the plan is %s", plan)
		}
		b.only(1)
		b.destroy()
	})
}

// A create that was to follow a line has died, and the next one comes from a machine that
// does not know the line: it changes nothing, and what was left is cleared all the same.
func TestCreate_withoutKnowingTheOldOne(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		known := b.state
		b.cut(rehearsal.Cut{Request: 20, After: true, Dead: true}, script("b"), b.succeed())
		b.Restart()
		options := b.options()
		options.Owner = nobody
		if _, err := Apply(t.Context(), b.Region, script("b"), options); !errors.Is(err, ErrExists) {
			t.Fatalf("got %v", err)
		}
		b.Restart()
		b.destroyOwner(known, script("b"))
		b.nothing("destroyed")
	})
}

// A create beside an old line whose lease could not be deleted is in the state, and stays
// when the old line goes.
func TestCreate_thatCannotBeEndedBesideTheOldOne(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		known, options := b.state, b.succeed()
		b.Order(lab.FailCall{Action: "DeleteLaunchTemplate", Times: 1, Code: "UnauthorizedOperation", Message: notAuthorized})
		result, err := b.run(t.Context(), script("b"), options)
		if err == nil || result.Line.Current() == nil {
			t.Fatalf("got %v and %+v", err, result.Line)
		}
		anHour()
		b.destroyOwner(known, script("a"), result.Owner.ID)
		if line := b.observed(); !line.agrees(result.Line) {
			t.Fatalf("the line is %+v", line)
		}
		b.apply(script("b"))
		b.only(1)
		b.destroy()
	})
}

// Two states that create the same name at the same time do not share anything: one of them
// hears that the other is at work, or that the name is taken.
func TestCreate_twiceAtOnce(t *testing.T) {
	inWeather(t, "aws", 3, func(t *testing.T, b *bakery) {
		type end struct {
			result Result
			err    error
		}
		ends := make(chan end, 2)
		for range 2 {
			b.Restart() // another process
			region, options := b.Region, b.options()
			go func() {
				result, err := Apply(t.Context(), region, script("a"), options)
				ends <- end{result, err}
			}()
		}
		first, second := <-ends, <-ends
		if first.err == nil {
			first, second = second, first
		}
		if first.err == nil || second.err != nil || first.result.Owner.ID != "" {
			t.Fatalf("want one that fails, have %v and %v", first.err, second.err)
		}
		failure, ok := asFailure(first.err)
		if !ok || failure.Now != "nothing was changed" {
			t.Errorf("the loser reads: %v", first.err)
		}
		b.state = second.result.Owner
		if line := b.observed(); len(line.Versions) != 1 || len(b.builders) != 1 {
			t.Errorf("%d builders, and the line is %+v", len(b.builders), line)
		}
		anHour() // until all that was ended is gone
		b.destroy()
	})
}

// A create whose lease could not be given up has its owner in the state, and looks like one
// that has died. What it has made is not cleared by the line that it has followed.
func TestDestroy_leavesASuccessorThatAStateKnows(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		old := b.state
		result, err := Apply(b.t.Context(), &ranOut{Region: b.Region}, script("b"), b.succeed())
		if err == nil || result.Owner.ID == "" {
			t.Fatalf("%v, owner %q, want one that a state has, and an error", err, result.Owner.ID)
		}
		b.Restart()
		anHour()
		removal := b.removal(script("a"))
		removal.Known = func(id string) bool { return id == result.Owner.ID }
		if _, err := Destroy(t.Context(), b.Region, old, removal); err != nil {
			t.Fatal(err)
		}
		b.state = result.Owner
		if line := b.observed(); !line.agrees(result.Line) || !line.Leases.OwnCreate(result.Owner) {
			t.Fatalf("the line is %+v", line)
		}
		b.apply(script("b"))
		b.only(1)
		b.destroy()
	})
}

// ranOut is a region as an apply sees it whose credentials run out before its last request.
type ranOut struct {
	*cloud.Region
	over bool
}

var errRanOut = errors.New("the credentials have run out")

func (r *ranOut) DeleteLaunchTemplate(context.Context, string) error {
	r.over = true
	return errRanOut
}

func (r *ranOut) CreateLaunchTemplateVersion(ctx context.Context, id, description, clientToken string) (int, error) {
	if r.over {
		return 0, errRanOut
	}
	return r.Region.CreateLaunchTemplateVersion(ctx, id, description, clientToken)
}
