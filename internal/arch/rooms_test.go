package arch

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// emptyNames say nothing about what is inside, so everything ends up there.
var emptyNames = []string{
	"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "types", "util", "utils",
}

func TestRooms(t *testing.T) {
	for _, p := range load(t).own() {
		for _, complaint := range p.complaints() {
			t.Errorf("%s %s", p.ImportPath, complaint)
		}
	}
}

// complaints says what is wrong with how a package presents itself.
func (p *pkg) complaints() []string {
	var found []string
	if p.Doc == "" {
		found = append(found, "has no package comment: say what belongs there")
	}
	if p.Name != "main" && !slices.Contains(p.GoFiles, "doc.go") {
		found = append(found, "has no doc.go: that is where one looks for the package comment")
	}
	for _, word := range []string{p.Name, path.Base(p.ImportPath)} {
		if slices.Contains(emptyNames, word) {
			return append(found, "is named "+word+": name it after what it is about")
		}
	}
	return found
}

func TestRooms_canFail(t *testing.T) {
	nameless := &pkg{ImportPath: module + "/internal/util", Name: "stringutil", GoFiles: []string{"x.go"}}
	if got := strings.Join(nameless.complaints(), "; "); strings.Count(got, ";") != 2 {
		t.Errorf("got %q, want complaints about comment, doc.go and name", got)
	}
	good := &pkg{ImportPath: module + "/internal/fleet", Name: "fleet", Doc: "Package fleet …", GoFiles: []string{"doc.go"}}
	if got := good.complaints(); got != nil {
		t.Errorf("got %q about a good package, want nothing", got)
	}
}
