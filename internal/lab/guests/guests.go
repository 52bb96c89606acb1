package guests

import (
	"context"
	"io"
	"net/http"
	"net/netip"
)

// Host starts guests. Implementations: Real (Linux namespaces), None (guests are
// off) and Scripted (a function in their place, for simulations).
type Host interface {
	// Status reports whether guests run for real, and if not why not.
	Status() (running bool, reason string)
	// Start boots a guest and returns once it is on its way; what it prints goes to
	// the spec's console from other goroutines.
	Start(spec Spec) (Guest, error)
	// Close ends all guests and removes everything that they left on the host.
	Close() error
}

// Spec is one guest to start.
type Spec struct {
	InstanceID string
	// OS selects the skeleton of a base image: "al2023" or "debian";
	// "windows" is for scripted guests alone.
	OS string
	// Layers are the frozen layers of the instance's image, the lowest first; none
	// for a base image.
	Layers []Layer
	// Hostname is what EC2 gives: "ip-172-31-0-5".
	Hostname string
	// UserData is raw; it is run as cloud-init would run it, once per instance id.
	UserData []byte
	// PublicKey is the public half of the instance's key pair, as OpenSSH writes it; empty
	// without one.
	PublicKey string
	// Metadata answers at 169.254.169.254:80 inside the guest.
	Metadata http.Handler
	// Cloud answers at CloudAddress inside the guest, as it does outside, so that a URL of
	// the lab's means the same there. Without an address there is no way out of the guest.
	Cloud        http.Handler
	CloudAddress netip.AddrPort
	// Console receives everything that the boot and the user data print.
	Console io.Writer
	// Off is called once when the guest has powered itself off (or has died).
	Off func()
}

// linuxAlone says why a host whose guests are Linux's alone has none of an OS; "" for
// those that it has.
func linuxAlone(system string) string {
	if system == "windows" {
		return "the lab has no guests of Windows, so nothing can run in this instance; " +
			"started with -guests off, the lab lets it run empty, to rehearse launches alone"
	}
	return ""
}

// Runs tells whether a host whose guests run has any of that OS, and if not why.
func Runs(host Host, system string) (running bool, reason string) {
	if choosy, ok := host.(interface{ lacks(system string) string }); ok {
		reason = choosy.lacks(system)
	}
	return reason == "", reason
}

// Layer is the frozen file system difference of an image; opaque to the lab.
type Layer struct{ Dir string }

// Command is a program to run in a guest.
type Command struct {
	// Script is run by its #! line, by /bin/sh without one.
	Script string
	// Directory is where it runs; the root without one.
	Directory string
	// Environment is all that it finds set.
	Environment []string
}

// Result is what came of a command.
type Result struct {
	// Output and Errors are what it printed on either stream.
	Output, Errors string
	// ExitCode is 128 plus the signal's number for a command that was killed.
	ExitCode int
}

// Guest is one running (or stopped) guest.
type Guest interface {
	// Run runs a shell script inside as root and returns its combined output and
	// exit code.
	Run(ctx context.Context, script string) (output string, exitCode int, err error)
	// Execute runs a command inside as root. When the context ends before it, the command is
	// killed with its whole process group, and the error is the context's cause; what it
	// printed until then is in the result.
	Execute(ctx context.Context, command Command) (Result, error)
	// Stop powers the guest off from outside and waits until it is off. Off is not
	// called. Stopping a stopped guest does nothing.
	Stop()
	// Boot starts a stopped guest again on the same disk.
	Boot() error
	// Freeze copies the guest's disk into a layer that lives until the host is closed
	// or the layer is removed: what differs from the guest's own layers, which stay
	// below it in the new image. A running guest is halted for the time of the copy.
	Freeze() (Layer, error)
	// ReplaceDisk gives a guest that is off an empty disk above other layers, or above
	// another base image, and removes the one that it had. The next boot is that disk's
	// first. After an error the guest still has its old disk.
	ReplaceDisk(system string, layers []Layer) error
	// Destroy ends the guest and removes its disk.
	Destroy()
}
