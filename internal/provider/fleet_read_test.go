package provider

import (
	"maps"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// What all instances have is the fleet's; what one has is its own.
func TestCommonTags(t *testing.T) {
	tests := map[string]struct {
		stated    cloud.Tags
		instances []cloud.Tags
		want      cloud.Tags
	}{
		"as stated":             {cloud.Tags{"A": "1"}, []cloud.Tags{{"A": "1"}, {"A": "1"}}, cloud.Tags{"A": "1"}},
		"one was changed":       {cloud.Tags{"A": "1"}, []cloud.Tags{{"A": "1"}, {"A": "2"}}, cloud.Tags{"A": "1"}},
		"all were changed":      {cloud.Tags{"A": "1"}, []cloud.Tags{{"A": "2"}, {"A": "2"}}, cloud.Tags{"A": "2"}},
		"one has lost it":       {cloud.Tags{"A": "1"}, []cloud.Tags{{"A": "1"}, {}}, cloud.Tags{"A": "1"}},
		"all have lost it":      {cloud.Tags{"A": "1"}, []cloud.Tags{{}, {}}, cloud.Tags{}},
		"a foreign one":         {cloud.Tags{}, []cloud.Tags{{"LastBackup": "x"}, {"LastBackup": "y"}}, cloud.Tags{}},
		"a foreign one for all": {cloud.Tags{}, []cloud.Tags{{"Owner": "x"}, {"Owner": "x"}}, cloud.Tags{"Owner": "x"}},
		"an import":             {cloud.Tags{}, []cloud.Tags{{"App": "web", "Name": "r-0"}, {"App": "web"}}, cloud.Tags{"App": "web"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := commonTags(test.stated, test.instances); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
