package guests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/disk"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/pid1"
)

// probeTimeout bounds the boot by which NewReal finds out whether guests work.
const probeTimeout = 30 * time.Second

// lockName is the file in a host's directory that is locked while the host lives.
const lockName = "lock"

// realHost is a host of guests in namespaces. Its directory holds
//
//	h        what every guest's root has of the host's /etc
//	t/usr    commands that shadow the host's, by program directory
//	m/usr    writable directories above the host's, where its owners mean nothing to guests
//	p/usr    where a guest puts the host's, with owners that mean something to it
//	b/OS     the root of a base image
//	l/N      frozen layers, by tree: root, usr
//	g/N      guests: the mount point, and upper and work directories by tree
//
// Names are short because one page holds all of an overlay's mount options (mount(2)).
type realHost struct {
	dir  string
	lock *os.File
	// programs are the host's program directories that guests see.
	programs []string
	// ids are those of the guests.
	ids pid1.IDs
	// mapped says that guests see the host's programs with their owners.
	mapped bool
	limits limits
	// groups are the guests' control groups; nil where there are none.
	groups *groups
	// stopWatch ends the watch over the disk; watched is closed once it has ended.
	stopWatch chan struct{}
	watched   chan struct{}

	mu     sync.Mutex
	next   int
	guests map[*realGuest]struct{}
	closed bool
	// bases are the base images written so far, by OS.
	bases map[string]func() error
}

// NewReal returns a host of real guests whose disks lie in a directory of their own in
// dir; it boots one to try. An error says why this kernel or this user cannot. dir
// must not lie on an overlay itself, as a container's root does; it may on tmpfs.
//
// What is inside a guest has no rights over the host and sees none of its files but
// programs, and no processes or networks; what it may use is limited. The kernel is the
// host's, though: guests are for rehearsing what one would run on this machine, and no
// jail for what attacks kernels.
//
// Run by root, a guest's users are ids that nobody has on the host. Run by anybody else a
// guest has one user, root, who is that user outside, so that inside chown and su do
// nothing useful, and files of the host's /usr can be replaced and removed but not written
// in place. The latter holds for root too where the kernel does not map owners.
func NewReal(ctx context.Context, dir string) (Host, error) {
	return newReal(ctx, dir, options{limits: defaultLimits})
}

// options are what tests change of a host.
type options struct {
	limits limits
	// unmapped says that owners are not mapped, as where the kernel cannot.
	unmapped bool
	// groupsRoot and groupLimits take the place of the machine's control groups.
	groupsRoot  string
	groupLimits []groupLimit
}

// groups are where to look for control groups, and what to set in them.
func (o options) groups() (root, own string, limits []groupLimit) {
	if o.groupsRoot != "" {
		return o.groupsRoot, "/test", o.groupLimits
	}
	return groupsRoot, ownGroup(), o.limits.groups()
}

func newReal(ctx context.Context, dir string, asked options) (*realHost, error) {
	ids, err := pid1.GuestIDs()
	if err != nil {
		return nil, err
	}
	removeStale(dir)
	dir, err = makeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("guests need a place for their disks: %w", err)
	}
	h := &realHost{
		dir: dir, programs: disk.Programs(), ids: ids, mapped: !ids.One() && !asked.unmapped, limits: asked.limits,
		guests: map[*realGuest]struct{}{}, bases: map[string]func() error{},
		stopWatch: make(chan struct{}), watched: make(chan struct{}),
	}
	go h.watch(newGauge(h.dir))
	if err = h.prepare(); err == nil {
		h.openGroups(asked.groups())
		err = h.try(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// try boots a guest, with less where the kernel refuses more.
func (h *realHost) try(ctx context.Context) error {
	err := h.probe(ctx)
	if err != nil && h.groups != nil {
		// To begin in a group takes rights over the groups above (cgroups(7)).
		h.groups.close()
		h.groups = nil
		err = h.probe(ctx)
	}
	if err != nil && h.mapped {
		// Not every file system's owners can be mapped (mount_setattr(2)).
		h.mapped = false
		if err = h.mirror(); err == nil {
			err = h.probe(ctx)
		}
	}
	return err
}

// makeDir makes a host's directory.
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "guests-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// removeStale removes what hosts that were killed left in dir: the lock of a living
// one is held.
func removeStale(dir string) {
	locks, _ := filepath.Glob(filepath.Join(dir, "guests-*", lockName))
	for _, path := range locks {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			removeStaleGroups(filepath.Dir(path))
			_ = disk.Remove(filepath.Dir(path))
		}
		_ = file.Close()
	}
}

// prepare writes what all guests share.
func (h *realHost) prepare() error {
	// The lock gets its name once it is held, so that removeStale never finds it free.
	unnamed := filepath.Join(h.dir, lockName+".new")
	lock, err := os.OpenFile(unnamed, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	h.lock = lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	if err := os.Rename(unnamed, filepath.Join(h.dir, lockName)); err != nil {
		return err
	}
	// Guests work in it, and nobody else.
	if err := h.give("."); err != nil {
		return err
	}
	for _, dir := range []string{"h", "t", "m", "p", "b", "l", "g"} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, program := range h.programs {
		if err := os.Mkdir(filepath.Join(h.dir, "p", program), 0o755); err != nil {
			return err
		}
	}
	if err := disk.HostSettings(filepath.Join(h.dir, "h")); err != nil {
		return err
	}
	if err := disk.Tools(filepath.Join(h.dir, "t")); err != nil {
		return err
	}
	if err := errors.Join(h.give("h"), h.give("t")); err != nil {
		return err
	}
	if h.mapped {
		return nil
	}
	return h.mirror()
}

// mirror makes directories for guests to which the host's owners mean nothing.
func (h *realHost) mirror() error {
	for _, program := range h.programs {
		if err := disk.Mirror(filepath.Join(h.dir, "m", program), program); err != nil {
			return err
		}
	}
	return h.give("m")
}

// give makes what lies below dir the guests': each owner becomes what stands for it.
func (h *realHost) give(dir string) error {
	if h.ids.One() {
		return nil
	}
	return disk.Give(filepath.Join(h.dir, dir), h.ids.First, h.ids.Size)
}

// probe boots a guest, runs a command in it and removes it.
func (h *realHost) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var console tail
	guest, err := h.Start(Spec{InstanceID: "i-probe", OS: "al2023", Hostname: "probe", Console: &console})
	if err != nil {
		return err
	}
	defer guest.Destroy()
	_, code, err := guest.Run(ctx, "true")
	if err != nil {
		return fmt.Errorf("a guest does not boot here: %w; its console: %s", err, console.String())
	}
	if code != 0 {
		return fmt.Errorf("programs do not run in a guest here: true ended with exit code %d", code)
	}
	return nil
}

// Status reports that guests run.
func (h *realHost) Status() (running bool, reason string) { return true, "" }

// lacks says why there are no guests of an OS; "" for those that there are.
func (h *realHost) lacks(system string) string { return linuxAlone(system) }

// Start makes a guest's disk and begins its boot.
func (h *realHost) Start(spec Spec) (Guest, error) {
	if err := h.base(spec.OS); err != nil {
		return nil, err
	}
	g := &realGuest{host: h, spec: spec, system: spec.OS, base: spec.Layers}
	if err := h.add(g); err != nil {
		return nil, err
	}
	err := g.makeDisk()
	if err == nil {
		err = g.Boot()
	}
	if err != nil {
		g.Destroy()
		return nil, err
	}
	return g, nil
}

// base writes a base image when it is first needed.
func (h *realHost) base(system string) error {
	h.mu.Lock()
	write, ok := h.bases[system]
	if !ok {
		write = sync.OnceValue(func() error {
			dir := filepath.Join("b", system)
			return errors.Join(disk.Skeleton(filepath.Join(h.dir, dir), system), h.give(dir))
		})
		h.bases[system] = write
	}
	h.mu.Unlock()
	return write()
}

// add numbers a guest and gives it a directory.
func (h *realHost) add(g *realGuest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	h.next++
	g.number = h.next
	g.dir = filepath.Join("g", strconv.Itoa(h.next))
	h.guests[g] = struct{}{}
	return nil
}

func (h *realHost) remove(g *realGuest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.guests, g)
}

// newLayer names a layer's directory.
func (h *realHost) newLayer() (string, error) {
	h.mu.Lock()
	h.next++
	dir := filepath.Join(h.dir, "l", strconv.Itoa(h.next))
	h.mu.Unlock()
	return dir, os.Mkdir(dir, 0o755)
}

// Close ends all guests and removes the host's directory with all layers.
func (h *realHost) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var guests []*realGuest
	for g := range h.guests {
		guests = append(guests, g)
	}
	h.mu.Unlock()
	var destroyed sync.WaitGroup
	for _, g := range guests {
		destroyed.Go(g.Destroy)
	}
	destroyed.Wait()
	close(h.stopWatch)
	<-h.watched
	h.groups.close()
	err := disk.Remove(h.dir)
	if h.lock != nil {
		err = errors.Join(err, h.lock.Close())
	}
	return err
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-500):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
