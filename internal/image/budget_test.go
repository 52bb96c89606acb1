package image

import (
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// witness sees, every quarter of a second, what a client has to ask for: when each
// instance stopped and when each image became available.
type witness struct {
	stop      chan struct{}
	stopped   []time.Time
	available []time.Time
	seen      map[string]bool
}

func (w *witness) watch(b *bakery) {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		state := b.Lab.State()
		for _, instance := range state.Instances {
			if instance.State == cloud.InstanceStopped && !w.seen[instance.ID] {
				w.seen[instance.ID] = true
				w.stopped = append(w.stopped, instance.Since)
			}
		}
		for _, image := range state.Images {
			if image.State == cloud.ImageAvailable && image.Own && !w.seen[image.ID] {
				w.seen[image.ID] = true
				w.available = append(w.available, time.Now())
			}
		}
	}
}

// A bake takes at most 1.05 times what AWS and the steps take: what the provider adds
// is the time until it notices that the builder has stopped, that the image is there,
// and that the proof has stopped.
func TestBudget_bake(t *testing.T) {
	for seed := range uint64(4) {
		bakeWithinBudget(t, seed)
	}
}

func bakeWithinBudget(t *testing.T, seed uint64) {
	t.Helper()
	inWeather(t, "aws", seed, func(t *testing.T, b *bakery) {
		w := &witness{stop: make(chan struct{}), seen: map[string]bool{}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.watch(b)
		}()
		var captured, proving time.Time
		options := b.options()
		options.Progress = func(line string) {
			switch {
			case strings.HasPrefix(line, "capturing "):
				captured = time.Now()
			case strings.HasPrefix(line, "test instance ") && strings.Contains(line, " launched from "):
				proving = time.Now()
			}
		}
		begun := time.Now()
		_, err := b.run(t.Context(), script("a"), options)
		ended := time.Now()
		close(w.stop)
		<-done
		if err != nil || len(w.stopped) != 2 || len(w.available) != 1 {
			t.Fatalf("%v; stopped %v, available %v", err, w.stopped, w.available)
		}
		took := ended.Sub(begun)
		added := captured.Sub(w.stopped[0]) + proving.Sub(w.available[0]) + ended.Sub(w.stopped[1])
		floor := took - added
		t.Logf("a bake in %s of virtual time, of which AWS and the steps take %s (%.3f times that); noticed late by %s, %s and %s", took.Round(time.Second),
			floor.Round(time.Second), took.Seconds()/floor.Seconds(), captured.Sub(w.stopped[0]), proving.Sub(w.available[0]), ended.Sub(w.stopped[1]))
		if took.Seconds() > 1.05*floor.Seconds() {
			t.Errorf("the bake took %s, more than 1.05 times %s", took, floor)
		}
	})
}
