//go:build unix

package provider_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// budgetSizes are fleets whose plans are measured, with the seconds of CPU that one may
// take; the large one takes real seconds too, and is for make bench.
func budgetSizes() map[int]float64 {
	if os.Getenv("STAMP_BENCH") != "" {
		return map[int]float64{1000: 1, 10000: 10}
	}
	return map[int]float64{1000: 1}
}

const budgetMemory = 300 << 20

// Through the plugin protocol, plans cost what the fleet's size says and no more, whether
// its servers differ or not. The lab and the test's own part of the protocol are in it.
func TestBudget_protocol(t *testing.T) {
	for size, seconds := range budgetSizes() {
		for _, differ := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, overrides %t", size, differ), func(t *testing.T) {
				budgetOf(t, size, seconds, differ)
			})
		}
	}
}

func budgetOf(t *testing.T, size int, seconds float64, differ bool) {
	t.Helper()
	c := newCaller(t)
	config := c.fleet(size, differ)
	var after *saved
	first := measured(func() { c.plan(config, nil) })
	c.start()
	created := measured(func() { after = c.apply(config, c.plan(config, nil)) })
	file := c.inFile(c.unpack(after.state))
	c.start()
	var plan tftypes.Value
	unchanged := measured(func() {
		before := c.refresh(file, after)
		plan = c.unpack(c.plan(config, before).PlannedState)
	})
	if !plan.Equal(c.unpack(after.state)) {
		t.Errorf("the plan of an unchanged fleet changes something")
	}
	t.Logf("first plan %s; create %s; unchanged plan %s", first, created, unchanged)
	for what, spent := range map[string]spending{"first plan": first, "unchanged plan": unchanged} {
		if spent.seconds > seconds || spent.heap > budgetMemory {
			t.Errorf("the %s takes %s, more than %.0f s and %d MiB", what, spent, seconds, budgetMemory>>20)
		}
	}
}

// fleet is a configuration; where its servers differ, each has an environment of its own.
func (c *caller) fleet(size int, differ bool) tftypes.Value {
	c.t.Helper()
	slots := object{"hostname": "web-%05d"}
	if differ {
		overrides := object{}
		for slot := range size {
			overrides[fmt.Sprint(slot)] = object{"environment": object{"ID": fmt.Sprintf("node-%d", slot)}}
		}
		slots["overrides"] = overrides
	}
	return value(c.kind(), object{
		"name": "web", "image_id": c.baseImage(0), "size": size, "instance_types": []any{"t3.micro"}, "slots": slots, "tags": object{"team": "web"},
	})
}

// spending is what something has cost.
type spending struct {
	seconds float64
	heap    uint64
}

func (s spending) String() string { return fmt.Sprintf("%.2f s of CPU, %d MiB", s.seconds, s.heap>>20) }

// measured runs something and returns the CPU that this process has spent on it, and by
// how much its heap has grown at the most.
func measured(what func()) spending {
	runtime.GC()
	least := heap()
	most, done := least, make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				most = max(most, heap())
			}
		}
	})
	before := cpu()
	what()
	spent := cpu() - before
	close(done)
	watching.Wait()
	return spending{spent.Seconds(), max(most, heap()) - least}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
