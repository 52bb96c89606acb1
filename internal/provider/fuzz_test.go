package provider

import "testing"

// FuzzImportID: an import id is split, and nothing of it is lost.
func FuzzImportID(f *testing.F) {
	f.Add("web@us-east-1#o-0123456789abcdef0123")
	f.Add("a@b#c@us-gov-west-1")
	f.Fuzz(func(t *testing.T, id string) {
		name, region, owner := importID(id)
		if region != "" {
			name += "@" + region
		}
		if owner != "" {
			name += "#" + owner
		}
		if name != id {
			t.Errorf("%q is split into %q, %q and %q", id, name, region, owner)
		}
	})
}
