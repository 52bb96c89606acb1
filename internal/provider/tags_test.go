package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

func numbered(prefix string, count int) cloud.Tags {
	tags := cloud.Tags{}
	for i := range count {
		tags[fmt.Sprint(prefix, i)] = "x"
	}
	return tags
}

// A tag of the configuration that is null is none, and stays what it is in state: a plan
// that shows it as a change would never end.
func TestOwnTags(t *testing.T) {
	withNull := types.MapValueMust(types.StringType, map[string]attr.Value{"A": types.StringValue("a"), "B": types.StringNull()})
	tests := map[string]struct {
		have  cloud.Tags
		state types.Map
		want  types.Map
	}{
		"none":                   {cloud.Tags{}, types.MapNull(types.StringType), types.MapNull(types.StringType)},
		"a default":              {cloud.Tags{"Env": "test"}, types.MapNull(types.StringType), types.MapNull(types.StringType)},
		"a default that is said": {cloud.Tags{"Env": "test"}, stringMap(cloud.Tags{"Env": "test"}), stringMap(cloud.Tags{"Env": "test"})},
		"null":                   {cloud.Tags{"A": "a"}, withNull, withNull},
		"null, and there by hand": {
			cloud.Tags{"A": "a", "B": "b"}, withNull, stringMap(cloud.Tags{"A": "a", "B": "b"}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &session{defaultTags: cloud.Tags{"Env": "test"}}
			if got := s.ownTags(test.have, test.state); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Default tags and a resource's own count together.
func TestCheckTags(t *testing.T) {
	for count, wrong := range map[int]bool{maxTags: false, maxTags + 1: true} {
		var diags diag.Diagnostics
		checkTags(stringMap(numbered("t", count)), &diags)
		if diags.HasError() != wrong {
			t.Errorf("%d tags: %v", count, diags)
		}
	}
}

// EC2 counts characters, not bytes.
func TestTagValidators(t *testing.T) {
	tests := map[string]struct {
		tags cloud.Tags
		says string
	}{
		"long, of many bytes": {cloud.Tags{strings.Repeat("鍵", 128): strings.Repeat("値", 256)}, ""},
		"a key too long":      {cloud.Tags{strings.Repeat("k", 129): ""}, "128"},
		"a value too long":    {cloud.Tags{"k": strings.Repeat("値", 257)}, "256"},
		"no key":              {cloud.Tags{"": "x"}, "1"},
		"one of ours":         {cloud.Tags{"stamp:promoted-at": "x"}, "own journal"},
		"one of AWS's":        {cloud.Tags{"AWS:x": "x"}, "reserved for AWS"},
		"too many":            {numbered("t", maxTags+1), "30"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var said []string
			for _, each := range tagValidators() {
				resp := validator.MapResponse{}
				each.ValidateMap(t.Context(), validator.MapRequest{Path: path.Root("tags"), ConfigValue: stringMap(test.tags)}, &resp)
				for _, found := range resp.Diagnostics {
					said = append(said, found.Detail())
				}
			}
			all := strings.Join(said, "\n")
			if (all == "") != (test.says == "") || !strings.Contains(all, test.says) {
				t.Errorf("said %q, want something of %q", all, test.says)
			}
		})
	}
}
