package image

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// FuzzVersion: whoever may call CreateTags, or name an image, writes what is read here.
func FuzzVersion(f *testing.F) {
	f.Add("web", "web-v1-01234567", "2099-01-01T00:00:00Z", "99999999999999999999", "eu-west-1,xx-bogus-9", "ami-1")
	f.Add("a*b", "a*b-v000000001-00000000", "", "-1", ",,,", "")
	f.Fuzz(func(t *testing.T, line, name, promoted, highest, regions, source string) {
		version := versionOf(line, cloud.Image{ID: "ami-2", Name: name, State: cloud.ImageAvailable, Tags: cloud.Tags{
			cloud.TagPromotedAt: promoted, cloud.TagHighest: highest, cloud.TagRegions: regions, cloud.TagSource: source,
		}})
		const most = 999_999_999
		if version.Number < 0 || version.Number > most || version.Highest < 0 || version.Highest > most || len(version.Regions()) > mostRegions {
			t.Errorf("number %d, highest %d, %d regions", version.Number, version.Highest, len(version.Regions()))
		}
		next := Line{Versions: []Version{version}}.Next()
		if number, _ := numberOf("web", AMIName("web", next, "0123456789abcdef")); next < 1 || number != next && next <= most {
			t.Errorf("the next version is %d, which is read as %d", next, number)
		}
	})
}
