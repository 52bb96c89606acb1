package cloud

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checked is the answer to DescribeInstanceStatus: both checks passed, except of what
// ends in an impaired id.
func checked(all []string, token string, impaired ...string) (int, string) {
	var items strings.Builder
	for _, id := range all {
		status := "ok"
		if slices.Contains(impaired, id) {
			status = "impaired"
		}
		fmt.Fprintf(&items, "<item><instanceId>%s</instanceId><instanceState><name>running</name></instanceState>"+
			"<systemStatus><status>ok</status></systemStatus><instanceStatus><status>%s</status></instanceStatus></item>", id, status)
	}
	return ok("DescribeInstanceStatus", "<instanceStatusSet>"+items.String()+"</instanceStatusSet><nextToken>"+token+"</nextToken>")
}

// region of n running instances, in pages; a page's token is where it begins.
func runningRegion(n int) func(request) (int, string) {
	all := ids(n)
	return func(r request) (int, string) {
		if named := r.values("InstanceId"); named != nil {
			if missing := slices.DeleteFunc(slices.Clone(named), func(id string) bool { return slices.Contains(all, id) }); len(missing) > 0 {
				return unknown(missing...)
			}
			return checked(named, "")
		}
		var from int
		if token := r.form.Get("NextToken"); token != "" {
			_, _ = fmt.Sscan(token, &from)
		}
		to, token := min(from+pageSize, n), ""
		if to < n {
			token = fmt.Sprint(to)
		}
		return checked(all[from:to], token)
	}
}

func TestRegion_Statuses_requests(t *testing.T) {
	tests := map[string]struct {
		running int
		query   StatusQuery
		found   int
		// named and paged are how many requests of each kind are made.
		named, paged int
	}{
		"few":                         {running: 5000, query: StatusQuery{IDs: ids(100)}, found: 100, named: 1},
		"none":                        {running: 5000, query: StatusQuery{IDs: []string{}}},
		"a thousand of a thousand":    {running: 1000, query: StatusQuery{IDs: ids(1000)}, found: 1000, paged: 1},
		"found before the last page":  {running: 5000, query: StatusQuery{IDs: ids(1000)}, found: 1000, paged: 1},
		"many in a larger region":     {running: 5000, query: StatusQuery{IDs: ids(5000)[4000:]}, found: 1000, paged: 5},
		"too few for so many pages":   {running: 9000, query: StatusQuery{IDs: ids(9000)[8850:]}, found: 150, paged: 1, named: 2},
		"some do not run":             {running: 1000, query: StatusQuery{IDs: ids(1200)}, found: 1000, paged: 1},
		"few, and one does not exist": {running: 4, query: StatusQuery{IDs: ids(5)}, found: 4, named: 2},
		"all":                         {running: 2500, found: 2500, paged: 3},
		"enough after the first page": {running: 2500, query: StatusQuery{Until: func([]InstanceStatus) bool { return true }}, found: 1000, paged: 1},
		"enough after the second":     {running: 2500, query: StatusQuery{Until: func(s []InstanceStatus) bool { return len(s) > 1500 }}, found: 2000, paged: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, runningRegion(test.running))

			got, err := region.Statuses(t.Context(), test.query)
			if err != nil {
				t.Fatal(err)
			}

			if len(got) != test.found {
				t.Errorf("%d statuses, want %d", len(got), test.found)
			}
			var named, paged int
			for _, r := range w.sent("DescribeInstanceStatus") {
				switch ids := len(r.values("InstanceId")); {
				case ids > 100 || ids > 0 && r.form.Has("MaxResults"):
					t.Errorf("a request has %d ids and pages of %q, which EC2 refuses", ids, r.form.Get("MaxResults"))
				case ids > 0:
					named++
				case r.form.Get("MaxResults") != "1000" || !slices.Contains(r.filters(), "instance-state-name=running"):
					t.Errorf("a page has the size %q and the filters %q", r.form.Get("MaxResults"), r.filters())
				default:
					paged++
				}
			}
			if named != test.named || paged != test.paged {
				t.Errorf("%d requests by id and %d pages, want %d and %d", named, paged, test.named, test.paged)
			}
		})
	}
}

func TestRegion_Statuses_impaired(t *testing.T) {
	all := ids(3)
	region, w := overWire(t, func(r request) (int, string) {
		if slices.Contains(r.filters(), "system-status.status=impaired") {
			return checked(all[:1], "", all...)
		}
		return checked(all, "", all...) // the first has failed both checks
	})
	for name, query := range map[string]StatusQuery{"all": {}, "some": {IDs: all[:2]}} {
		query.ImpairedOnly = true
		got, err := region.Statuses(t.Context(), query)
		want := 3
		if query.IDs != nil {
			want = 2
		}
		if err != nil || len(got) != want {
			t.Fatalf("%s: got %v, %v, want %d", name, got, err, want)
		}
		for _, status := range got {
			if !status.Impaired() || status.Ready() {
				t.Errorf("%s: %+v is not impaired", name, status)
			}
		}
	}
	want := []string{"instance-state-name=running", "instance-status.status=impaired"}
	if diff := cmp.Diff(want, w.sent("DescribeInstanceStatus")[1].filters()); diff != "" {
		t.Errorf("filters of the second request (-want +got):\n%s", diff)
	}
}

func TestRegion_Statuses_ready(t *testing.T) {
	region, _ := overWire(t, func(request) (int, string) { return checked(ids(1), "") })
	got, err := region.Statuses(t.Context(), StatusQuery{})
	want := []InstanceStatus{{InstanceID: ids(1)[0], State: InstanceRunning, System: "ok", Instance: "ok"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || !got[0].Ready() || got[0].Impaired() {
		t.Errorf("error %v, statuses (-want +got):\n%s", err, diff)
	}
}

func TestRegion_Statuses_error(t *testing.T) {
	for _, count := range []int{1, 300} {
		region, _ := overWire(t, func(request) (int, string) { return refusal(403, CodeUnauthorized, "no") })
		if _, err := region.Statuses(t.Context(), StatusQuery{IDs: ids(count)}); ClassOf(err) != Denied {
			t.Errorf("%d ids: got %v, want denied", count, err)
		}
	}
}

// Pages pay while there are fewer of them than requests by id. How many there are is known
// from the last reading, for a while.
func TestRegion_Statuses_pagesThatPay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		region, w := overWire(t, runningRegion(3300))
		wanted := StatusQuery{IDs: ids(3300)[3000:]}
		asked := func() (named, paged int) {
			before := len(w.sent("DescribeInstanceStatus"))
			if got, err := region.Statuses(t.Context(), wanted); err != nil || len(got) != 300 {
				t.Fatalf("got %d statuses, %v", len(got), err)
			}
			for _, r := range w.sent("DescribeInstanceStatus")[before:] {
				if r.values("InstanceId") != nil {
					named++
				} else {
					paged++
				}
			}
			return named, paged
		}
		for reading, want := range [][2]int{{3, 2}, {3, 0}, {3, 0}} {
			if named, paged := asked(); named != want[0] || paged != want[1] {
				t.Errorf("reading %d took %d requests by id and %d pages, want %v", reading+1, named, paged, want)
			}
		}
		<-time.After(countLasts + time.Second) // the region may be smaller by now
		if _, paged := asked(); paged == 0 {
			t.Error("pages were never tried again")
		}
	})
}

func TestRegion_Statuses_anyState(t *testing.T) {
	region, w := overWire(t, func(request) (int, string) { return checked(ids(101), "") })
	for _, count := range []int{2, 101} {
		if _, err := region.Statuses(t.Context(), StatusQuery{IDs: ids(count), AnyState: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range w.sent("DescribeInstanceStatus") {
		if r.form.Get("IncludeAllInstances") != "true" || slices.Contains(r.filters(), "instance-state-name=running") {
			t.Errorf("asked %v", r.form)
		}
	}
}
