package story

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notOurs finds blocks of other providers, which are not there to validate with.
var notOurs = regexp.MustCompile(`(?m)^(resource|data) "[^"]+"`)

// Each block of code in a guide is what it says that it is: JSON is read, and HCL is parsed,
// in the form of terraform fmt, and validated where it needs no other provider.
func TestGuides_blocks(t *testing.T) {
	for _, guide := range []string{"permissions.md", "guarantees.md"} {
		blocks := blocksOf(t, guide)
		if len(blocks) == 0 {
			t.Fatalf("%s has no block of code: the pattern matches nothing", guide)
		}
		for i, block := range blocks {
			t.Run(fmt.Sprintf("%s/%d", guide, i), func(t *testing.T) { block.check(t) })
		}
	}
}

func (b block) check(t *testing.T) {
	switch b.language {
	case "json":
		if !json.Valid([]byte(b.text)) {
			t.Errorf("below %q: not JSON:\n%s", b.under, b.text)
		}
	case "hcl":
		terraform := newCLI(t, t.TempDir())
		if err := os.WriteFile(filepath.Join(terraform.dir, "main.tf"), []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		terraform.run("fmt", "-check", "-diff")
		for _, found := range notOurs.FindAllString(b.text, -1) {
			if !strings.Contains(found, `"stamp_`) {
				return
			}
		}
		if err := os.WriteFile(filepath.Join(terraform.dir, "required.tf"), []byte(required), 0o600); err != nil {
			t.Fatal(err)
		}
		terraform.run("validate", "-no-color")
	default:
		t.Errorf("below %q: a block of %q, which nobody checks", b.under, b.language)
	}
}
