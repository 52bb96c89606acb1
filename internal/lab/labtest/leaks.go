package labtest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs a package's tests and fails when they leave something of this process behind:
// goroutines, open files, child processes or mounts. It is for TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
func Main(m *testing.M) int {
	before := holds()
	code := m.Run()
	if code != 0 {
		return code
	}
	if left := leaks(before); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "left after the tests:\n%s\n", strings.Join(left, "\n"))
		return 1
	}
	return 0
}

// leaks is what is there now and was not before. Something that ends is given a moment.
func leaks(before map[string]int) (left []string) {
	const tries, between = 50, 100 * time.Millisecond
	for range tries {
		left = nil
		for what, count := range holds() {
			if count > before[what] {
				left = append(left, fmt.Sprintf("%s (%d more)", what, count-before[what]))
			}
		}
		slices.Sort(left)
		if len(left) == 0 {
			break
		}
		<-time.After(between)
	}
	if err := goleak.Find(ignored...); err != nil {
		left = append(left, err.Error())
	}
	return left
}

// ignored are goroutines that are started once for the life of the process: the one of the
// thread that starts guests, which they end with.
var ignored = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/pid1.serveForks"),
}
