//go:build linux

package crash

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// life is an image and a fleet from their create to their destroy, on a lab of their own.
type life struct {
	*cli
	lab *lab.Lab
	// region is its only one that is used, as seen without a gate.
	region *cloud.Region

	mu sync.Mutex
	// stage is what is going on.
	stage stage
	// amiss is what was seen that must not be.
	amiss []string
}

func newLife(t *testing.T) *life {
	t.Helper()
	inside, err := lab.New(lab.Options{Guests: rehearsal.Inside{Each: time.Millisecond}.Host()})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{lab: inside, region: beside(t, inside)}
	between := &gate{lab: inside, seen: l.watch}
	server := httptest.NewServer(between)
	t.Cleanup(func() {
		server.Close()
		if err := inside.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	l.cli = newCLI(t, server.URL, between)
	return l
}

// Where a person types what.
var (
	apply   = []string{"apply", "-auto-approve", "-no-color", "-input=false"}
	destroy = []string{"destroy", "-auto-approve", "-no-color", "-input=false"}
	plan    = []string{"plan", "-detailed-exitcode", "-no-color", "-input=false"}
)

// play plays a stage: it is cut off, what a person does next succeeds, and then all is as
// if nothing had happened. It returns what was asked for, and whether it came to the cut.
func (l *life) play(t *testing.T, s stage, at cut) (asked []string, struck bool) {
	t.Helper()
	if err := s.shop.write(l.dir); err != nil {
		t.Fatal(err)
	}
	l.enter(s)
	args := slices.Concat(apply, s.args)
	if s.destroys {
		args = destroy
	}
	first := l.must(t, at, args...)
	where := s.name
	switch {
	case first.struck:
		where = l.goOn(t, s, at, first)
	case first.code != 0:
		t.Fatalf("%s, without a cut:\n%s", where, said(first.output))
	case s.destroys && !s.again:
		l.must(t, cut{}, apply...)
	}
	if l.rests(t, where, s, first.struck); t.Failed() {
		t.Fatalf("%s: what was killed said:\n%s", where, said(first.output))
	}
	return first.asked, first.struck
}

// goOn does what a person does next, which succeeds. It returns where that was cut off.
func (l *life) goOn(t *testing.T, s stage, at cut, killed ended) (where string) {
	t.Helper()
	next := apply
	if s.again {
		next = destroy
	}
	where = l.killed(t, s.name, at, killed)
	if at.twice {
		if second := l.must(t, at, next...); second.struck {
			killed, where = second, where+"; then "+l.killed(t, next[0], at, second)
		}
	}
	how := l.must(t, cut{}, next...)
	if how.code != 0 && !s.again && mayNeedImport(at, killed) {
		how = l.imported(t, where, how)
	}
	if how.code != 0 {
		t.Fatalf("%s: the next %s:\n%s\nwhat was killed:\n%s", where, next[0], said(how.output), said(killed.output))
	}
	return where
}

// killed says where a run was cut off, and fails the test when the provider has lived on.
func (l *life) killed(t *testing.T, what string, at cut, how ended) string {
	t.Helper()
	where := fmt.Sprintf("%s: %s of %d (%s)", what, at, len(how.asked), how.asked[at.request-1])
	if how.outlived > outlives {
		t.Errorf("%s: the provider outlived Terraform by %s", where, how.outlived)
	}
	return where
}

// said is what is worth reading of what a CLI prints: what comes after the plan.
func said(output string) string {
	if at := strings.LastIndex(output, "\nPlan: "); at >= 0 {
		return output[at+1:]
	}
	return output
}

func (l *life) must(t *testing.T, at cut, args ...string) ended {
	t.Helper()
	how, err := l.run(t.Context(), at, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, how.output)
	}
	return how
}

// mayNeedImport tells whether a create may have been cut off between its very last request
// and Terraform's writing down what was made. A provider that loses its Terraform may come
// to that request before it sees that.
func mayNeedImport(at cut, killed ended) bool {
	from := at.request
	if at.after || at.victim == terraformAlone {
		from--
	}
	to := at.request
	if at.victim == terraformAlone {
		to = len(killed.asked)
	}
	return killed.struck && slices.Contains(killed.asked[from:to], "DeleteLaunchTemplate")
}

var importBlock = regexp.MustCompile(`import\s*\{\s*to\s*=\s*(stamp_\w+)\..+?\s+id\s*=\s*"([^"]+)"\s*\}`)

// imported does what the error says: the import block comes beside the configuration, and
// nothing is changed by the apply.
func (l *life) imported(t *testing.T, where string, refused ended) ended {
	t.Helper()
	found := importBlock.FindStringSubmatch(strings.NewReplacer("│", " ", "\n", " ").Replace(refused.output))
	if found == nil {
		t.Fatalf("%s: the error gives no import block:\n%s", where, refused.output)
	}
	t.Logf("%s: imported %s", where, found[1])
	file := filepath.Join(l.dir, "import.tf")
	block := fmt.Sprintf("import {\n  to = %s.web\n  id = %q\n}\n", found[1], found[2])
	if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(file) }()
	before := l.things()
	next := l.must(t, cut{}, apply...)
	for _, thing := range before {
		if !slices.Contains(l.things(), thing) {
			t.Errorf("%s: the import has changed or removed %s", where, thing)
		}
	}
	// What an import cannot know, such as how the fleet rolls, comes into the state alone.
	if next.code == 0 && (!strings.Contains(next.output, "1 imported") || !strings.Contains(next.output, " 0 destroyed")) {
		t.Errorf("%s: the import is more than that:\n%s", where, next.output)
	}
	return next
}

// things is what the account has, in words; leases come and go.
func (l *life) things() []string {
	var all []string
	for _, left := range l.lab.Books().Leftovers {
		if left.Tags[cloud.TagRole] != cloud.RoleLease {
			all = append(all, fmt.Sprintf("%s %s %v", left.Type, left.ID, left.Tags))
		}
	}
	return all
}
