package rehearsal

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// Inside says what happens inside instances whose user data is the provider's own: the
// script is not run, but its steps and checks are gone through, and the console says
// of them what the script would say. Other instances do nothing and stay on.
type Inside struct {
	// Each is how long each step and check takes; a minute unless given.
	Each time.Duration
	// Fails, if not nil, is asked for the exit code of each step and check. On a proof
	// the spec has layers, on a builder it has none.
	Fails func(spec guests.Spec, phase, name string) (exitCode int)
}

var (
	nonceOf = regexp.MustCompile(`(?m)^stamp_nonce='([^']*)'$`)
	// taskOf finds "stamp_do check 'health' …" and "stamp_upload 'app'".
	taskOf = regexp.MustCompile(`(?m)^stamp_(?:do (\w+)|upload) '((?:[^']|'\\'')*)'`)
)

// Host makes the guests of a lab.
func (i Inside) Host() *guests.Scripted {
	var mu sync.Mutex
	begun := map[string]bool{} // user data is run once per instance
	return &guests.Scripted{Boot: func(spec guests.Spec, m *guests.Machine) {
		mu.Lock()
		before := begun[spec.InstanceID]
		begun[spec.InstanceID] = true
		mu.Unlock()
		if !before {
			i.play(spec, m)
		}
	}}
}

func (i Inside) play(spec guests.Spec, m *guests.Machine) {
	script := unpacked(spec.UserData)
	nonce := nonceOf.FindStringSubmatch(script)
	if nonce == nil {
		return
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(m.Console, "stamp-%s %s\r\n", nonce[1], fmt.Sprintf(format, args...))
	}
	say("begin")
	result := "ok"
	for _, task := range taskOf.FindAllStringSubmatch(script, -1) {
		phase, name := cmp.Or(task[1], "step"), strings.ReplaceAll(task[2], `'\''`, "'")
		say("start %s %s", phase, name)
		select {
		case <-m.Context().Done():
			return
		case <-time.After(cmp.Or(i.Each, time.Minute)):
		}
		exitCode := 0
		if i.Fails != nil {
			exitCode = i.Fails(spec, phase, name)
		}
		if exitCode != 0 {
			say("fail %s exit=%d late=no attempts=1 %s", phase, exitCode, name)
			say("out 1 %s was told to fail", name)
			result = "failed"
			break
		}
		say("pass %s %s", phase, name)
	}
	say("end %s", result)
	m.PowerOff()
}

// unpacked undoes what cloud-init would undo.
func unpacked(userData []byte) string {
	reader, err := gzip.NewReader(bytes.NewReader(userData))
	if err != nil {
		return string(userData)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return ""
	}
	return string(text)
}
