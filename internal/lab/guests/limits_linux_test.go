package guests

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// limited starts a host whose guests may use little.
func limited(t *testing.T, asked options) *realHost {
	t.Helper()
	sharedHost(t)
	host, err := newReal(t.Context(), t.TempDir(), asked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, host.Close()) })
	return host
}

// few are limits that tests reach quickly.
func few() limits {
	few := defaultLimits
	few.guest.Processes, few.guest.FileSize, few.guest.Memory = 100, 8<<20, 4<<20
	few.disk = 32 << 20
	return few
}

func TestReal_processesAreLimited(t *testing.T) {
	g := start(t, limited(t, options{limits: few()}), Spec{})
	g.screen.await(t, finished, 1)
	const bomb = "i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done >/dev/null 2>&1"
	// Of one user, of many users, and of users in further namespaces.
	scripts := []string{bomb, "unshare -Ur sh -c '" + bomb + "' 2>/dev/null"}
	if os.Geteuid() == 0 {
		scripts = append(scripts, "for user in 1001 1002 1003 1004; do setpriv --reuid $user --clear-groups sh -c '"+bomb+"'; done 2>/dev/null")
	}
	for _, script := range scripts {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, _, _ = g.Run(ctx, script) // it fails, or its end is not seen: there is no room
		cancel()
		if got := tasksOf(t, g); got < 50 || got > 100 {
			t.Errorf("%s\nleft the guest with %d tasks of 100", script, got)
		}
		g.Stop()
		must(t, g.Boot())
		g.sh(t, "true")
	}
}

// tasksOf counts the tasks in a guest's process namespace from outside.
func tasksOf(t *testing.T, g *guest) int {
	t.Helper()
	inside, ok := g.Guest.(*realGuest)
	if !ok {
		t.Fatalf("a %T", g.Guest)
	}
	namespace := func(pid string) string {
		link, _ := os.Readlink("/proc/" + pid + "/ns/pid")
		return link
	}
	own := namespace(strconv.Itoa(inside.present().cmd.Process.Pid))
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		if namespace(entry.Name()) == own && own != "" {
			tasks, _ := os.ReadDir("/proc/" + entry.Name() + "/task")
			count += len(tasks)
		}
	}
	return count
}

func TestReal_filesInMemoryAreLimited(t *testing.T) {
	g := start(t, limited(t, options{limits: few()}), Spec{})
	for _, dir := range []string{"/run", "/dev/shm"} {
		got := g.sh(t, "head -c 6M /dev/zero > "+dir+"/big 2>/dev/null; size=$(stat -c %s "+dir+"/big); rm "+dir+"/big; echo $size")
		if size, err := strconv.Atoi(got); err != nil || size > 4<<20 {
			t.Errorf("%s took %s bytes", dir, got)
		}
		got = g.sh(t, "mkdir "+dir+"/many; cd "+dir+"/many; seq 70000 | xargs touch 2>/dev/null && echo all; rm -r "+dir+"/many")
		if got != "" {
			t.Errorf("%s took any number of files", dir)
		}
	}
	if got := g.sh(t, "head -c 1M /dev/zero > /dev/big 2>/dev/null && echo all || echo refused; rm /dev/big"); got != "refused" {
		t.Errorf("/dev took all of a big file")
	}
}

func TestReal_filesAreLimited(t *testing.T) {
	g := start(t, limited(t, options{limits: few()}), Spec{})
	if got := g.sh(t, "head -c 12M /dev/zero > /root/big 2>/dev/null && echo all; stat -c %s /root/big"); got != strconv.Itoa(8<<20) {
		t.Errorf("the file has %s bytes", got)
	}
	got := g.sh(t, "ulimit -Hn; ulimit -n 100000 2>/dev/null || echo refused")
	if most, err := strconv.Atoi(strings.TrimSuffix(got, "\nrefused")); err != nil || most > 65536 {
		t.Errorf("open files: %s", got)
	}
	// What a dying program leaves would be the host's to take, and as the host's root.
	if got := g.sh(t, "ulimit -Hc"); got != "0" && got != "1" {
		t.Errorf("core dumps of %s blocks", got)
	}
}

func TestReal_diskIsLimited(t *testing.T) {
	host := limited(t, options{limits: few()})
	neighbour := start(t, host, Spec{})
	g := start(t, host, Spec{UserData: []byte("#!/bin/sh\ni=0; while :; do i=$((i+1)); head -c 4M /dev/zero > /root/f$i; [ $i -lt 20 ] || sleep 100000; done\n")})
	g.awaitOff(t)
	if !strings.Contains(g.screen.String(), "it has written more than 32 MiB") {
		t.Errorf("the console does not say why:\n%s", g.screen)
	}
	neighbour.sh(t, "true")
}

// TestReal_leavesTheHostRoom tells a host that its disk is nearly full.
func TestReal_leavesTheHostRoom(t *testing.T) {
	host := limited(t, options{limits: defaultLimits})
	small, large := start(t, host, Spec{}), start(t, host, Spec{})
	large.sh(t, "head -c 4M /dev/zero > /root/big")
	small.sh(t, "true")
	host.cutWriters(true)
	large.awaitOff(t)
	if !strings.Contains(large.screen.String(), "is nearly full") {
		t.Errorf("the console does not say why:\n%s", large.screen)
	}
	small.sh(t, "true")
}

// TestWatch_asksWhenRoomIsLow lets the free room shrink below what must stay.
func TestWatch_asksWhenRoomIsLow(t *testing.T) {
	host := limited(t, options{limits: defaultLimits})
	g := start(t, host, Spec{})
	g.sh(t, "true")
	twin := &realHost{dir: host.dir, limits: host.limits, guests: host.guests, stopWatch: make(chan struct{}), watched: make(chan struct{})}
	go twin.watch(gauge{reserve: 10, space: func() (free, used uint64) { return 9, 0 }})
	g.awaitOff(t)
	close(twin.stopWatch)
	<-twin.watched
}

func TestGauge(t *testing.T) {
	g := newGauge(t.TempDir())
	free, used := g.space()
	if free == 0 || used == 0 || g.reserve == 0 || g.reserve > free {
		t.Errorf("free %d, used %d, of which %d must stay", free, used, g.reserve)
	}
}

// TestReal_diesFirstWithoutMemory asks what the kernel would end when memory is used up.
func TestReal_diesFirstWithoutMemory(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	const look = "cat /proc/1/oom_score_adj /proc/self/oom_score_adj"
	if got := g.sh(t, look); got != "1000\n1000" {
		t.Errorf("the guest's processes have %q", got)
	}
}

// TestReal_withoutMappedOwners is what root's guests are where the kernel cannot map the
// owners of the host's programs.
func TestReal_withoutMappedOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("an ordinary user's owners are never mapped")
	}
	g := start(t, limited(t, options{limits: defaultLimits, unmapped: true}), Spec{})
	g.screen.await(t, finished, 1)
	const script = "set -e; stat -c %u /usr/bin/env /usr/bin; echo x > /usr/bin/own; echo x > /usr/lib/own; su ec2-user -c 'sudo id -u'; rm /usr/bin/env; " +
		"umount -R /proc/sys; (echo 7 > /proc/sys/vm/stat_interval) 2>/dev/null && echo in || echo out"
	if got := g.sh(t, script); got != "65534\n0\n0\nout" {
		t.Errorf("the guest says %q", got)
	}
	var status unix.Stat_t
	must(t, unix.Stat("/usr/bin/env", &status))
	if _, err := os.Stat("/usr/bin/own"); err == nil {
		t.Error("the guest wrote into the host's directory")
	}
	mapped := limited(t, options{limits: defaultLimits})
	if got := start(t, mapped, Spec{}).sh(t, "stat -c %u /usr/bin/env /usr/bin"); mapped.mapped && got != "0\n0" {
		t.Errorf("with mapped owners a guest sees %s", got)
	}
}
