package pid1

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/cloudinit"
)

// init turns this process into a guest's first one when it was started as that.
// Being process 1 as well as having the variable keeps a stray variable harmless.
func init() {
	if os.Getpid() == 1 && os.Getenv(Env) != "" {
		os.Exit(main())
	}
}

// grace is how long processes have between SIGTERM and SIGKILL. systemd gives 90
// seconds; nobody wants to wait that long for a rehearsal.
const grace = 2 * time.Second

// systemd(1) takes these signals as requests; so does this process, and the guest's
// poweroff, reboot and their kin send them. SIGRTMIN is the C library's: 34.
const (
	sigHalt     = syscall.Signal(34 + 3)
	sigPowerOff = syscall.Signal(34 + 4)
	sigReboot   = syscall.Signal(34 + 5)
)

// guest is a running guest, seen from its first process.
type guest struct {
	booted  time.Time
	config  Config
	conn    *Conn
	reaper  *reaper
	console *console

	down sync.Once
	mu   sync.Mutex
	// runs are the process groups of the commands under way.
	runs map[int64]*run
}

// main boots and then serves until the guest powers off; it returns only when it
// could not boot.
func main() int {
	conn, err := NewConn(os.NewFile(controlFD, "control"))
	if err != nil {
		return 1
	}
	// Nothing of the host's stays open in what runs here later.
	if err := unix.Close(programFD); err != nil {
		return 1
	}
	g := &guest{booted: time.Now(), conn: conn, runs: map[int64]*run{}}
	if err := g.start(); err != nil {
		_ = conn.Send(Event{Kind: KindConsole, Data: fmt.Appendf(nil, "kernel panic: %v\r\n", err)})
		return 1
	}
	// Before anything runs that could ask for the end: a signal that nobody has asked
	// for yet is lost.
	requests := make(chan os.Signal, 1)
	signal.Notify(requests, sigHalt, sigPowerOff, sigReboot)
	go g.serve()
	go g.boot()
	g.await(requests)
	return 0
}

// start builds the machine: disks, network, console.
func (g *guest) start() error {
	if err := g.conn.Receive(&g.config); err != nil {
		return fmt.Errorf("reading what to boot: %w", err)
	}
	if err := g.config.Limits.apply(); err != nil {
		return err
	}
	if err := g.attachMounts(); err != nil {
		return err
	}
	// Modes inside are what scripts ask for, whatever the host's user prefers.
	unix.Umask(0o022)
	if err := assemble(g.config); err != nil {
		return err
	}
	if err := emptyDir("/tmp"); err != nil {
		return err
	}
	listener, err := listenMetadata()
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := g.openCloud(); err != nil {
		_ = g.conn.Send(Event{Kind: KindConsole, Data: fmt.Appendf(nil, "lab: no way to the cloud: %v\r\n", err)})
	}
	g.reaper = newReaper()
	g.console, err = openConsole(g.booted, func(data []byte) {
		_ = g.conn.Send(Event{Kind: KindConsole, Data: data})
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(runDir, 0o700); err != nil {
		return err
	}
	return g.conn.Send(Event{Kind: KindListener}, listener)
}

// emptyDir removes what a directory holds, as the boot does with /tmp
// (tmpfiles.d(5), and a tmpfs on Amazon Linux).
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// boot does what the distribution's start-up and cloud-init do.
func (g *guest) boot() {
	g.console.say("[%12.6f] systemd[1]: Booting instance %s of the lab.", time.Since(g.booted).Seconds(), g.config.InstanceID)
	cloudinit.Boot(cloudinit.Machine{
		Root:          "/",
		Booted:        g.booted,
		InstanceID:    g.config.InstanceID,
		Hostname:      g.config.Hostname,
		UserData:      g.config.UserData,
		PublicKey:     g.config.PublicKey,
		Out:           io.Writer(g.console.Out),
		SetHostname:   func(name string) error { return unix.Sethostname([]byte(name)) },
		StartServices: g.startServices,
		Exec: func(path string, env []string) (int, error) {
			return g.execute([]string{path}, env)
		},
	})
	g.console.say("\n%s login: ", hostname())
}

// startServices begins to start the enabled services.
func (g *guest) startServices() (started func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := g.execute([]string{"/usr/bin/systemctl", "lab-boot"}, bootEnvironment); err != nil {
			g.console.say("systemd[1]: %v", err)
		}
	}()
	return func() { <-done }
}

// hostname is the kernel's present one.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// bootEnvironment is what services find set (systemd.exec(5)).
var bootEnvironment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}

// execute runs a boot script with its output on the console.
func (g *guest) execute(args, env []string) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	_, done, err := g.reaper.start("/", args[0], args, env, [3]*os.File{null, g.console.Out, g.console.Out})
	if err != nil {
		return 0, err
	}
	code := <-done
	if g.reaper.isClosed() {
		// Where the machine powers off, cloud-init is killed as well: it neither judges
		// the script nor goes on.
		select {}
	}
	return code, nil
}

// await waits for a request to power off or reboot from inside.
func (g *guest) await(requests <-chan os.Signal) {
	for request := range requests {
		switch request {
		case sigReboot:
			g.shutdown(unix.LINUX_REBOOT_CMD_RESTART, "Reboot", "Restarting system")
		case sigHalt:
			// EC2 knows no halted state: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html
			g.shutdown(unix.LINUX_REBOOT_CMD_POWER_OFF, "System Halt", "System halted")
		default:
			g.shutdown(unix.LINUX_REBOOT_CMD_POWER_OFF, "System Power Off", "Power down")
		}
	}
}

// unitsEnd is how long systemd stops units, one after the other, before it ends whatever
// process is left. What has asked for the end goes on until then, as scripts of cloud-init do.
const unitsEnd = 300 * time.Millisecond

// shutdown ends all processes and then this one, in the way that tells the host
// whether to start again: reboot(2) in a pid namespace kills its first process, by
// SIGHUP for a restart and by SIGINT for the rest.
func (g *guest) shutdown(command int, target, last string) {
	g.down.Do(func() {
		g.console.say("[  OK  ] Reached target %s.", target)
		<-time.After(unitsEnd)
		g.reaper.close()
		_ = unix.Kill(-1, unix.SIGTERM)
		select {
		case <-g.reaper.idle:
		case <-time.After(grace):
			_ = unix.Kill(-1, unix.SIGKILL)
			<-g.reaper.idle
		}
		g.console.close("reboot: " + last)
		if err := unix.Reboot(command); err != nil {
			os.Exit(1)
		}
	})
}
