package arch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// door says what a room must not import.
type door struct {
	// room is a package of ours and everything below it, relative to the module; empty
	// is the module's root package alone.
	room string
	// closed are prefixes of import paths; "./x" is a room of ours.
	closed []string
	// open are exceptions from closed.
	open []string
	// direct limits the rule to the room's own imports; without it nothing that the
	// room reaches may be closed either.
	direct bool
	// why is what the person who breaks the rule reads.
	why string
}

const (
	terraform   = "github.com/hashicorp/terraform-plugin"
	awsServices = "github.com/aws/aws-sdk-go-v2/service/"
	// terraformLog comes with aws-sdk-go-base, which logs by it. Where it is open, a
	// direct door beside it keeps the room from using it itself.
	terraformLog = terraform + "-log/"
)

var doors = []door{
	{
		room: "internal/report", closed: []string{"./", terraform, awsServices},
		why: "it is what all rooms may say; whatever it imported, all would",
	},
	{
		room: "internal/guest", closed: []string{"./", terraform, awsServices}, open: []string{"./internal/report"},
		why: "what runs in an instance is text; it is composed and read without a cloud",
	},
	{
		room: "internal/cloud", closed: []string{"./", terraform}, open: []string{"./internal/report", terraformLog},
		why: "it is AWS as the engines see it, and knows neither them nor Terraform",
	},
	{
		room: "internal/ownership", closed: []string{"./", terraform}, open: []string{"./internal/cloud", "./internal/report", terraformLog},
		why: "both engines stand on it: what belongs to whom is decided once, without knowing them",
	},
	{
		room: "internal/ownership", closed: []string{awsServices, terraform}, direct: true,
		why: "it speaks the words of package cloud, as the engines do",
	},
	{
		room: "internal/image", closed: []string{terraform, "./internal/provider", "./internal/fleet", "./internal/lab"}, open: []string{terraformLog},
		why: "an engine knows nothing of Terraform, of the other engine, or of where it is rehearsed",
	},
	{
		room: "internal/fleet", closed: []string{terraform, "./internal/provider", "./internal/image", "./internal/lab"}, open: []string{terraformLog},
		why: "an engine knows nothing of Terraform, of the other engine, or of where it is rehearsed",
	},
	{
		room: "internal/cloud", closed: []string{terraform}, direct: true,
		why: "it knows nothing of Terraform; what must be told goes through errors and package report",
	},
	{
		room: "internal/image", closed: []string{awsServices, terraform}, direct: true,
		why: "engines speak the words of package cloud, so that errors, pacing and client tokens are in one place",
	},
	{
		room: "internal/fleet", closed: []string{awsServices, terraform}, direct: true,
		why: "engines speak the words of package cloud, so that errors, pacing and client tokens are in one place",
	},
	{
		room: "internal/provider", closed: []string{awsServices}, direct: true,
		why: "the face asks the engines; one stored SDK client also doubles the binary (docs/decisions)",
	},
	{
		room: "internal/provider", closed: []string{"./internal/lab"},
		why: "the rehearsal cloud is for tests and people, never inside the provider",
	},
	{
		room: "internal/lab", closed: []string{"./"}, open: []string{"./internal/lab"},
		why: "a fake that shares code with what it judges agrees with its mistakes",
	},
	{
		room: "internal/lab/guests", closed: []string{"./"}, open: []string{"./internal/lab/guests"},
		why: "a guest host knows instances, not the cloud around them",
	},
	{
		room: "", closed: []string{"./internal/"}, open: []string{"./internal/provider"}, direct: true,
		why: "main serves the provider, nothing else",
	},
	{
		room: "", why: "tests' tools have no place in what users install",
		closed: []string{"./internal/lab", "github.com/hashicorp/terraform-plugin-testing", "pgregory.net/rapid", "github.com/google/go-cmp", "go.uber.org/goleak"},
	},
}

func TestDoors(t *testing.T) {
	for _, violation := range violations(load(t), doors) {
		t.Error(violation)
	}
}

// violations names every import that a door forbids, and every door that leads nowhere.
func violations(all graph, doors []door) []string {
	var found []string
	for _, d := range doors {
		rooms := 0
		for _, p := range all.own() {
			if !d.guards(p.ImportPath) {
				continue
			}
			rooms++
			if way := all.chain(p.ImportPath, d.direct, d.forbids); way != nil {
				found = append(found, fmt.Sprintf("%s: %s", strings.Join(way, " → "), d.why))
			}
		}
		if rooms == 0 {
			found = append(found, fmt.Sprintf("no package %q any more: move or remove its door", d.room))
		}
	}
	return found
}

// guards reports whether the door is one of this package's.
func (d door) guards(path string) bool {
	if d.room == "" {
		return path == module
	}
	return within(path, module+"/"+d.room)
}

// forbids reports whether the door is closed to an import.
func (d door) forbids(path string) bool {
	return matchesAny(path, d.closed) && !matchesAny(path, d.open)
}

func matchesAny(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if room, isOurs := strings.CutPrefix(prefix, "./"); isOurs {
			prefix = module + "/" + room
		}
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// TestDoors_canFail holds the checker itself: a rule that nothing can break keeps
// nothing.
func TestDoors_canFail(t *testing.T) {
	const (
		a, b, far = module + "/internal/a", module + "/internal/b", "example.com/far"
	)
	inModule := &struct{ Main bool }{Main: true}
	all := graph{
		a:   {ImportPath: a, Imports: []string{b}, Module: inModule},
		b:   {ImportPath: b, Imports: []string{far}, Module: inModule},
		far: {ImportPath: far},
	}
	tests := map[string]struct {
		door door
		want []string
	}{
		"an import": {
			door: door{room: "internal/a", closed: []string{"./internal/b"}, why: "no"},
			want: []string{a + " → " + b + ": no"},
		},
		"an import of an import": {
			door: door{room: "internal/a", closed: []string{far}, why: "no"},
			want: []string{a + " → " + b + " → " + far + ": no"},
		},
		"an import of an import, where only the room's own count": {
			door: door{room: "internal/a", closed: []string{far}, direct: true},
		},
		"an exception": {
			door: door{room: "internal/a", closed: []string{"./"}, open: []string{"./internal/b"}},
		},
		"a room that is gone": {
			door: door{room: "internal/c", closed: []string{far}},
			want: []string{`no package "internal/c" any more: move or remove its door`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, violations(all, []door{test.door})); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestServicePackages holds the one room that speaks to AWS, whatever rooms are added.
// The stage of the engines' tests also plays what others do in an account.
func TestServicePackages(t *testing.T) {
	const speaker, self, stage = module + "/internal/cloud", module + "/internal/arch", module + "/internal/rehearsal"
	speaks := false
	all := load(t)
	for _, p := range all.own() {
		way := all.chain(p.ImportPath, true, func(path string) bool { return strings.HasPrefix(path, awsServices) })
		switch {
		case way == nil || p.ImportPath == self || p.ImportPath == stage:
		case within(p.ImportPath, speaker):
			speaks = true
		default:
			t.Errorf("%s: only internal/cloud speaks to AWS; others ask it", strings.Join(way, " → "))
		}
	}
	if !speaks {
		t.Errorf("%s imports no %s… any more: this rule keeps nothing", speaker, awsServices)
	}
}
