package cloud

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRegion_tags(t *testing.T) {
	ctx := t.Context()
	tests := map[string]struct {
		do    func(*Region) error
		sizes []int // resources of each request
		tags  []string
	}{
		"create":           {func(r *Region) error { return r.CreateTags(ctx, ids(1001), Tags{"b": "2", "a": ""}) }, []int{1000, 1}, []string{"a=", "b=2"}},
		"create on none":   {do: func(r *Region) error { return r.CreateTags(ctx, nil, Tags{"a": "1"}) }},
		"create none":      {do: func(r *Region) error { return r.CreateTags(ctx, ids(1), nil) }},
		"delete":           {func(r *Region) error { return r.DeleteTags(ctx, ids(1001), []string{"b", "a"}) }, []int{1000, 1}, []string{"a", "b"}},
		"delete from none": {do: func(r *Region) error { return r.DeleteTags(ctx, nil, []string{"a"}) }},
		// Such a request would remove every tag.
		"delete none": {do: func(r *Region) error { return r.DeleteTags(ctx, ids(1), nil) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(r request) (int, string) { return ok(r.action, "") })
			if err := test.do(region); err != nil {
				t.Fatal(err)
			}
			var sizes []int
			for _, r := range w.requests {
				sizes = append(sizes, len(r.values("ResourceId")))
				if diff := cmp.Diff(test.tags, tagsIn(r)); diff != "" {
					t.Errorf("tags (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(test.sizes, sizes); diff != "" {
				t.Errorf("resources of the requests (-want +got):\n%s", diff)
			}
		})
	}
}

// tagsIn returns a request's tags as "key=value", or "key" without a value.
func tagsIn(r request) []string {
	var all []string
	for i := 1; r.form.Has(fmt.Sprintf("Tag.%d.Key", i)); i++ {
		tag := r.form.Get(fmt.Sprintf("Tag.%d.Key", i))
		if value := fmt.Sprintf("Tag.%d.Value", i); r.form.Has(value) {
			tag += "=" + r.form.Get(value)
		}
		all = append(all, tag)
	}
	return all
}

func TestRegion_changes_errors(t *testing.T) {
	ctx := t.Context()
	for name, do := range map[string]func(*Region) error{
		"CreateTags":        func(r *Region) error { return r.CreateTags(ctx, ids(1), Tags{"a": "1"}) },
		"DeleteTags":        func(r *Region) error { return r.DeleteTags(ctx, ids(1), []string{"a"}) },
		"SetSecurityGroups": func(r *Region) error { return r.SetSecurityGroups(ctx, "i-1", []string{"sg-1"}) },
		"SetInstanceProfile": func(r *Region) error {
			return r.SetInstanceProfile(ctx, ids(1), "web")
		},
	} {
		region, _ := overWire(t, func(request) (int, string) { return refusal(403, CodeUnauthorized, "no") })
		if err := do(region); ClassOf(err) != Denied {
			t.Errorf("%s: got %v, want denied", name, err)
		}
	}
}

func TestRegion_SetSecurityGroups(t *testing.T) {
	region, w := overWire(t, func(r request) (int, string) { return ok(r.action, "<return>true</return>") })
	if err := region.SetSecurityGroups(t.Context(), "i-1", []string{"sg-1", "sg-2"}); err != nil {
		t.Fatal(err)
	}
	got := w.sent("ModifyInstanceAttribute")[0]
	if got.form.Get("InstanceId") != "i-1" || !slices.Equal(got.values("GroupId"), []string{"sg-1", "sg-2"}) {
		t.Errorf("sent %v", got.form)
	}
}

func TestRegion_SetInstanceProfile(t *testing.T) {
	const prefix = "arn:aws:iam::1:instance-profile/"
	// i-…0 has none, i-…1 has path/old, i-…2 has web already.
	all := ids(3)
	has := map[string]string{all[1]: prefix + "path/old", all[2]: prefix + "web"}
	tests := map[string]struct {
		profile string
		want    []string
	}{
		"by name": {"web", []string{
			"AssociateIamInstanceProfile " + all[0] + " web", "ReplaceIamInstanceProfileAssociation of-" + all[1] + " web",
		}},
		"by ARN": {prefix + "web", []string{
			"AssociateIamInstanceProfile " + all[0] + " " + prefix + "web",
			"ReplaceIamInstanceProfileAssociation of-" + all[1] + " " + prefix + "web",
		}},
		"a path's last name is the name": {"old", []string{
			"AssociateIamInstanceProfile " + all[0] + " old", "ReplaceIamInstanceProfileAssociation of-" + all[2] + " old",
		}},
		"none": {"", []string{"DisassociateIamInstanceProfile of-" + all[1] + " ", "DisassociateIamInstanceProfile of-" + all[2] + " "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var got []string
			region, w := overWire(t, func(r request) (int, string) {
				if r.action == "DescribeIamInstanceProfileAssociations" {
					return associations(has)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, r.action+" "+r.form.Get("InstanceId")+r.form.Get("AssociationId")+" "+
					r.form.Get("IamInstanceProfile.Name")+r.form.Get("IamInstanceProfile.Arn"))
				return ok(r.action, "")
			})
			if err := region.SetInstanceProfile(t.Context(), all, test.profile); err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if asked := w.sent("DescribeIamInstanceProfileAssociations"); len(asked) != 1 {
				t.Errorf("asked %d times what they have, want once", len(asked))
			}
		})
	}
}

func associations(has map[string]string) (int, string) {
	var items strings.Builder
	for id, arn := range has {
		fmt.Fprintf(&items, "<item><associationId>of-%s</associationId><instanceId>%s</instanceId>"+
			"<iamInstanceProfile><arn>%s</arn></iamInstanceProfile><state>associated</state></item>", id, id, arn)
	}
	return ok("DescribeIamInstanceProfileAssociations",
		"<iamInstanceProfileAssociationSet>"+items.String()+"</iamInstanceProfileAssociationSet>")
}

func TestRegion_SetInstanceProfile_asksInBatches(t *testing.T) {
	region, w := overWire(t, func(r request) (int, string) { return ok(r.action, "") })
	if err := region.SetInstanceProfile(t.Context(), ids(500), ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.sent("DescribeIamInstanceProfileAssociations") {
		values := 0
		for _, filter := range r.filters() {
			values += 1 + strings.Count(filter, ",")
		}
		if values > 200 {
			t.Errorf("a request has %d filter values, EC2 takes 200", values)
		}
	}
	if got := len(w.requests); got != 3 {
		t.Errorf("%d requests for 500 instances that have none, want 3", got)
	}
}
