package ownership

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// holder is who holds a lease: a process on a machine.
type holder struct {
	// machine tells machines apart, and where the system says so also boots and containers;
	// empty where nothing but a name does, which two machines may have.
	machine string
	pid     int
	// start tells apart the processes that have had the number; empty where it is not known.
	start string
	// words names it for people: "alice@ci-7".
	words string
}

// this is the process that we are.
var this = sync.OnceValue(func() holder {
	start, _ := startOf(os.Getpid())
	return holder{machine: machine(), pid: os.Getpid(), start: start, words: words()}
})

// machine identifies the machine, its boot, and the namespace that numbers of processes
// count in, as far as the system tells.
func machine() string {
	name, _ := os.Hostname()
	id := machineID()
	if id == "" {
		return ""
	}
	space, _ := os.Readlink("/proc/self/ns/pid")
	sum := sha256.Sum256([]byte(runtime.GOOS + "\x00" + name + "\x00" + id + "\x00" + space))
	return hex.EncodeToString(sum[:8])
}

// startOf is when a process began, as Linux counts it; empty for one that has ended and not
// been waited for. It is not told elsewhere, of a process that is not there, and of those of
// other users where /proc hides them (hidepid).
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func startOf(pid int) (start string, told bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", false
	}
	// The name of the program, in brackets, may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const starttime = 22 - 3 // the first field here is the third, the state
	if len(fields) <= starttime || fields[0] == "Z" {
		return "", true // a zombie does nothing any more
	}
	return fields[starttime], true
}

// gone reports whether the holder was a process of this machine that is not there any more.
// Of another machine's nobody here can tell.
func (h holder) gone() bool {
	if h.machine == "" || h.machine != this().machine || h.pid <= 0 {
		return false
	}
	start, told := startOf(h.pid)
	return h.ended(start, told, alive(h.pid))
}

// ended judges by what the system says of the process that has the holder's number now.
func (h holder) ended(start string, told, alive bool) bool {
	if h.start != "" && told {
		return start != h.start
	}
	return !alive
}

// words are the user and the machine, in characters that AWS takes everywhere.
func words() string {
	who := "somebody"
	if current, err := user.Current(); err == nil {
		who = current.Username
	}
	if name, err := os.Hostname(); err == nil {
		who += "@" + name
	}
	const most = 60
	plain := strings.Map(func(c rune) rune {
		if c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("@._-", c)) {
			return c
		}
		return '-'
	}, who)
	return plain[:min(len(plain), most)]
}
