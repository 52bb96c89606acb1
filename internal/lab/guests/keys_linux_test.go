package guests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// keyed makes this test binary play a lab that somebody starts whose session has a key.
const keyed = "STAMP_TEST_KEYED"

// findKey looks for the key by keyctl(2)'s search in the session's keyring.
const findKey = "perl -e '$k = \"user\"; $n = \"stamp-test\"; print syscall(250, 10, -3, $k, $n, 0) >= 0 ? \"in\" : \"out\"'"

func TestReal_sessionKeysStayOutside(t *testing.T) {
	if dir := os.Getenv(keyed); dir != "" {
		lookForKey(t, dir)
		return
	}
	if _, err := exec.LookPath("perl"); err != nil || runtime.GOARCH != "amd64" {
		t.Skip("this test asks the kernel in Perl, on amd64")
	}
	sharedHost(t)
	lab := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestReal_sessionKeysStayOutside$")
	lab.Env = append(os.Environ(), keyed+"="+t.TempDir())
	var output []byte
	done := make(chan error)
	go func() {
		// The session is this thread's, which ends with the goroutine.
		runtime.LockOSThread()
		_, _, errno := unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
		if errno != 0 {
			done <- errno
			return
		}
		_, err := unix.AddKey("user", "stamp-test", []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
		if err == nil {
			output, err = lab.CombinedOutput()
		}
		done <- err
	}()
	if err := <-done; err != nil && output == nil {
		t.Skipf("this machine has no keys: %v", err)
	}
	if !strings.Contains(string(output), "host in, guest out") {
		t.Errorf("the key:\n%s", output)
	}
}

// lookForKey tells where the key is found.
func lookForKey(t *testing.T, dir string) {
	outside, err := exec.CommandContext(t.Context(), "sh", "-c", findKey).Output()
	if err != nil {
		t.Fatal(err)
	}
	host, err := NewReal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	inside, _, err := start(t, host, Spec{}).Run(context.Background(), findKey)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(os.Stdout, "host %s, guest %s\n", outside, inside)
}
