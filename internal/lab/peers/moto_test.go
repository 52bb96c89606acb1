package peers

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

var update = flag.Bool("update", false, "write moto-differences.md instead of checking it")

const differences = "moto-differences.md"

// startMoto starts moto's server on a free port and returns its endpoint and version.
func startMoto(t *testing.T) (endpoint, version string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("no moto_server on PATH")
	}
	output, err := exec.CommandContext(t.Context(), python(t), "-c", "import moto; print(moto.__version__)").Output()
	if err != nil {
		t.Skipf("python3 has no moto: %v", err)
	}
	command := exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", "0")
	said, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended by itself
		_ = command.Wait()
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if endpoint = address.FindString(lines.Text()); endpoint != "" {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return endpoint, strings.TrimSpace(string(output))
		}
	}
	t.Fatal("moto_server ended without an address")
	return "", ""
}

// TestMoto keeps the list of differences current: where moto does otherwise than the
// lab, and whom AWS's document supports.
func TestMoto(t *testing.T) {
	t.Parallel()
	endpoint, version := startMoto(t)
	ours := labtest.Start(t, lab.Options{}).URL
	got := compare(version, askAll(t, ours, tables...), askAll(t, endpoint, tables...))

	if *update {
		if err := os.WriteFile(differences, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(filepath.Clean(differences))
	if err != nil {
		t.Fatal(err)
	}
	if was := motoVersion.FindString(string(content)); was != "moto "+version {
		t.Skipf("the list is about %s, here is moto %s", was, version)
	}
	if diff := cmp.Diff(string(content), got); diff != "" {
		t.Errorf("the list is not current, go test ./internal/lab/peers -run TestMoto -update writes it (-list +now):\n%s", diff)
	}
}

var motoVersion = regexp.MustCompile(`moto \d+\.\d+\.\d+`)

// compare writes the list of differences.
func compare(version string, ours, theirs []asked) string {
	var rows, unasked []string
	same := 0
	for at, here := range ours {
		moto := theirs[at]
		switch wanting, _ := moto.Got["@"].(string); {
		case here.OK && moto.OK:
			same++
		case strings.HasPrefix(wanting, "not asked"):
			unasked = append(unasked, here.What)
		default:
			rows = append(rows, row(here, moto))
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# Where moto %s and the lab differ\n\n", version)
	fmt.Fprintf(&out, "Written by `go test ./internal/lab/peers -run TestMoto -update` from the calls in testdata/botocore, which hold what\n"+
		"AWS's documents say. Of %d calls %d had the same outcome, %d another one, and %d could not be put to moto because an\n"+
		"earlier call had not given what they need.\n\n", len(ours), same, len(rows), len(unasked))
	out.WriteString("| Call | What | AWS's document says | Lab | moto | The document supports |\n| --- | --- | --- | --- | --- | --- |\n")
	out.WriteString(strings.Join(rows, ""))
	if len(unasked) > 0 {
		out.WriteString("\nNot put to moto: " + strings.Join(unasked, "; ") + ".\n")
	}
	return out.String()
}

func row(here, moto asked) string {
	supported := "neither"
	switch {
	case here.OK:
		supported = "the lab"
	case moto.OK:
		supported = "moto"
	}
	ours, theirs := cell(here, here.Got, moto), cell(moto, moto.Got, here)
	if ours == theirs {
		theirs += " (others)" // only the identifiers differ
	}
	return fmt.Sprintf("| %s | %s | [%s](%s) | %s | %s | %s |\n",
		here.Operation, here.What, cell(here, here.Expected, moto), here.Doc, ours, theirs, supported)
}

// longest is how much of a value is shown.
const longest = 160

// identifiers differ from run to run, and say nothing.
var identifiers = regexp.MustCompile(`\b(ami|eni|i|igw|key|lt|rtb|sg|sgr|snap|subnet|vol|vpc)-[0-9a-f]{8,17}\b|/[0-9a-f]{16}\b`)

// cell writes those values that the two do not share.
func cell(one asked, values map[string]any, other asked) string {
	var parts []string
	for _, expression := range slices.Sorted(maps.Keys(values)) {
		text := written(values[expression])
		if one.OK != other.OK && len(values) > 1 && written(one.Got[expression]) == written(other.Got[expression]) {
			continue
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "…"
	}
	return strings.Join(parts, "; ")
}

func written(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	content, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(content) > longest {
		content = append(content[:longest], "…"...)
	}
	return "`" + strings.ReplaceAll(identifiers.ReplaceAllString(string(content), "$1-…"), "|", "\\|") + "`"
}
