package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// asLab makes this test binary the lab command.
const asLab = "STAMP_TEST_LAB"

func TestMain(m *testing.M) {
	if os.Getenv(asLab) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// longest bounds the waits of these tests.
const longest = 30 * time.Second

// runningLab is the command in a process of its own.
type runningLab struct {
	*exec.Cmd
	endpoint string
}

func startLab(t *testing.T, temporary string) runningLab {
	t.Helper()
	lab := exec.CommandContext(t.Context(), "/proc/self/exe", "-guests", "on", "-quiet")
	lab.Env = append(os.Environ(), asLab+"=1", "TMPDIR="+temporary)
	lab.Stderr = os.Stderr
	stdout, err := lab.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	var announced struct{ Endpoint string }
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&announced); err != nil {
		t.Fatalf("the lab did not start: %v, %v", err, lab.Wait())
	}
	return runningLab{Cmd: lab, endpoint: announced.Endpoint}
}

// ask sends a request and returns the answer's body.
func (l runningLab) ask(t *testing.T, path, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if path == "/" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", path, response.Status, content, err)
	}
	return string(content)
}

// launch starts an instance of Amazon Linux and returns its id.
func (l runningLab) launch(t *testing.T, userData string) string {
	t.Helper()
	images := l.ask(t, "/", "Action=DescribeImages&Version=2016-11-15&Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=al2023-*x86_64*")
	image := regexp.MustCompile(`ami-[0-9a-f]+`).FindString(images)
	answer := l.ask(t, "/", "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&InstanceType=t3.micro&ImageId="+image+
		"&UserData="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(userData))))
	return regexp.MustCompile(`<instanceId>(i-[0-9a-f]+)`).FindStringSubmatch(answer)[1]
}

// holdStill attaches to all threads of a guest's first process (ptrace(2)), after the
// answer has gone out that it is to give, and sleeps.
const holdStill = "sleep 0.2; exec perl -e 'syscall(101, 16, $_ + 0, 0, 0) for map { m{([0-9]+)$} } glob(\"/proc/1/task/*\"); sleep "

// TestLab_leavesNothingWhenKilled kills the command while guests run, one of which holds
// its own first process still, and looks for what is left on the machine.
func TestLab_leavesNothingWhenKilled(t *testing.T) {
	temporary := t.TempDir()
	host, err := guests.NewReal(t.Context(), t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	before := traces(t)
	lab := startLab(t, temporary)
	marker := strconv.Itoa(1_000_000 + os.Getpid())
	for range 2 {
		id := lab.launch(t, "#!/bin/sh\n(trap '' HUP TERM INT; setsid sleep "+marker+") >/dev/null 2>&1 &\n")
		lab.ask(t, "/_lab/instances/"+id+"/run", "cloud-init status --wait; mount -t tmpfs none /mnt; until pgrep -f 'sleep "+marker+"'; do :; done")
	}
	id := lab.launch(t, "")
	lab.ask(t, "/_lab/instances/"+id+"/run", "cloud-init status --wait; ("+holdStill+marker+"') >/dev/null 2>&1 &")
	inits := childrenOf(t, lab.Process.Pid)
	if len(inits) != 3 {
		t.Fatalf("the lab has %d guests", len(inits))
	}
	if _, err := exec.LookPath("perl"); err == nil && runtime.GOARCH == "amd64" {
		await(t, func() bool { return stopped(inits) })
	}
	if left := processesWith(t, marker); len(left) < 3 {
		t.Fatalf("%d processes run, so their end would prove nothing", len(left))
	}

	if err := lab.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = lab.Wait()

	await(t, func() bool { return len(processesWith(t, marker)) == 0 })
	for _, pid := range inits {
		await(t, func() bool { return unix.Kill(pid, 0) != nil })
	}
	if after := traces(t); after != before {
		t.Errorf("mounts and loop devices were\n%s\nand are\n%s", before, after)
	}
	// The next lab removes the directory.
	next := startLab(t, temporary)
	if err := next.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := next.Wait(); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(temporary, "stamp-lab-*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// traces are the machine's mounts and loop devices.
func traces(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	loops, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	return string(mounts) + strings.Join(loops, "\n")
}

// processesWith returns the processes that have a word in their command lines.
func processesWith(t *testing.T, word string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		if line, _ := os.ReadFile(path); bytes.Contains(line, []byte(word)) {
			found = append(found, path)
		}
	}
	return found
}

// childrenOf returns a process's children.
func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, path := range paths {
		line, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(line)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, pid)
		}
	}
	return children
}

// stopped reports whether one of the processes is held still by another (proc(5)), with
// all of its threads.
func stopped(pids []int) bool {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		held := 0
		for _, thread := range threads {
			if status, _ := os.ReadFile(thread); bytes.Contains(status, []byte("State:\tt")) {
				held++
			}
		}
		if held > 0 && held == len(threads) {
			return true
		}
	}
	return false
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it never came to this")
		}
	}
}
