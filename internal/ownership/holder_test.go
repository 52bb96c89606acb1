package ownership

import "testing"

// Whose process is gone is told by its start, where the system tells that, and otherwise by
// whether there is any process of its number. One that is hidden is not gone.
func TestHolder_ended(t *testing.T) {
	for _, test := range []struct {
		what        string
		began       string
		start       string
		told, alive bool
		ended       bool
	}{
		{"it runs", "42", "42", true, true, false},
		{"it has ended", "42", "", false, false, true},
		{"another has its number", "42", "43", true, true, true},
		{"it has ended and was not waited for", "42", "", true, true, true},
		{"it runs, and /proc hides it", "42", "", false, true, false},
		{"it runs, where no start is told", "", "", false, true, false},
		{"it has ended, where no start is told", "", "", false, false, true},
	} {
		if got := (holder{start: test.began}).ended(test.start, test.told, test.alive); got != test.ended {
			t.Errorf("%s: ended is %t", test.what, got)
		}
	}
}

// A process of this machine is gone when there is none; of another machine's, and where
// nothing tells machines apart, nobody can tell.
func TestHolder_gone(t *testing.T) {
	here := this()
	if here.gone() {
		t.Error("this process is gone")
	}
	if here.pid, here.start = 1<<22+1, "1"; here.machine != "" && !here.gone() {
		t.Error("a process whose number there cannot be is not gone")
	}
	if here.machine = "another"; here.gone() {
		t.Error("a process of another machine is gone")
	}
}
