package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link's target, without the part after #.
var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

// TestLinks follows the links between the pages that people write.
func TestLinks(t *testing.T) {
	root := repository(t)
	pages := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "SECURITY.md")}
	decisions, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	followed := 0
	for _, page := range append(pages, decisions...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			followed++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), target)
			}
		}
	}
	if followed == 0 {
		t.Error("no link followed: the pattern matches nothing")
	}
}
