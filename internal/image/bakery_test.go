package image

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// bakery is a lab whose instances play builders and proofs.
type bakery struct {
	*rehearsal.Stage
	t testing.TB

	mu sync.Mutex
	// builders are all that have ever booted.
	builders map[string]bool
	// fails is the phase that fails: a step on the builder, a check on the proof; none if
	// empty.
	fails string
	// boots plays a boot in another way, when it is set.
	boots func(proof bool, say func(format string, args ...any), m *guests.Machine)
	// sees is shown what an instance is started with, when it is set.
	sees func(proof bool, script string)
	// now is the engine's clock, when it is not the bubble's.
	now func() time.Time
	// state is whose line it is, as Terraform's state has it: without an id there is none.
	state ownership.Owner
}

// nobody owns nothing yet.
var nobody = ownership.Owner{Kind: ownership.Image, Name: "web", Account: ownerID, Partition: "aws", Region: "us-east-1"}

func newBakery() *bakery { return &bakery{state: nobody, builders: map[string]bool{}} }

// inBakery plays a test in a bakery of its own, in calm weather.
func inBakery(t *testing.T, play func(*testing.T, *bakery)) {
	t.Helper()
	inWeather(t, "calm", 1, play)
}

func inWeather(t *testing.T, weather string, seed uint64, play func(*testing.T, *bakery)) {
	t.Helper()
	b := newBakery()
	rehearsal.Run(t, lab.Options{Weather: weather, Seed: seed, Guests: b.host()}, func(t *testing.T, stage *rehearsal.Stage) {
		b.Stage, b.t = stage, t
		play(t, b)
	})
}

// host plays guests as the rehearsal does, unless the test plays them.
func (b *bakery) host() *guests.Scripted {
	host := rehearsal.Inside{
		Each: time.Second, Fails: b.exitCode,
		Fetch: func(url string) ([]byte, error) { return b.Get(url) }, // the stage comes later
	}.Host()
	usual := host.Boot
	host.Boot = func(spec guests.Spec, m *guests.Machine) {
		if len(spec.Layers) == 0 {
			b.mu.Lock()
			b.builders[spec.InstanceID] = true
			b.mu.Unlock()
		}
		script := rehearsal.Unpacked(spec.UserData)
		if b.sees != nil {
			b.sees(len(spec.Layers) > 0, script)
		}
		nonce := nonceLine.FindStringSubmatch(script)
		if b.boots == nil || nonce == nil {
			usual(spec, m)
			return
		}
		b.boots(len(spec.Layers) > 0, func(format string, args ...any) {
			_, _ = fmt.Fprintf(m.Console, "stamp-%s %s\n", nonce[1], fmt.Sprintf(format, args...))
		}, m)
	}
	return host
}

var nonceLine = regexp.MustCompile(`(?m)^stamp_nonce='?([0-9a-z]+)`)

func (b *bakery) exitCode(spec guests.Spec, phase, _ string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	onProof := len(spec.Layers) > 0
	if phase == b.fails && onProof == (phase == guest.PhaseCheck) {
		return 3
	}
	return 0
}

// breaks makes a phase of the next runs fail.
func (b *bakery) breaks(phase string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = phase
}

// options are those of an apply that nothing was planned for.
func (b *bakery) options() Options {
	return Options{Owner: b.state, SourceImageID: b.BaseImageID(), Progress: func(line string) { b.t.Log(line) }, In: b.in, Now: b.now}
}

// optionsFor are the same where the spec says itself what it begins with.
func (b *bakery) optionsFor(spec Spec) Options {
	b.t.Helper()
	options := b.options()
	if spec.Source.SSMParameter != "" {
		id, err := ResolveSource(b.t.Context(), b.Region, spec.Source)
		if err != nil {
			b.t.Fatal(err)
		}
		options.SourceImageID = id
	}
	return options
}

// in leads to other regions.
func (b *bakery) in(name string) (AWS, error) {
	region, err := b.Account.Region(name)
	if err != nil {
		return nil, err
	}
	return region, nil
}

// try applies the spec.
func (b *bakery) try(spec Spec) (Result, error) {
	b.t.Helper()
	options := b.optionsFor(spec)
	return b.run(b.t.Context(), spec, options)
}

// run is an apply whose end Terraform hears of: the state has the owner then.
func (b *bakery) run(ctx context.Context, spec Spec, options Options) (Result, error) {
	b.t.Helper()
	result, err := Apply(ctx, b.Region, spec, options)
	if !errors.Is(err, ErrExists) {
		b.state = result.Owner
	}
	return result, err
}

// cut is an apply that is interrupted. Of one that is dead Terraform hears nothing.
func (b *bakery) cut(cut rehearsal.Cut, spec Spec, options Options) (over bool) {
	b.t.Helper()
	made := b.Interrupt(cut, func(ctx context.Context) {
		result, err := Apply(ctx, b.Region, spec, options)
		over = err == nil
		if !cut.Dead || over {
			b.state = result.Owner
		}
	})
	return over || made < cut.Request
}

// observed is the line as its owner has it.
func (b *bakery) observed() Line {
	b.t.Helper()
	line, err := Observe(b.t.Context(), b.Region, b.state, nil)
	if err == nil {
		line, err = ObserveCopies(b.t.Context(), b.Region, b.in, b.state, line, nil)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return line
}

// apply applies the spec, which must work.
func (b *bakery) apply(spec Spec) Result {
	b.t.Helper()
	result, err := b.try(spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// leftovers lists what is in the account, by type.
func (b *bakery) leftovers() map[string]int {
	left := map[string]int{}
	for _, each := range b.Lab.Books().Leftovers {
		left[each.Type]++
	}
	return left
}

// only fails the test when something else is in the account than the images, each
// with one snapshot; parameters do not count.
func (b *bakery) only(images int) {
	b.t.Helper()
	left := b.leftovers()
	delete(left, "parameter")
	if left["image"] != images || left["snapshot"] != images || len(left) > 2 {
		b.t.Errorf("want %d images with a snapshot each and nothing else, have %v", images, b.Lab.Books().Leftovers)
	}
}

func (b *bakery) destroy() {
	b.t.Helper()
	if _, err := Destroy(b.t.Context(), b.Region, b.state, Removal{In: b.in}); err != nil {
		b.t.Fatal(err)
	}
	b.state = nobody
	if left := b.Lab.Books().Leftovers; len(left) > 0 {
		b.t.Errorf("after the destroy there is still %v", left)
	}
}

// instances are the line's live instances, whatever their role.
func (b *bakery) instances() []cloud.Instance {
	b.t.Helper()
	found, err := b.Region.Instances(b.t.Context(), cloud.InstanceQuery{Tags: b.state.As("").Index()})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// script is a spec whose content is told apart by a script's text.
func script(text string) Spec {
	return specOf(func(s *Spec) { s.Bake.Steps[1].Script = text })
}

// anHour lets time pass.
func anHour() { <-time.After(time.Hour) }
