package labtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// Endpoint is the base endpoint for SDK clients that use InBubble's HTTP client.
const Endpoint = "http://lab.invalid"

// Server is a lab on a local port.
type Server struct {
	// Lab is the lab itself.
	Lab *lab.Lab
	// URL is the endpoint of every service: "http://127.0.0.1:PORT".
	URL string
}

// Start starts a lab on a port of 127.0.0.1. It is closed with the test.
func Start(t testing.TB, options lab.Options) *Server {
	t.Helper()
	started, err := lab.New(options)
	if err != nil {
		t.Fatalf("starting a lab: %v", err)
	}
	server := httptest.NewServer(started)
	t.Cleanup(func() {
		server.Close()
		if err := started.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return &Server{Lab: started, URL: server.URL}
}

// InBubble serves the lab over in-memory connections and returns a client whose
// every request goes to it, whatever the host is called. It is for tests within
// synctest.Test: pass the bubble's own T, and make the lab inside the bubble, so
// that its clock is the bubble's. Connections, server and lab are closed in the
// cleanup, which runs before the bubble ends.
func InBubble(t testing.TB, inside *lab.Lab) *http.Client {
	t.Helper()
	listener := newPipes()
	server := &http.Server{Handler: inside, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("closing the lab's server: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving the lab: %v", err)
		}
		if err := inside.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return &http.Client{Transport: Steady(transport)}
}

// pipes is a listener whose connections are net.Pipe's, which block durably as
// synctest understands it.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	close       sync.Once
}

func newPipes() *pipes {
	return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next dial.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.connections:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and all later dials.
func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

// Addr is a name without meaning.
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.connections <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "lab" }
