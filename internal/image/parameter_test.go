package image

import (
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// inParameter is a spec that keeps an SSM parameter.
func inParameter(text, name string) Spec {
	spec := script(text)
	spec.Distribute.Parameter = name
	return spec
}

// holds reads a parameter; "" when it is not there.
func (b *bakery) holds(name string) string {
	b.t.Helper()
	value, err := b.Region.Parameter(b.t.Context(), name)
	if err != nil && !cloud.HasCode(err, cloud.CodeParameterNotFound) {
		b.t.Fatal(err)
	}
	return value
}

// The parameter always holds the current image: after the first bake, the next, going
// back, a change by hand, and under another name.
func TestParameter_followsTheCurrentImage(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		const name = "/golden/web"
		for _, text := range []string{"a", "b", "a"} {
			if line := b.apply(inParameter(text, name)).Line; b.holds(name) != line.Current().ImageID {
				t.Errorf("%q: the parameter holds %q, current is %s", text, b.holds(name), line.Current().ImageID)
			}
		}
		line := b.apply(inParameter("a", name)).Line
		if err := b.Region.SetImageParameter(t.Context(), name, line.Versions[1].ImageID); err != nil {
			t.Fatal(err)
		}
		b.apply(inParameter("a", name))
		if b.holds(name) != line.Current().ImageID {
			t.Errorf("changed by hand, it still holds %q", b.holds(name))
		}
		b.apply(inParameter("a", "/golden/other"))
		if b.holds(name) != "" || b.holds("/golden/other") != line.Current().ImageID {
			t.Errorf("renamed: %q and %q", b.holds(name), b.holds("/golden/other"))
		}
		b.apply(inParameter("a", ""))
		if b.holds("/golden/other") != "" {
			t.Error("taken off, it is still there")
		}
		b.apply(inParameter("a", name))
		b.destroy()
		if b.holds(name) != "" {
			t.Error("destroyed, it is still there")
		}
	})
}

// One that is somebody else's is refused before anything is done.
func TestParameter_ofSomebodyElse(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		if err := b.Region.CreateImageParameter(t.Context(), "/golden/web", b.BaseImageID(), "", cloud.Tags{"Team": "other"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.try(inParameter("a", "/golden/web")); !errorIs[*ParameterTakenError](err) {
			t.Errorf("got %v", err)
		}
		b.only(0)
		b.apply(script("a"))
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Parameter: "/golden/web"}); err != nil {
			t.Fatal(err)
		}
		if b.holds("/golden/web") == "" {
			t.Error("it was removed")
		}
	})
}

// One that another owner of the name keeps is his, also where it holds this line's image.
func TestParameter_ofAnotherOwnerOfTheName(t *testing.T) {
	inBakery(t, func(t *testing.T, b *bakery) {
		current := b.apply(script("a")).Line.Current()
		other := b.state.As("o-0123456789abcdef0123")
		if err := b.Region.CreateImageParameter(t.Context(), "/golden/web", current.ImageID, "", other.Tags()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.try(inParameter("a", "/golden/web")); !errorIs[*ParameterTakenError](err) {
			t.Errorf("got %v", err)
		}
		if _, err := Destroy(t.Context(), b.Region, b.state, Removal{In: b.in, Parameter: "/golden/web"}); err != nil {
			t.Fatal(err)
		}
		if b.holds("/golden/web") == "" {
			t.Error("it was removed")
		}
	})
}

func TestParameter_cutAnywhere(t *testing.T) {
	from, to := inParameter("a", "/golden/web"), inParameter("a", "/golden/other")
	for over, cut := false, (rehearsal.Cut{After: true, Dead: true}); !over; {
		cut.Request += rehearsal.Stride()
		inBakery(t, func(t *testing.T, b *bakery) {
			b.apply(from)
			options := b.options()
			over = b.cut(cut, to, options)
			line := b.apply(to).Line
			if b.holds("/golden/web") != "" || b.holds("/golden/other") != line.Current().ImageID {
				t.Errorf("cut at request %d: %q and %q", cut.Request, b.holds("/golden/web"), b.holds("/golden/other"))
			}
			b.destroy()
		})
	}
}
