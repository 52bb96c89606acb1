package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines is what one reads in one sitting.
const maxLines = 400

// machinePaths are the homes of people and of their build machines. The letter classes
// keep the pattern from matching itself.
var machinePaths = regexp.MustCompile(`/[U]sers/\w+/|[C]:\\+[U]sers|/home/\w+/(?:go|src|git|projects?|work)/|/[g]o/pkg/mod/`)

func TestFiles(t *testing.T) {
	root := repository(t)
	checkout := regexp.MustCompile(regexp.QuoteMeta(root) + `\b`)
	seen := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipBuilt(root, path)
		}
		name, _ := filepath.Rel(root, path)
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(content, 0) >= 0 {
			return nil // a binary that somebody built in place
		}
		seen++
		complaints := textComplaints(content)
		// A checkout right below the root, as in many containers, has a path like any other.
		if strings.Count(root, string(filepath.Separator)) > 1 && checkout.Match(content) {
			complaints = append(complaints, "names the directory of this checkout")
		}
		if strings.HasSuffix(name, ".go") {
			complaints = append(complaints, goComplaints(name, content)...)
		}
		for _, complaint := range complaints {
			t.Errorf("%s %s", name, complaint)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d files seen: the walk does not reach the repository", seen)
	}
}

// repository returns the root of the checkout; tests run in their package's directory.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// skipBuilt leaves out what is not in the repository: see .gitignore.
func skipBuilt(root, path string) error {
	switch name, _ := filepath.Rel(root, path); name {
	case ".git", ".cache", "bin", "dist":
		return filepath.SkipDir
	}
	if filepath.Base(path) == ".terraform" {
		return filepath.SkipDir
	}
	return nil
}

// textComplaints says what no file may hold.
func textComplaints(content []byte) []string {
	if at := machinePaths.FindIndex(content); at != nil {
		line := 1 + bytes.Count(content[:at[0]], []byte("\n"))
		return []string{fmt.Sprintf("line %d has %q, a path of somebody's machine", line, content[at[0]:at[1]])}
	}
	return nil
}

// goComplaints says what is wrong with a Go file.
func goComplaints(name string, content []byte) []string {
	var found []string
	if lines := bytes.Count(content, []byte("\n")); lines > maxLines {
		found = append(found, fmt.Sprintf("has %d lines, more than %d: it holds two things, part them", lines, maxLines))
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, content, parser.SkipObjectResolution)
	if err != nil {
		return append(found, "does not parse: "+err.Error())
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if qualifier, ok := call.X.(*ast.Ident); ok && qualifier.Name == "time" && call.Sel.Name == "Sleep" {
			found = append(found, fmt.Sprintf("line %d sleeps: wait for what must happen; in a synctest bubble, on a timer",
				files.Position(call.Pos()).Line))
		}
		return true
	})
	return found
}

func TestFiles_canFail(t *testing.T) {
	tests := map[string]struct {
		content string
		want    string
	}{
		"too long":         {"package x\n" + strings.Repeat("\n", maxLines), "more than 400"},
		"sleeps":           {"package x\n\nimport \"time\"\n\nfunc f() { time." + "Sleep(1) }\n", "line 5 sleeps"},
		"does not parse":   {"package\n", "does not parse"},
		"a machine's path": {"// see /User" + "s/me/x\npackage x\n", "line 1 has"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			content := []byte(test.content)
			got := strings.Join(append(textComplaints(content), goComplaints("x.go", content)...), "; ")
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := append(textComplaints([]byte("/root/.bash_history")), goComplaints("x.go", []byte("package x\n"))...); got != nil {
		t.Errorf("got %q about a good file, want nothing", got)
	}
}
