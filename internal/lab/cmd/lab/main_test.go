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
