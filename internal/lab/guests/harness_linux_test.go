package guests

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of these tests; nothing here takes a second by itself.
const patience = 30 * time.Second

// shared is one host for all tests that leave it as they found it.
var shared = sync.OnceValues(func() (Host, error) {
	dir, err := os.MkdirTemp("", "guests-test-")
	if err != nil {
		return nil, err
	}
	sharedDir = dir
	return NewReal(context.Background(), dir)
})

// sharedDir is the shared host's place, once it has one.
var sharedDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if host, err := shared(); err == nil {
		if err := host.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	// Only an empty directory goes: what the host left behind must show.
	if err := os.Remove(sharedDir); sharedDir != "" && err != nil && code == 0 && os.Getenv(unprivileged) == "" {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// sharedHost returns the shared host; where there cannot be one, the test is skipped.
func sharedHost(t *testing.T) Host {
	t.Helper()
	host, err := shared()
	if err != nil {
		t.Skip(err)
	}
	return host
}

// screen is a console that tests read.
type screen struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newScreen() *screen { return &screen{changed: make(chan struct{})} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.text.Write(p)
}

// String returns what was printed, with a Unix program's line ends.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r\n", "\n")
}

// await waits until text has been printed count times.
func (s *screen) await(t *testing.T, text string, count int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if strings.Count(s.String(), text) >= count {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("the console never said %q %d times:\n%s", text, count, s)
		}
	}
}

// lines returns what boot scripts printed, without the journal's prefix, of the lines
// that begin with prefix.
func (s *screen) lines(prefix string) []string {
	var found []string
	for _, line := range strings.Split(s.String(), "\n") {
		if _, after, ok := strings.Cut(line, "cloud-init[1]: "); ok {
			line = after
		}
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

// guest is a guest under test.
type guest struct {
	Guest
	screen *screen
	off    chan struct{}
}

// finished is in the line that ends a boot.
const finished = "finished at"

// start starts a guest that is destroyed when the test ends.
func start(t *testing.T, host Host, spec Spec) *guest {
	t.Helper()
	g := &guest{screen: newScreen(), off: make(chan struct{}, 10)}
	spec.Console, spec.Off = g.screen, func() { g.off <- struct{}{} }
	if spec.OS == "" {
		spec.OS = "al2023"
	}
	if spec.InstanceID == "" {
		spec.InstanceID = "i-0123456789abcdef0"
	}
	if spec.Hostname == "" {
		spec.Hostname = "ip-172-31-0-5"
	}
	var err error
	if g.Guest, err = host.Start(spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Destroy)
	return g
}

// awaitOff waits until the guest has powered itself off.
func (g *guest) awaitOff(t *testing.T) {
	t.Helper()
	select {
	case <-g.off:
	case <-time.After(patience):
		t.Fatalf("the guest never went off; its console:\n%s", g.screen)
	}
}

// sh runs a script that must succeed and returns its output.
func (g *guest) sh(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	output, code, err := g.Run(ctx, script)
	if err != nil || code != 0 {
		t.Fatalf("%s\nexit code %d, error %v, output:\n%s\nconsole:\n%s", script, code, err, output, g.screen)
	}
	return strings.TrimSpace(output)
}

// freeze stops the guest and freezes its disk.
func (g *guest) freeze(t *testing.T) Layer {
	t.Helper()
	g.Stop()
	layer, err := g.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := layer.Remove(); err != nil {
			t.Error(err)
		}
	})
	return layer
}
