//go:build linux

package crash

// stage is one apply of a life, or its destroy. It is cut off, and then what a person does
// next must do what it was to do.
type stage struct {
	name string
	shop shop
	// args are those of the apply that is cut off alone: -replace.
	args []string
	// destroys is set when a destroy is cut off; again, when destroy is what is tried next,
	// too, and not an apply.
	destroys, again bool
	// least and most are how many instances of the fleet there must and may be meanwhile.
	least, most int
	// versions are how many there are in the end, without cuts.
	versions int
}

// first creates, and the others are what happens to an image and its fleet, in one life.
func stages(replaceFirst bool) []stage {
	const size = 3
	one := shop{release: 1, size: size, shared: true, replaceFirst: replaceFirst}
	two := one
	two.release = 2
	three := two
	three.size, three.shared = size-1, false
	replaced := stage{
		name: "replace", shop: three, args: []string{"-replace=stamp_golden_image.web", "-replace=stamp_fleet.web"},
		most: three.size + surge, versions: 1,
	}
	if replaceFirst {
		replaced.name, replaced.least, replaced.most = "replace, the new before the old", three.size, 2*three.size
	}
	return []stage{
		{name: "create", shop: one, most: size, versions: 1},
		{name: "rebake and roll", shop: two, least: size, most: size + surge, versions: 2},
		{name: "shrink and un-share", shop: three, least: size - 1, most: size + surge, versions: 2},
		replaced,
		{name: "destroy, then apply", shop: three, destroys: true, most: three.size, versions: 1},
		{name: "destroy", shop: three, destroys: true, again: true, most: three.size},
	}
}
