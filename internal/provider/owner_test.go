package provider

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// privateState is an object's private state; nil is one that is new.
type privateState map[string][]byte

func (p privateState) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) {
	return p[key], nil
}

// noNotices gives the test a place of its own for them.
func noNotices(t *testing.T) {
	t.Helper()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} { // where it is, on each system
		t.Setenv(name, t.TempDir())
	}
}

// A create that failed, and that could not give its lease up either, has its owner in the
// state, tainted. What replaces it must not take it for a create that has died: it would
// get the owner's id, and the destroy of the tainted object would end what replaces it.
// With create_before_destroy, another process applies than the one that has read the state.
func TestCheckName_taintedWithItsLeaseLeft(t *testing.T) {
	noNotices(t)
	fresh := ownership.Owner{Kind: ownership.Fleet, Name: "web", Account: "123456789012", Partition: "aws", Region: "us-east-1"}
	tainted, dead := fresh.As("o-11111111111111111111"), fresh.As("o-22222222222222222222")
	plans, applies := &session{}, &session{}
	plans.names.know(tainted)
	var diags diag.Diagnostics
	predecessors := plans.checkName(t.Context(), privateState(nil), fresh, []ownership.Holder{
		{OwnerID: tainted.ID, What: "3 instances", Creating: true},
		{OwnerID: dead.ID, What: "3 instances", Creating: true},
	}, &diags)
	if diags.HasError() || len(predecessors) != 1 || predecessors[0] != tainted.ID {
		t.Errorf("the predecessors are %v, want %s alone; %v", predecessors, tainted.ID, diags)
	}
	known := applies.knows(fresh)
	if !known(tainted.ID) {
		t.Error("the apply takes the tainted object for a create that has died")
	}
	if known(dead.ID) {
		t.Error("the apply takes a create that has died for an object of the state")
	}
}

// The same of an object that was untainted: the apply that destroys its predecessor must not
// clear it away. What others have left is announced by nobody.
func TestClaim(t *testing.T) {
	noNotices(t)
	owner := ownership.Owner{Kind: ownership.Image, Name: "web", Account: "123456789012", Partition: "aws", Region: "us-east-1", ID: "o-11111111111111111111"}
	other := owner.As("o-22222222222222222222")
	plans, applies := &session{}, &session{}
	plans.claim(owner, ownership.Leases{Left: []ownership.Left{{Owner: other, Create: true}, {Owner: owner}}})
	if known := applies.knows(owner); known(owner.ID) || known(other.ID) {
		t.Error("what nobody has to know was announced")
	}
	plans.claim(owner, ownership.Leases{Left: []ownership.Left{{Owner: other, Create: true}, {Owner: owner, Create: true}}})
	if known := applies.knows(owner); !known(owner.ID) || known(other.ID) {
		t.Errorf("the apply knows the owner: %t, the other: %t", known(owner.ID), known(other.ID))
	}
}
