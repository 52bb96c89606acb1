package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRun_announcesServesAndEnds runs the command as a person would, without guests.
func TestRun_announcesServesAndEnds(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	read, write := io.Pipe()
	var problems bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-guests", "off", "-seed", "7"}, write, &problems) }()

	var announced struct {
		Endpoint string
		Guests   bool
	}
	if err := json.NewDecoder(read).Decode(&announced); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, announced.Endpoint+"/_lab/books", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the books answer %s, %v", response.Status, err)
	}
	interrupt()

	if err := <-ended; err != nil {
		t.Errorf("after the interruption: %v", err)
	}
	if said := problems.String(); !strings.Contains(said, "\nexport AWS_ENDPOINT_URL="+announced.Endpoint+"\n") || !strings.Contains(said, announced.Endpoint+"/ ") {
		t.Errorf("it said %q; want the settings to paste and the page's address", said)
	}
	for _, want := range []string{"AWS_DEFAULT_REGION=us-east-1", "make install", "export TF_CLI_CONFIG_FILE="} {
		if !strings.Contains(problems.String(), want) {
			t.Errorf("it said %q, without %q", problems.String(), want)
		}
	}
	if announced.Guests || !strings.Contains(problems.String(), "guests are off") {
		t.Errorf("guests %t, said %q; want them off, and why", announced.Guests, problems.String())
	}
}

func TestRun_refusals(t *testing.T) {
	for want, arguments := range map[string][]string{
		"calm":        {"-weather", "sunshine", "-guests", "off"},
		"auto, on":    {"-guests", "perhaps"},
		"unexpected":  {"-guests", "off", "now"},
		"listening":   {"-guests", "off", "-listen", "nowhere:-1"},
		"backwards":   {"-guests", "off", "-speed", "-1"},
		"not defined": {"-colour", "red"},
	} {
		err := run(t.Context(), arguments, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want one with %q", arguments, err, want)
		}
	}
}

// TestRun_refusesOtherMachines asks for addresses that other machines reach.
func TestRun_refusesOtherMachines(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0", "[::ffff:192.0.2.1]:0"} {
		err := run(t.Context(), []string{"-guests", "off", "-listen", address}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "-allow-remote") || !strings.Contains(err.Error(), "root in its guests") {
			t.Errorf("%s: error %v, want a refusal that says why and what to do", address, err)
		}
	}
}

// TestCheckAddress takes loopback addresses as they are, and all others when asked to.
func TestCheckAddress(t *testing.T) {
	for address, remote := range map[string]bool{"127.0.0.1:0": false, "127.1.2.3:80": false, "[::1]:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		if _, err := checkAddress(t.Context(), address, remote); err != nil {
			t.Errorf("%s, remote %t: %v", address, remote, err)
		}
	}
	names, err := checkAddress(t.Context(), "lab.example:80", true)
	if err != nil || len(names) != 1 || names[0] != "lab.example" {
		t.Errorf("the names are %v, %v", names, err)
	}
}

// TestRun_servesOtherMachinesWhenAsked listens everywhere, which is still no way in for
// pages of others.
func TestRun_servesOtherMachinesWhenAsked(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-guests", "off", "-quiet", "-listen", "0.0.0.0:0", "-allow-remote"}, write, io.Discard)
	}()
	var announced struct{ Endpoint string }
	if err := json.NewDecoder(read).Decode(&announced); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusForbidden} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, announced.Endpoint+"/_lab/books", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("host %q: %s, %v", host, response.Status, err)
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
