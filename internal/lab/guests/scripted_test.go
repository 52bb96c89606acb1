package guests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	_ Host = (*Scripted)(nil)
	_ Host = none{}
)

func TestScripted_bootsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var console strings.Builder
		offs, boots := 0, 0
		host := &Scripted{Boot: func(spec Spec, m *Machine) {
			boots++
			timer := time.NewTimer(time.Hour)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-m.Context().Done():
				return
			}
			fmt.Fprintf(m.Console, "%s on %d layers\n", spec.InstanceID, len(m.Layers))
			m.PowerOff()
			m.PowerOff()
			fmt.Fprint(m.Console, "after the end\n")
		}}
		began := time.Now()
		g, err := host.Start(Spec{InstanceID: "i-1", Console: &console, Layers: []Layer{{Dir: "a"}}, Off: func() { offs++ }})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		synctest.Wait()

		if offs != 1 || console.String() != "i-1 on 1 layers\n" || time.Since(began) != 2*time.Hour {
			t.Errorf("off %d times after %v, console %q", offs, time.Since(began), console.String())
		}
		first, err1 := g.Freeze()
		second, err2 := g.Freeze()
		if err := errors.Join(err1, err2, first.Remove()); err != nil || first == second {
			t.Errorf("layers %v and %v, %v", first, second, err)
		}

		// Stopped from outside, the second boot ends without Off.
		if err := g.Boot(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		g.Stop()
		synctest.Wait()
		if boots != 2 || offs != 1 {
			t.Errorf("%d boots, off %d times", boots, offs)
		}
		if _, _, err := g.Run(t.Context(), "true"); !errors.Is(err, ErrOff) {
			t.Errorf("a command in a stopped guest: %v", err)
		}
	})
}

func TestScripted_closeEndsEveryBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &Scripted{
			Boot: func(_ Spec, m *Machine) { <-m.Context().Done() },
			Command: func(_ context.Context, spec Spec, _ *Machine, script string) (string, int, error) {
				return spec.InstanceID + ": " + script, 7, nil
			},
		}
		var all []Guest
		for i := range 3 {
			g, err := host.Start(Spec{InstanceID: fmt.Sprintf("i-%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, g)
		}
		if output, code, err := all[1].Run(t.Context(), "x"); output != "i-1: x" || code != 7 || err != nil {
			t.Errorf("got %q, %d, %v", output, code, err)
		}
		all[0].Destroy()

		if err := host.Close(); err != nil {
			t.Fatal(err)
		}

		// A boot that goes on would keep the bubble from ending.
		if _, err := host.Start(Spec{}); !errors.Is(err, errClosed) {
			t.Errorf("starting a guest on a closed host: %v", err)
		}
	})
}

func TestNone_saysSoOnTheConsole(t *testing.T) {
	var console strings.Builder
	host := None("no namespaces")
	g, err := host.Start(Spec{Console: &console})
	if err != nil {
		t.Fatal(err)
	}
	if running, reason := host.Status(); running || reason != "no namespaces" {
		t.Errorf("status %t, %q", running, reason)
	}
	if !strings.Contains(console.String(), "guests are off") || !strings.Contains(console.String(), "no namespaces") {
		t.Errorf("the console says %q", console.String())
	}
	if _, _, err := g.Run(t.Context(), "true"); err == nil {
		t.Error("a command ran in no guest")
	}
}

func TestAuto_explainsWhyGuestsAreOff(t *testing.T) {
	host := Auto(t.Context(), "/no/such/directory")
	running, reason := host.Status()
	if running || !strings.Contains(reason, "a place for their disks") && !strings.Contains(reason, "need Linux") {
		t.Errorf("status %t, %q", running, reason)
	}
}

func TestScripted_replacesItsDisk(t *testing.T) {
	layers := make(chan []Layer, 2)
	host := &Scripted{Boot: func(_ Spec, m *Machine) { layers <- m.Layers }}
	g, err := host.Start(Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Destroy()
	<-layers
	if err := g.ReplaceDisk("debian", []Layer{{Dir: "x"}}); err == nil {
		t.Error("the disk of a running guest was replaced")
	}
	g.Stop()
	if err := g.ReplaceDisk("debian", []Layer{{Dir: "x"}}); err != nil {
		t.Fatal(err)
	}
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	if got := <-layers; len(got) != 1 || got[0].Dir != "x" {
		t.Errorf("it boots on %v, want the new layer", got)
	}
}

func TestScripted_executes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &Scripted{Command: func(_ context.Context, _ Spec, _ *Machine, script string) (string, int, error) { return script, 3, nil }}
		g, err := host.Start(Spec{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := g.Execute(t.Context(), Command{Script: "x"}); err != nil || got != (Result{Output: "x", ExitCode: 3}) {
			t.Errorf("by Command: %+v, %v", got, err)
		}
		host.Executed = func(ctx context.Context, _ Spec, _ *Machine, command Command) (Result, error) {
			<-ctx.Done()
			return Result{Errors: command.Directory}, context.Cause(ctx)
		}
		go func() {
			<-time.After(time.Minute)
			g.Stop()
		}()
		if got, err := g.Execute(t.Context(), Command{Directory: "/srv"}); !errors.Is(err, ErrOff) || got.Errors != "/srv" {
			t.Errorf("across a stop: %+v, %v", got, err)
		}
	})
}

func TestNone_executesNothing(t *testing.T) {
	g, err := None("no reason").Start(Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Execute(t.Context(), Command{Script: "true"}); err == nil || !strings.Contains(err.Error(), "no reason") {
		t.Errorf("error %v, want one with the reason", err)
	}
}
