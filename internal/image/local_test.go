//go:build !windows

package image

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A local step that prints without end costs little memory, and shows its end.
func TestLocal_outputIsBounded(t *testing.T) {
	text, code := runLocal(t.Context(), `i=0; while [ $i -lt 64 ]; do head -c 1048576 /dev/zero | tr '\000' x; echo; i=$((i + 1)); done; echo "it is $TOKEN"; exit 3`,
		append(os.Environ(), "TOKEN=hunter2"), map[string]string{"TOKEN": "hunter2"}, localGrace)
	if code != 3 || text != "it is ***" {
		t.Errorf("exit code %d, %d bytes: …%q", code, len(text), text[max(0, len(text)-40):])
	}
}

// What is cut off shows no half of a secret, wherever the cut is.
func TestLastBytes_showNoHalfOfASecret(t *testing.T) {
	secret := "0123456789abcdefghij"
	for shift := range 2 * len(secret) {
		output := &lastBytes{most: 64}
		for _, part := range []string{strings.Repeat("-", 100), secret, strings.Repeat("+", 64-shift)} {
			if n, err := output.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if len(output.kept) != 64 {
			t.Errorf("%d bytes are kept", len(output.kept))
		}
		if got := output.masked(map[string]string{"A": secret}); strings.ContainsAny(got, secret) {
			t.Errorf("with the cut %d bytes before its end: %q", shift, got)
		}
	}
}

// FuzzLastBytes writes in parts of any length: the end of all is what is kept.
func FuzzLastBytes(f *testing.F) {
	f.Add([]byte("a text that is longer"), uint8(3), uint8(7))
	f.Add([]byte("\x1b[2J\xff"), uint8(200), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, part, most uint8) {
		output := &lastBytes{most: int(most)}
		for rest := text; len(rest) > 0; rest = rest[min(int(part)+1, len(rest)):] {
			_, _ = output.Write(rest[:min(int(part)+1, len(rest))])
		}
		if want := text[max(0, len(text)-int(most)):]; !bytes.Equal(output.kept, want) || output.cut != (len(text) > int(most)) {
			t.Errorf("kept %q (cut %v), want %q", output.kept, output.cut, want)
		}
	})
}

const shortGrace = 300 * time.Millisecond

// gone waits until a process has ended.
func gone(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 250 {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(state), ") Z ") {
			return
		}
		<-tick.C
	}
	t.Errorf("process %d runs on", pid)
}

// Neither a timeout nor a cancel leaves anything running that the command has started.
func TestLocal_endsTheWholeGroup(t *testing.T) {
	for name, line := range map[string]string{
		"a child":                `sleep 60 & echo $! >"$PIDS"; wait && echo done`,
		"a child out of sight":   `sleep 60 >/dev/null 2>&1 & echo $! >"$PIDS"; exec sleep 60`,
		"one that does not mind": `sh -c 'trap "" TERM; echo $$ >"$PIDS"; while :; do sleep 1; done' & wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pids := filepath.Join(t.TempDir(), "pids")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range 1000 {
					if text, err := os.ReadFile(pids); err == nil && bytes.HasSuffix(text, []byte("\n")) {
						break
					}
					<-tick.C
				}
				cancel()
			}()
			if text, code := runLocal(ctx, line, append(os.Environ(), "PIDS="+pids), nil, shortGrace); code == 0 {
				t.Errorf("exit code %d, %q", code, text)
			}
			gone(t, pids)
		})
	}
}

// What a command leaves running on purpose is its own matter.
func TestLocal_whatItLeavesRunningIsNoFailure(t *testing.T) {
	began := time.Now()
	text, code := runLocal(t.Context(), "sleep 10 & echo left", os.Environ(), nil, shortGrace)
	if code != 0 || text != "left" || time.Since(began) > 8*time.Second {
		t.Errorf("after %s: exit code %d, %q", time.Since(began), code, text)
	}
}

func TestLocal_isNoPlugin(t *testing.T) {
	for variable, want := range map[string]bool{
		"TF_PLUGIN_MAGIC_COOKIE=1": true, "PLUGIN_CLIENT_CERT=x=y": true, "Plugin_Min_Port=1": true,
		"PATH=/bin": false, "MY_PLUGIN_DIR=x": false, "TF_PLUGIN_CACHE_DIR=x": false,
	} {
		if forPlugin(variable) != want {
			t.Errorf("%s: %t", variable, !want)
		}
	}
}
