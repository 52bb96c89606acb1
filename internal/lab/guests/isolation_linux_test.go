package guests

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReal_hostIsOutOfSight(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOST_SECRET", "leaked")
	g := start(t, sharedHost(t), Spec{UserData: []byte("#!/bin/sh\nenv\n")})
	g.screen.await(t, finished, 1)

	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, program, "/etc/ssh/ssh_config", "/root/.bashrc", fmt.Sprintf("/proc/%d", os.Getpid()), "/sys/fs/cgroup/tasks"} {
		if got := g.sh(t, "test ! -e '"+path+"' && echo absent || ls -ld '"+path+"'"); got != "absent" {
			t.Errorf("the guest sees %s", got)
		}
	}
	if got := g.sh(t, "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; env") + g.screen.String(); strings.Contains(got, "leaked") {
		t.Errorf("the host's environment is in the guest:\n%s", got)
	}
	// The shell counts by itself: a process may end between the listing and a look at it.
	if got := g.sh(t, "set -- /proc/[0-9]*; echo $#"); len(got) != 1 {
		t.Errorf("the guest sees %s processes", got)
	}
	// The cable to the metadata service leads nowhere else.
	devices := g.sh(t, "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' '")
	routes := g.sh(t, "sed 1d /proc/net/route | cut -f 1-2 | tr '\\t\\n' '  '")
	if devices != "lo" && devices != "eth0 lo" || routes != "" && routes != "eth0 FCA9FEA9" {
		t.Errorf("the guest has the network devices %q and the routes %q", devices, routes)
	}
	if got := g.sh(t, "cat /etc/shadow | grep -c ':\\$' || true"); got != "0" {
		t.Errorf("the guest has %s password hashes", got)
	}
	// The machine's own settings cannot be changed, the guest's can.
	if got := g.sh(t, "(echo 1 > /proc/sys/vm/overcommit_memory) 2>/dev/null && echo changed; echo 77 > /proc/sys/net/core/somaxconn; cat /proc/sys/net/core/somaxconn"); got != "77" {
		t.Errorf("kernel settings: %q", got)
	}
}

func TestReal_writesStayInside(t *testing.T) {
	host := sharedHost(t)
	g := start(t, host, Spec{})
	name := fmt.Sprintf("stamp-test-%d", os.Getpid())
	paths := []string{"/usr/bin/" + name, "/usr/lib/" + name, "/etc/" + name, "/opt/" + name, "/var/lib/" + name, "/tmp/" + name, "/dev/shm/" + name, "/" + name}

	g.sh(t, "set -e; for f in "+strings.Join(paths, " ")+"; do echo x > $f; done; rm -f /usr/bin/env /etc/passwd; chmod 700 /usr/bin")

	for _, path := range paths {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s on the host: %v", path, err)
		}
	}
	if _, err := os.Stat("/usr/bin/env"); err != nil {
		t.Error(err)
	}
	neighbour := start(t, host, Spec{})
	if got := neighbour.sh(t, "ls "+strings.Join(paths, " ")+" 2>/dev/null | wc -l; ls /usr/bin/env"); got != "0\n/usr/bin/env" {
		t.Errorf("a neighbour sees %q", got)
	}
}

func TestReal_killedGuestIsOffAndBootsAgain(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	g.screen.await(t, finished, 1)
	g.sh(t, "echo kept > /root/kept; sync")

	inside, ok := g.Guest.(*realGuest)
	if !ok {
		t.Fatalf("a %T", g.Guest)
	}
	inside.cut()
	g.awaitOff(t)

	if !strings.Contains(g.screen.String(), "the guest's first process died") {
		t.Errorf("the console does not say so:\n%s", g.screen)
	}
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	if got := g.sh(t, "cat /root/kept"); got != "kept" {
		t.Errorf("the disk has %q", got)
	}
}

func TestReal_closeLeavesNothing(t *testing.T) {
	sharedHost(t)
	dir := t.TempDir()
	host, err := NewReal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	running, stopped, dead := start(t, host, Spec{}), start(t, host, Spec{}), start(t, host, Spec{})
	stopped.Stop()
	if _, err := stopped.Freeze(); err != nil {
		t.Fatal(err)
	}
	marker := fmt.Sprintf("sleep %d", 1_000_000+os.Getpid())
	running.sh(t, "mkdir -p /root/closed/in && chmod 0 /root/closed; "+marker+" >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done")
	if !processExists(t, marker) {
		t.Fatalf("no %q runs, so its end would prove nothing", marker)
	}
	if inside, ok := dead.Guest.(*realGuest); ok {
		inside.cut()
	}
	dead.awaitOff(t)

	if err := host.Close(); err != nil {
		t.Error(err)
	}

	if processExists(t, marker) {
		t.Errorf("%q outlived its guest", marker)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
	if _, err := host.Start(Spec{OS: "al2023"}); !errors.Is(err, errClosed) {
		t.Errorf("starting a guest on a closed host: %v", err)
	}
	if err := host.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// processExists reports whether a process runs whose command line is text.
func processExists(t *testing.T, text string) bool {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		line, _ := os.ReadFile(path)
		if strings.TrimRight(strings.ReplaceAll(string(line), "\x00", " "), " ") == text {
			return true
		}
	}
	return false
}

// orphan makes this test binary play a lab that will be killed.
const orphan = "STAMP_TEST_ORPHAN"

func TestReal_guestsDieWithTheLab(t *testing.T) {
	if dir := os.Getenv(orphan); dir != "" {
		playLab(t, dir)
		return
	}
	sharedHost(t)
	dir := t.TempDir()
	lab := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestReal_guestsDieWithTheLab$")
	lab.Env = append(os.Environ(), orphan+"="+dir)
	lab.Stderr = os.Stderr
	handle := guestOf(t, lab)

	if err := errors.Join(lab.Process.Kill(), ignoreExit(lab.Wait())); err != nil {
		t.Fatal(err)
	}

	// A pidfd becomes readable when its process ends (pidfd_open(2)).
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}, int(patience.Milliseconds()))
	if err != nil || ready != 1 {
		t.Errorf("the guest outlived its lab: %d, %v", ready, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Fatalf("a killed lab leaves its directory, here %v, %v", left, err)
	}
	// The next lab in the same place clears up after it.
	next, err := NewReal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// guestOf starts a lab, and opens the first process of the guest that it tells of.
func guestOf(t *testing.T, lab *exec.Cmd) int {
	t.Helper()
	stdout, err := lab.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the lab said %q", line)
	}
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(handle) })
	return handle
}

// playLab starts a guest, prints its first process's id and waits for the end.
func playLab(t *testing.T, dir string) {
	host, err := NewReal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, host, Spec{})
	g.screen.await(t, finished, 1)
	inside, ok := g.Guest.(*realGuest)
	if !ok {
		t.Fatalf("a %T", g.Guest)
	}
	fmt.Fprintln(os.Stdout, inside.process.cmd.Process.Pid)
	<-context.Background().Done()
}

func ignoreExit(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}

// unprivileged makes this test binary run as an ordinary user, and says so.
const unprivileged = "STAMP_TEST_UNPRIVILEGED"

// TestOrdinaryUser runs the tests of real guests again without root's rights.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("these tests run as an ordinary user already")
	}
	if os.Getenv("STAMP_THOROUGH") == "" {
		t.Skip("all of them again: make test does it, or STAMP_THOROUGH=1")
	}
	sharedHost(t)
	const nobody = 65534
	dir := t.TempDir()
	// Only the directory itself is the user's; those above it let it pass.
	if err := errors.Join(os.Chown(dir, nobody, nobody), os.Chmod(filepath.Dir(dir), 0o711)); err != nil {
		t.Fatal(err)
	}
	suite := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestReal_", "-test.v")
	suite.Dir = "/"
	suite.Env = append(os.Environ(), unprivileged+"=1", "TMPDIR="+dir, "HOME="+dir)
	suite.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := suite.CombinedOutput()
	if reason := firstSkip(string(output)); err == nil && reason != "" {
		t.Skipf("this kernel gives guests to root alone: %s", reason)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if n := strings.Count(string(output), "\n--- PASS: TestReal_"); n < 10 {
		t.Errorf("%d tests ran as an ordinary user:\n%s", n, output)
	}
}

// firstSkip returns the reason for which a run's first test was skipped.
func firstSkip(output string) string {
	_, after, skipped := strings.Cut(output, "--- SKIP: TestReal_userDataRunsAndPowersOff")
	if !skipped {
		return ""
	}
	before, _, _ := strings.Cut(after, "\n=== ")
	return strings.TrimSpace(before)
}
