package guests

import (
	"context"
	"fmt"
	"io"
)

// None returns a host without guests: instances start and stop, and their console
// says that nothing runs in them and why.
func None(reason string) Host { return none{reason} }

type none struct{ reason string }

func (n none) Status() (running bool, reason string) { return false, n.reason }

func (n none) Start(spec Spec) (Guest, error) {
	guest := noGuest{none: n, console: spec.Console}
	return guest, guest.Boot()
}

func (none) Close() error { return nil }

type noGuest struct {
	none
	console io.Writer
}

func (g noGuest) Run(context.Context, string) (output string, exitCode int, err error) {
	return "", 0, fmt.Errorf("guests are off: %s", g.reason)
}

func (g noGuest) Execute(context.Context, Command) (Result, error) {
	return Result{}, fmt.Errorf("guests are off: %s", g.reason)
}

func (noGuest) Stop() {}

func (g noGuest) Boot() error {
	if g.console == nil {
		return nil
	}
	_, err := fmt.Fprintf(g.console, "lab: guests are off, nothing runs in this instance: %s\r\n", g.reason)
	return err
}

func (noGuest) Freeze() (Layer, error) { return Layer{}, nil }

func (noGuest) ReplaceDisk(string, []Layer) error { return nil }

func (noGuest) Destroy() {}
