package guests

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errEnough = errors.New("enough")

func TestReal_executesWithStreamsApart(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	got, err := g.Execute(t.Context(), Command{
		Script: "#!/bin/bash\npwd\necho bad >&2\nenv | grep -v -e ^_= -e ^PWD= -e ^SHLVL=\nexit 7",
		// Without a PATH of its own bash has one built in, which it does not pass on.
		Directory: "/usr/bin", Environment: []string{"GREETING=hello", "PATH=/usr/bin:/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Result{Output: "/usr/bin\nGREETING=hello\nPATH=/usr/bin:/bin\n", Errors: "bad\n", ExitCode: 7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := g.Execute(t.Context(), Command{Script: "true", Directory: "/none"}); err == nil || errors.Is(err, ErrOff) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}

func TestReal_killsWhatHasNoTimeLeft(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errEnough)
	defer cancel()
	got, err := g.Execute(ctx, Command{Script: "echo begun; sleep 100001 & sleep 100001", Environment: []string{"PATH=/usr/bin:/bin"}})
	if !errors.Is(err, errEnough) || got.Output != "begun\n" {
		t.Errorf("it said %q and ended with %v", got.Output, err)
	}
	if left := g.sh(t, "pgrep -fc 'sleep 10000[1]' || true"); left != "0" {
		t.Errorf("%s processes are left", left)
	}
}

func TestReal_reachesTheCloud(t *testing.T) {
	cloud := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(w, "%s at %s", request.URL.Path, request.Host)
	})
	for _, at := range []string{"127.0.0.1:18099", "192.0.2.7:18099", "[::1]:18099"} {
		g := start(t, sharedHost(t), Spec{Cloud: cloud, CloudAddress: netip.MustParseAddrPort(at)})
		if got, want := g.sh(t, "curl -gsS http://"+at+"/bucket/key"), "/bucket/key at "+at; got != want {
			t.Errorf("%q, want %q; the console:\n%s", got, want, g.screen)
		}
	}
}
