package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// tables are those that any endpoint can be asked, in the order in which they need each
// other, and leastCalls how many calls they have at least, so that none get lost.
var tables = []string{"account", "fleet", "images", "templates", "balancing", "managing", "ending"}

const leastCalls = 200

// asked is one call of the tables: what AWS's document says comes of it, and what came.
type asked struct {
	What, Operation, Doc string
	Expected, Got        map[string]any
	OK                   bool
}

// python finds a Python with boto3, or ends the test.
func python(t *testing.T) string {
	t.Helper()
	wanted(t)
	found, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	if output, err := exec.CommandContext(t.Context(), found, "-c", "import boto3, jmespath").CombinedOutput(); err != nil {
		t.Skipf("python3 has no boto3: %s", output)
	}
	return found
}

// askAll makes all calls of some tables at an endpoint.
func askAll(t *testing.T, endpoint string, tables ...string) []asked {
	t.Helper()
	var output, complaints bytes.Buffer
	// -B: no compiled files beside the tables.
	command := exec.CommandContext(t.Context(), python(t), append([]string{"-B", "testdata/botocore/ask.py", endpoint}, tables...)...)
	command.Stdout, command.Stderr = &output, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var all []asked
	for decoder := json.NewDecoder(&output); decoder.More(); {
		var one asked
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// TestBotocore makes every call of the tables with AWS's own models and waiters.
func TestBotocore(t *testing.T) {
	t.Parallel()
	python(t)
	server := labtest.Start(t, lab.Options{})

	all := askAll(t, server.URL, tables...)

	if len(all) < leastCalls {
		t.Fatalf("%d calls were made, want at least %d", len(all), leastCalls)
	}
	hold(t, all)
	if left := server.Lab.Books().Leftovers; len(left) > 0 {
		t.Errorf("these are left: %v", left)
	}
}

// TestBotocore_commands makes the calls that take an instance with an inside.
func TestBotocore_commands(t *testing.T) {
	t.Parallel()
	python(t)
	host := guests.Auto(t.Context(), t.TempDir())
	if running, reason := host.Status(); !running {
		t.Skipf("guests are off: %s", reason)
	}
	server := labtest.Start(t, lab.Options{Guests: host})

	hold(t, askAll(t, server.URL, "account", "commands"))
}

// hold holds what came of calls against AWS's documents.
func hold(t *testing.T, all []asked) {
	t.Helper()
	for at, one := range all {
		t.Run(fmt.Sprintf("%03d %s", at+1, one.What), func(t *testing.T) {
			if diff := cmp.Diff(one.Expected, one.Got); diff != "" || !one.OK {
				t.Errorf("%s: AWS says otherwise: %s\n(-AWS +lab):\n%s", one.Operation, one.Doc, diff)
			}
		})
	}
}
