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

// leastCalls is how many calls the tables have at least, so that none get lost.
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

// askAll makes all calls of the tables at an endpoint.
func askAll(t *testing.T, endpoint string) []asked {
	t.Helper()
	var output, complaints bytes.Buffer
	// -B: no compiled files beside the tables.
	command := exec.CommandContext(t.Context(), python(t), "-B", "testdata/botocore/ask.py", endpoint)
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
	if len(all) < leastCalls {
		t.Fatalf("%d calls were made, want at least %d", len(all), leastCalls)
	}
	return all
}

// startWithGuests starts a lab whose instances have an inside where the machine allows
// it: a waiter of Run Command waits for what really runs.
func startWithGuests(t *testing.T) *labtest.Server {
	t.Helper()
	return labtest.Start(t, lab.Options{Guests: guests.Auto(t.Context(), t.TempDir())})
}

// TestBotocore makes every call of the tables with AWS's own models and waiters.
func TestBotocore(t *testing.T) {
	t.Parallel()
	python(t)
	server := startWithGuests(t)

	for at, one := range askAll(t, server.URL) {
		t.Run(fmt.Sprintf("%03d %s", at+1, one.What), func(t *testing.T) {
			if diff := cmp.Diff(one.Expected, one.Got); diff != "" || !one.OK {
				t.Errorf("%s: AWS says otherwise: %s\n(-AWS +lab):\n%s", one.Operation, one.Doc, diff)
			}
		})
	}
	if left := server.Lab.Books().Leftovers; len(left) > 0 {
		t.Errorf("these are left: %v", left)
	}
}
