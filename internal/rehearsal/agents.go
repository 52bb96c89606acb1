package rehearsal

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// departure is how long after its last command a builder switches itself off.
const departure = 5 * time.Second

// payload is a script in a command, for a shell or for PowerShell.
var payload = regexp.MustCompile(`(?:printf %s |FromBase64String\()'([A-Za-z0-9+/=]+)'`)

// agents play our scripts when they come as commands: each item is done once, and told
// again when it is asked for again.
type agents struct {
	inside Inside

	mu sync.Mutex
	// notes is what each guest has noted of its items, by instance and number.
	notes map[string]map[string]string
}

func (a *agents) execute(ctx context.Context, spec guests.Spec, m *guests.Machine, command guests.Command) (guests.Result, error) {
	found := payload.FindStringSubmatch(command.Script)
	if found == nil {
		return guests.Result{ExitCode: 1, Errors: "not one of the provider's commands"}, nil
	}
	packed, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil {
		return guests.Result{}, err
	}
	script := Unpacked(packed)
	prefix := "stamp-" + nonceOf.FindStringSubmatch(script)[1] + " "
	var said []string
	exitCode := 0
	switch tasks := tasksOf(script); {
	case strings.Contains(script, "\nstamp_survey\n"):
		said = a.survey(spec)
		if strings.Contains(script, "\nstamp_key\n") {
			said = append(said, "key "+publicKey())
		}
		said = append(said, "end ok")
	case strings.Contains(script, "\nstamp_depart\n"):
		if said, err = a.close(ctx, spec, m, script, prefix); err != nil {
			return guests.Result{}, err
		}
	case len(tasks) == 1:
		if said, err = a.item(ctx, spec, tasks[0]); err != nil {
			return guests.Result{}, err
		}
		if isWindows(script) && said[len(said)-1] == "end rebooting" {
			exitCode = rebootOfWindows
		}
	default:
		said = []string{"end ok"}
	}
	return guests.Result{Output: prefix + strings.Join(said, "\n"+prefix) + "\n", ExitCode: exitCode}, nil
}

// rebootOfWindows is the exit code by which the agent on Windows restarts the machine and
// then runs the command again.
const rebootOfWindows = 3010

func isWindows(script string) bool { return strings.Contains(script, "\n$stamp_nonce=") }

// generalise is what a close on Windows does within the agent's sight, when it does: once.
var generalise = regexp.MustCompile(`(?m)^stamp_clean (\d+) (machine_id)$`)

// close cleans up; a little later the builder is off.
func (a *agents) close(ctx context.Context, spec guests.Spec, m *guests.Machine, script, prefix string) ([]string, error) {
	said := identityOf(script)
	if found := generalise.FindStringSubmatch(script); found != nil && isWindows(script) {
		done, err := a.item(ctx, spec, task{"clean", found[1], "clean-up", found[2]})
		if err != nil {
			return nil, err
		}
		if done[len(done)-1] != "end ok" {
			return append(said, done...), nil
		}
		said = append(said, done[:len(done)-1]...)
	}
	time.AfterFunc(departure, func() {
		fmt.Fprintf(m.Console, "%send ok\r\n", prefix)
		m.PowerOff()
	})
	return append(said, "end ok"), nil
}

// publicKey is what guests receive secrets with, as they tell it. Nobody reads them here.
var publicKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(der)
})

// survey tells which items are done.
func (a *agents) survey(spec guests.Spec) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var said []string
	for number, noted := range a.notes[spec.InstanceID] {
		if strings.HasSuffix(noted, "end ok") {
			said = append(said, "done "+number)
		}
	}
	return said
}

// asked is noted for an item that has asked for a restart.
const asked = "asked for a restart"

// item does an item, or tells what it told before. A restart has happened when it is asked
// for again.
func (a *agents) item(ctx context.Context, spec guests.Spec, task task) ([]string, error) {
	before := a.note(spec, task.number, "")
	switch {
	case task.kind == "reboot" && before == "":
		a.note(spec, task.number, asked)
		return []string{"end rebooting"}, nil
	case before != "" && before != asked:
		return strings.Split(before, "\n"), nil
	}
	said, failed, err := a.inside.do(ctx, spec, task)
	if err != nil {
		return nil, err
	}
	if failed {
		said = append(said, "end failed")
	} else {
		said = append(said, "end ok")
	}
	a.note(spec, task.number, strings.Join(said, "\n"))
	return said, nil
}

// note notes something of an item, unless it is empty, and returns what was noted before.
func (a *agents) note(spec guests.Spec, number, text string) (before string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.notes[spec.InstanceID] == nil {
		a.notes[spec.InstanceID] = map[string]string{}
	}
	before = a.notes[spec.InstanceID][number]
	if text != "" {
		a.notes[spec.InstanceID][number] = text
	}
	return before
}
