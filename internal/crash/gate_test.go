//go:build linux

package crash

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// gate stands between the provider and the lab. It counts the requests of a run, and kills
// at one of them.
type gate struct {
	lab http.Handler
	// seen is called after each request had its effect, with its action.
	seen func(action string)

	mu sync.Mutex
	// asked are the actions of the run so far.
	asked []string
	cut   cut
	// kill kills; struck is set when that was done, dead when nothing is let through any more.
	kill         func()
	struck, dead bool
	under        sync.WaitGroup
}

// open begins a run.
func (g *gate) open(c cut, kill func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked, g.cut, g.kill, g.struck, g.dead = nil, c, kill, false, false
}

// shut ends it, once all that has been let through is answered. It returns what was asked,
// and whether something was killed.
func (g *gate) shut() (asked []string, struck bool) {
	g.mu.Lock()
	g.dead = true
	g.mu.Unlock()
	g.under.Wait()
	return g.asked, g.struck
}

// enter lets a request in, unless who sent it is dead.
func (g *gate) enter(action string) (dies, enters bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return false, false
	}
	g.under.Add(1)
	g.asked = append(g.asked, action)
	return len(g.asked) == g.cut.request, true
}

// strike kills. What is sent by who is dead gets no further; a provider that has only lost
// its Terraform goes on.
func (g *gate) strike() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kill()
	g.struck, g.dead = true, g.cut.victim != terraformAlone
}

// ServeHTTP serves the lab.
func (g *gate) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	action := actionOf(request, body)
	dies, enters := g.enter(action)
	if !enters {
		panic(http.ErrAbortHandler)
	}
	defer g.under.Done()
	if dies && !g.cut.after {
		if g.strike(); g.cut.victim != terraformAlone {
			panic(http.ErrAbortHandler)
		}
	}
	// What is let through has its effect, whoever dies meanwhile.
	forwarded := request.Clone(context.WithoutCancel(request.Context()))
	forwarded.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	g.lab.ServeHTTP(answer, forwarded)
	g.seen(action)
	if dies && g.cut.after {
		if g.strike(); g.cut.victim != terraformAlone {
			panic(http.ErrAbortHandler)
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // nobody may be listening any more
}

// actionOf is what is asked for: in a header where it is JSON, else in the form.
func actionOf(request *http.Request, body []byte) string {
	if _, action, found := strings.Cut(request.Header.Get("X-Amz-Target"), "."); found {
		return action
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return request.Method + " " + request.URL.Path
	}
	return form.Get("Action")
}
