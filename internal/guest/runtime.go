package guest

import (
	"embed"
	"fmt"
)

//go:embed shell
var shell embed.FS

// Parts of the runtime, in the order in which scripts hold them: later ones may replace
// functions of earlier ones.
const (
	partBase     = "base"
	partSettle   = "settle"
	partRun      = "run"
	partUser     = "user"
	partUpload   = "upload"
	partReboot   = "reboot"
	partIdentity = "identity"
	partCleanUp  = "cleanup"
	partKeys     = "keys"
	partRemote   = "remote"
	partSecrets  = "secrets"
	partStaged   = "staged"
)

var runtimeParts = []string{
	partBase, partSettle, partRun, partUser, partUpload, partReboot, partIdentity, partCleanUp, partKeys, partRemote, partSecrets, partStaged,
}

// runtimePart returns a part of the runtime.
func runtimePart(name string) []byte {
	content, err := shell.ReadFile("shell/" + name + ".sh")
	if err != nil {
		panic(fmt.Sprintf("the runtime has no part %s", name)) // the names are the constants above
	}
	return content
}

// surroundings are what a script finds around it. Tests set their own.
type surroundings struct {
	// root is put before every path that the runtime touches.
	root string
	// console is a character device, beside standard output.
	console string
	// imds is the address of the instance metadata service.
	imds string
	// powerOff and restart are the bodies of the functions that end the machine, and that
	// restart it.
	powerOff, restart string
	// pause is what is waited, in seconds, before a fetch is tried again, and before the
	// machine is switched off behind the agent's back.
	pause int
}

// server is where scripts run. Having asked for the end, they wait for it.
var server = surroundings{
	console: "/dev/console",
	imds:    "http://169.254.169.254",
	// A restart that is under way wins over a shutdown that is asked for in the usual way.
	// https://www.freedesktop.org/software/systemd/man/latest/systemctl.html#-f
	powerOff: `	if stamp_going && command -v systemctl >/dev/null 2>&1; then
		case $stamp_away in poweroff | halt) ;; *) shutdown -c 2>/dev/null; systemctl --force poweroff ;; esac
	elif command -v shutdown >/dev/null 2>&1; then shutdown -h now; elif command -v poweroff >/dev/null 2>&1; then poweroff; else halt -p; fi
	sleep 600`,
	restart: `	if command -v shutdown >/dev/null 2>&1; then shutdown -r now; else reboot; fi`,
	pause:   5,
}
