package image

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What refers to a version keeps it, also where it is no instance.
func TestGuard_keepsWhatAParameterNames(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		first := b.apply(script("a")).Line.Current().ImageID
		if err := b.Region.CreateImageParameter(t.Context(), "/team/base", first, "", nil); err != nil {
			t.Fatal(err)
		}
		b.apply(script("b"))
		result := b.apply(script("c"))
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Detail, "SSM parameter /team/base") || len(result.Line.Versions) != 3 {
			t.Fatalf("want version 1 kept with a warning that names the parameter, have %v and %d versions", result.Warnings, len(result.Line.Versions))
		}
		if err := b.Region.DeleteParameter(t.Context(), "/team/base"); err != nil {
			t.Fatal(err)
		}
		b.apply(script("c"))
		b.only(2)
		b.destroy()
	})
}

// Who may not ask for references does not remove what may be in use: AWS refuses the whole
// call when one of the permissions that it takes is missing.
func TestGuard_keepsWhatCannotBeAskedFor(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		b.apply(script("a"))
		b.apply(script("b"))
		denial, err := b.Lab.Order(lab.FailCall{Action: "DescribeImageReferences", Code: cloud.CodeUnauthorized, Times: -1})
		if err != nil {
			t.Fatal(err)
		}
		result := b.apply(script("c"))
		if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Summary, "nobody can tell whether it is used") || len(result.Line.Versions) != 3 {
			t.Fatalf("want version 1 kept with a warning, have %v and %d versions", result.Warnings, len(result.Line.Versions))
		}
		if err := b.Lab.Lift(denial); err != nil {
			t.Fatal(err)
		}
		b.apply(script("c"))
		b.only(2)
		b.destroy()
	})
}

// Where the partition does not have the call, instances alone are asked for.
func TestGuard_goesWithoutReferences(t *testing.T) {
	for _, err := range []error{
		&cloud.Error{Class: cloud.Unsupported, Code: "Unsupported"},
		&cloud.Error{Class: cloud.Fatal, Code: cloud.CodeInvalidAction},
	} {
		if !unavailable(err) {
			t.Errorf("%v would stop the apply", err)
		}
	}
	for _, err := range []error{
		&cloud.Error{Class: cloud.Fatal, Code: "InvalidParameterValue"}, &cloud.Error{Class: cloud.Denied, Code: cloud.CodeUnauthorized},
	} {
		if unavailable(err) {
			t.Errorf("%v is taken for a call that is not to be had", err)
		}
	}
}
