package report

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A line a minute, from the first minute on, with what was last said of how far it is.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		waiting := Progress(func(line string) { lines = append(lines, line) }).Wait("the image")
		<-time.After(59 * time.Second)
		waiting.Far("40 %")
		<-time.After(2 * time.Second)
		waiting.Far("")
		<-time.After(time.Minute)
		waiting.End()
		<-time.After(time.Hour)
		want := []string{"waiting for the image (1m0s so far): 40 %", "waiting for the image (2m0s so far)"}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

func TestWait_silent(t *testing.T) {
	waiting := Progress(nil).Wait("nothing")
	waiting.Far("far")
	waiting.End()
}
