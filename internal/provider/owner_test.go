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

// A create that failed, and that could not give its lease up either, has its owner in the
// state, tainted. What replaces it must not take it for a create that has died: it would
// get the owner's id, and the destroy of the tainted object would end what replaces it.
// With create_before_destroy, another process applies than the one that has read the state.
func TestCheckName_taintedWithItsLeaseLeft(t *testing.T) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} { // where notices are, on each system
		t.Setenv(name, t.TempDir())
	}
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
