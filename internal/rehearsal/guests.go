package rehearsal

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// Inside says what happens inside instances whose work is the provider's own, in user
// data or in Run Commands: the scripts are not run, but their steps and checks are gone
// through, and console and commands say of them what the scripts would say. Other
// instances do nothing and stay on.
type Inside struct {
	// Each is how long each step and check takes; a minute unless given.
	Each time.Duration
	// Fails, if not nil, is asked for the exit code of each step and check. On a proof
	// the spec has layers, on a builder it has none.
	Fails func(spec guests.Spec, phase, name string) (exitCode int)
	// Fetch, if not nil, gets what is staged at a URL, for user data that loads its script
	// from there.
	Fetch func(url string) ([]byte, error)
}

var (
	nonceOf = regexp.MustCompile(`(?m)^\$?stamp_nonce='([^']*)'$`)
	// taskOf finds "stamp_do 3 check 'health' …", "if stamp_begin 1 step 'app'; then" and
	// "stamp_reboot 2 'kernel'", and in PowerShell "if (stamp_begin 1 step 'app') {".
	taskOf = regexp.MustCompile(`(?m)^(?:if \(?)?stamp_(do|begin|mark|reboot) (\d+) (?:(\w+) )?'((?:[^']|'\\'')*)'`)
)

// task is one step or check of a script.
type task struct{ kind, number, phase, name string }

func tasksOf(script string) []task {
	var tasks []task
	for _, found := range taskOf.FindAllStringSubmatch(script, -1) {
		tasks = append(tasks, task{found[1], found[2], cmp.Or(found[3], "step"), strings.ReplaceAll(found[4], `'\''`, "'")})
	}
	return tasks
}

// Host makes the guests of a lab.
func (i Inside) Host() *guests.Scripted {
	var mu sync.Mutex
	begun := map[string]bool{} // user data is run once per instance
	agents := agents{inside: i, notes: map[string]map[string]string{}}
	return &guests.Scripted{
		Boot: func(spec guests.Spec, m *guests.Machine) {
			mu.Lock()
			before := begun[spec.InstanceID]
			begun[spec.InstanceID] = true
			mu.Unlock()
			if !before {
				i.play(spec, m)
			}
		},
		Executed: agents.execute,
	}
}

func (i Inside) play(spec guests.Spec, m *guests.Machine) {
	script, err := i.loaded(Unpacked(spec.UserData))
	nonce := nonceOf.FindStringSubmatch(script)
	if nonce == nil || err != nil {
		return
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(m.Console, "stamp-%s %s\r\n", nonce[1], fmt.Sprintf(format, args...))
	}
	say("begin")
	result := "ok"
	for _, task := range tasksOf(script) {
		said, failed, err := i.do(m.Context(), spec, task)
		if err != nil {
			return
		}
		for _, line := range said {
			say("%s", line)
		}
		if failed {
			result = "failed"
			break
		}
	}
	for _, line := range identityOf(script) {
		say("%s", line)
	}
	say("end %s", result)
	m.PowerOff()
}

// stagedAt finds "stamp_load script 0123… 'https://…'".
var stagedAt = regexp.MustCompile(`(?m)^stamp_load script \S+ '([^']*)'$`)

// parcelAt finds "stamp_parcel 1 0123… 'https://…' 'app'".
var parcelAt = regexp.MustCompile(`(?m)^stamp_parcel \d+ \S+ '([^']*)' `)

// loaded is the script itself, which user data may only tell the place of. What it uploads
// from elsewhere is fetched as well.
func (i Inside) loaded(script string) (string, error) {
	if i.Fetch == nil {
		return script, nil
	}
	if at := stagedAt.FindStringSubmatch(script); at != nil {
		staged, err := i.Fetch(at[1])
		if err != nil {
			return "", err
		}
		script = Unpacked(staged)
	}
	for _, at := range parcelAt.FindAllStringSubmatch(script, -1) {
		if _, err := i.Fetch(at[1]); err != nil {
			return "", err
		}
	}
	return script, nil
}

// Identity is what every builder tells that it was, where it is asked.
const Identity = "machine-id 0123456789abcdef"

func identityOf(script string) []string {
	if strings.Contains(script, "\nstamp_identify ") {
		return []string{"identity " + Identity}
	}
	return nil
}

// do takes its time for a task, and returns what is said of it.
func (i Inside) do(ctx context.Context, spec guests.Spec, task task) (said []string, failed bool, err error) {
	said = append(said, fmt.Sprintf("start %s %s", task.phase, task.name))
	timer := time.NewTimer(cmp.Or(i.Each, time.Minute))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-timer.C:
	}
	exitCode := 0
	if i.Fails != nil {
		exitCode = i.Fails(spec, task.phase, task.name)
	}
	if exitCode != 0 {
		return append(said, fmt.Sprintf("fail %s exit=%d how=exit attempts=1 %s", task.phase, exitCode, task.name),
			fmt.Sprintf("out 1 %s was told to fail", task.name)), true, nil
	}
	return append(said, fmt.Sprintf("pass %s %s", task.phase, task.name)), false, nil
}

// Unpacked undoes what cloud-init would undo.
func Unpacked(userData []byte) string {
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
