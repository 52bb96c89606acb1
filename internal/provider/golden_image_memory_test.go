package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// A golden image that takes the name of one that is destroyed beside it has a private state of
// its own: what that remembers are not the versions that go.
func TestRecallLineOf(t *testing.T) {
	fresh := ownership.Owner{Kind: ownership.Image, Name: "web", Account: "123456789012", Partition: "aws", Region: "us-east-1"}
	goes := fresh.As("o-11111111111111111111")
	comes := goes.As("o-22222222222222222222")
	comes.Name = "app"
	private := privateState{
		ownerKey: []byte(`{"id":"o-22222222222222222222","kind":"` + string(comes.Kind) + `","name":"app","account":"123456789012","partition":"aws","region":"us-east-1"}`),
		lineKey:  []byte(`{"line":{"versions":[{"number":7,"image_id":"ami-7"}],"next":8}}`),
	}
	for _, test := range []struct {
		owner ownership.Owner
		there bool
	}{{goes, false}, {comes, true}} {
		var diags diag.Diagnostics
		line, there := recallLineOf(t.Context(), private, test.owner, &diags)
		if diags.HasError() || there != test.there || there != (line.ByImage("ami-7") != nil) {
			t.Errorf("%s: remembered %t, want %t; %v", test.owner.Name, there, test.there, diags)
		}
	}
}
