package lives

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// blow is what befalls a process at one of its requests.
type blow int

const (
	// nothing lets it live.
	nothing blow = iota
	// killedBefore and killedAfter end the process for good, before or after the request
	// has its effect.
	killedBefore
	killedAfter
	// lostBefore and lostAfter cut the connection once.
	lostBefore
	lostAfter
	// ctrlC cancels, and the process may end in order.
	ctrlC
)

var blows = map[blow]string{
	nothing: "no blow", killedBefore: "kill before", killedAfter: "kill after",
	lostBefore: "request lost", lostAfter: "answer lost", ctrlC: "Ctrl-C",
}

func (b blow) kills() bool { return b == killedBefore || b == killedAfter }

// process is one run of Terraform with the provider.
type process struct {
	account *cloud.Account
	region  *cloud.Region
	// died is closed at its death.
	died chan struct{}

	next  http.RoundTripper
	watch func(request) // is shown each request before it is sent

	mu     sync.Mutex
	sent   int
	at     int
	how    blow
	cancel context.CancelFunc
	dead   bool
	ended  bool
	// struck is the action at which the blow came; empty until then.
	struck string
}

// request is what a process asks for.
type request struct {
	action string
	form   url.Values
}

var (
	errDead = errors.New("the process is dead")
	errLost = errors.New("connection reset by peer")
)

// start starts a process whose nth request is the one that the blow comes at; 0 is none.
func (w *world) start(watch func(request), how blow, nth int, cancel context.CancelFunc) *process {
	p := &process{died: make(chan struct{}), watch: watch, how: how, at: nth, cancel: cancel}
	p.account = w.stage.Process(func(next http.RoundTripper) http.RoundTripper {
		p.next = next
		return p
	})
	region, err := p.account.Region("")
	if err != nil {
		w.t.Fatal(err)
	}
	p.region = region
	return p
}

// in leads the image engine to other regions.
func (p *process) in(name string) (image.AWS, error) { return p.account.Region(name) }

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) struckAt() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// RoundTrip sends a request, unless the process is dead.
func (p *process) RoundTrip(asked *http.Request) (*http.Response, error) {
	is, err := read(asked)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return nil, errDead
	}
	p.sent++
	struck := p.how != nothing && p.sent == p.at
	if struck {
		p.struck = is.action
		p.dead = p.how.kills()
	}
	p.mu.Unlock()
	if !struck {
		p.watch(is)
		return p.next.RoundTrip(asked)
	}
	return p.strike(asked, is)
}

// strike is the blow.
func (p *process) strike(asked *http.Request, is request) (*http.Response, error) {
	if p.how == ctrlC {
		p.cancel()
	}
	if p.how == ctrlC || p.how == killedAfter || p.how == lostAfter {
		p.watch(is)
		response, err := p.next.RoundTrip(asked)
		if p.how == ctrlC {
			return response, err
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
	if !p.how.kills() {
		return nil, errLost
	}
	close(p.died)
	p.cancel()
	return nil, errDead
}

// read reads a request and leaves it as it was.
func read(asked *http.Request) (request, error) {
	is := request{action: asked.Method}
	if _, action, found := strings.Cut(asked.Header.Get("X-Amz-Target"), "."); found {
		is.action = action
	}
	if asked.Body == nil {
		return is, nil
	}
	body, err := io.ReadAll(asked.Body)
	if err != nil {
		return is, err
	}
	_ = asked.Body.Close()
	asked.Body = io.NopCloser(bytes.NewReader(body))
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		is.action, is.form = form.Get("Action"), form
	}
	return is, nil
}

// over says that whoever ran the process is done with it.
func (p *process) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

func (p *process) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}
