package labtest

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// Bubble runs a test in a bubble of testing/synctest, with a lab and an HTTP client
// whose every request goes to it: an SDK client that has it waits for as long as the
// lab's weather wants, and no time passes outside.
func Bubble(t *testing.T, options lab.Options, test func(t *testing.T, inside *lab.Lab, client *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(options)
		if err != nil {
			t.Fatalf("starting a lab: %v", err)
		}
		test(t, inside, InBubble(t, inside))
	})
}
