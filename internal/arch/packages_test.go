package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the path that every package of ours begins with.
const module = "github.com/stamp-pattern/terraform-provider-stamp"

// pkg is what go list says about a package. Imports are those of the program, not of
// its tests.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	GoFiles    []string
	Imports    []string
	Module     *struct{ Main bool }
}

// ours reports whether the package belongs to this module.
func (p *pkg) ours() bool { return p.Module != nil && p.Module.Main }

// graph is every package that the module reaches, by import path.
type graph map[string]*pkg

// packages lists the module once for all tests.
var packages = sync.OnceValues(func() (graph, error) {
	command := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports,Module", module+"/...")
	output, err := command.Output()
	if err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, errors.New(string(failed.Stderr))
		}
		return nil, err
	}
	all := graph{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all[p.ImportPath] = &p
	}
})

// load returns the graph or ends the test.
func load(t *testing.T) graph {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return all
}

// own returns the module's packages in order.
func (g graph) own() []*pkg {
	var found []*pkg
	for _, p := range g {
		if p.ours() {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return found
}

// within reports whether path is the tree's root or below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// chain returns the shortest way of imports from a package to one that matches, both
// ends included; nil when there is none. With direct set only the package's own
// imports count.
func (g graph) chain(from string, direct bool, matches func(path string) bool) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && matches(at) {
			var way []string
			for ; at != ""; at = came[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
		p := g[at]
		if p == nil || (direct && at != from) {
			continue
		}
		for _, next := range p.Imports {
			if _, seen := came[next]; !seen {
				came[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}
