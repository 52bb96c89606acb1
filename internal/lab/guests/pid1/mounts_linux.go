package pid1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// attachMounts puts the mounts that came with the configuration in their places.
func (g *guest) attachMounts() error {
	// Otherwise the host would see what is mounted here.
	if err := mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if at := g.config.Workplace; at != "" {
		if err := g.attachMount(at); err != nil {
			return err
		}
		if err := os.Chdir(at); err != nil {
			return err
		}
	}
	for _, dir := range g.config.Programs {
		if err := g.attachMount(dir); err != nil {
			return err
		}
	}
	return nil
}

// attachMount puts the next mount at a directory.
func (g *guest) attachMount(dir string) error {
	file, err := g.conn.TakeFile()
	if err != nil {
		return fmt.Errorf("taking the mount for %s: %w", dir, err)
	}
	err = unix.MoveMount(int(file.Fd()), "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("mounting %s: %w", dir, err)
	}
	return nil
}

// assemble mounts the guest's file systems below cfg.Root and makes that the root
// of this mount namespace; nothing of the host stays reachable but what was put in.
func assemble(cfg Config) error {
	for _, tree := range cfg.Trees {
		options := "lowerdir=" + strings.Join(tree.Lower, ":") +
			",upperdir=" + tree.Upper + ",workdir=" + tree.Work + ",userxattr"
		target := filepath.Join(cfg.Root, tree.Name)
		if err := mount("overlay", target, "overlay", 0, options); err != nil {
			return err
		}
	}
	// The kernel lets a user namespace mount these only while the host's own are in
	// sight, so it happens before the root changes (mount_namespaces(7)).
	if err := mountVirtual(cfg); err != nil {
		return err
	}
	if err := os.Chdir(cfg.Root); err != nil {
		return err
	}
	// pivot_root(2): with "." twice the old root lies over the new one, and goes with
	// one unmount.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the host's root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return protectProc()
}

// mountVirtual mounts what has no disk: proc, sys, dev and run.
func mountVirtual(cfg Config) error {
	root := cfg.Root
	const quiet = unix.MS_NOSUID | unix.MS_NODEV
	if err := mount("proc", filepath.Join(root, "proc"), "proc", quiet|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	// Programs live without sysfs, and not every host gives it to a user namespace.
	_ = mount("sysfs", filepath.Join(root, "sys"), "sysfs", quiet|unix.MS_NOEXEC|unix.MS_RDONLY, "")
	if err := mount("tmpfs", filepath.Join(root, "run"), "tmpfs", quiet, "mode=755"+cfg.Limits.tmpfs()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, "run/lock"), 0o755); err != nil {
		return err
	}
	return mountDev(filepath.Join(root, "dev"), cfg)
}

// mountDev makes a /dev with the host's harmless devices and terminals of its own.
func mountDev(dev string, cfg Config) error {
	if err := mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=64k,nr_inodes=1024"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := bindFile("/dev/"+name, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"pts", "shm"} {
		if err := os.Mkdir(filepath.Join(dev, dir), 0o755); err != nil {
			return err
		}
	}
	options := "newinstance,ptmxmode=0666,mode=0620"
	if !cfg.OneID {
		options += ",gid=5"
	}
	if err := mount("devpts", filepath.Join(dev, "pts"), "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
		return err
	}
	if err := mount("tmpfs", filepath.Join(dev, "shm"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"+cfg.Limits.tmpfs()); err != nil {
		return err
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
		"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// protectProc makes read-only what in /proc belongs to the whole machine: a guest
// of root has root's user id there. What is the guest's own stays writable.
func protectProc() error {
	for _, own := range []string{"/proc/sys/net", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"} {
		if err := bind(own, own); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, path := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"} {
		err := bind(path, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		const flags = unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
		if err := mount("none", path, "", flags, ""); err != nil {
			return err
		}
	}
	return nil
}

// bind shows source at target, with what is mounted below it.
func bind(source, target string) error {
	return mount(source, target, "", unix.MS_BIND|unix.MS_REC, "")
}

// bindFile shows the file source at target, which it makes.
func bindFile(source, target string) error {
	if err := os.WriteFile(target, nil, 0o644); err != nil {
		return err
	}
	return bind(source, target)
}

func mount(source, target, kind string, flags uintptr, options string) error {
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		if kind == "" {
			kind = "none"
		}
		return fmt.Errorf("mounting %s at %s (%s): %w", source, target, kind, err)
	}
	return nil
}
