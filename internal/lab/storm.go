package lab

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// Storm is how often things go wrong by themselves, each kind with a probability
// between 0 (never) and 1.
type Storm struct {
	// Of each request: it is throttled; the service fails before or after the effect;
	// the connection is cut before the effect, after it without an answer, or in the
	// middle of the answer.
	Throttle, ErrorBefore, ErrorAfter, CutBefore, CutAfter, TornAnswer float64
	// NoCapacity is of each instance type in each zone, for ten minutes at a time.
	NoCapacity float64
	// PartialLaunch is of each launch that would be content with fewer than it asks for.
	PartialLaunch float64
	// Of each instance: it ends at pending; it never passes its status checks; it fails
	// them, or is terminated by somebody, at some time in the hour after it is running.
	FailedLaunch, ImpairedAtBoot, ImpairedLater, Vanished float64
	// FailedImage is of each image, with its snapshots.
	FailedImage float64
}

// stormRates are those of storm weather. No source has them: they are high enough for
// each kind to be met in a rehearsal of some hundred requests and instances, and low
// enough for a client that retries to come through.
var stormRates = Storm{
	Throttle: 0.04, ErrorBefore: 0.02, ErrorAfter: 0.01,
	CutBefore: 0.01, CutAfter: 0.01, TornAnswer: 0.005,
	NoCapacity: 0.15, PartialLaunch: 0.2,
	FailedLaunch: 0.01, ImpairedAtBoot: 0.01, ImpairedLater: 0.01, Vanished: 0.01,
	FailedImage: 0.1,
}

// StormRates returns the rates of storm weather, to change some of them.
func StormRates() Storm { return stormRates }

// check refuses rates that are not probabilities.
func (s Storm) check() error {
	rates := reflect.ValueOf(s)
	for i := range rates.NumField() {
		if rate := rates.Field(i).Float(); !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("storm: %s is %g: want a probability between 0 and 1", rates.Type().Field(i).Name, rate)
		}
	}
	return nil
}

// drought is how long a pool that has no capacity has none.
const drought = 10 * time.Minute

// withinHour is how long after its boot an instance may still meet its fate.
const withinHour = float64(time.Hour)

// stormCapacity is how many instances of a type a zone has in a storm, of those that a
// launch asks for.
func (r *region) stormCapacity(kind *instanceType, in *subnet, least, most int) int {
	rates := r.lab.weather.rates
	spell := strconv.FormatInt(r.now().UnixNano()/int64(drought), 10)
	if r.lab.chance("no capacity", kind.name, in.zone.name, spell) < rates.NoCapacity {
		return 0
	}
	call := strconv.Itoa(r.place.created) // no two launches find the same number of things made
	if most > least && r.lab.chance("partial launch", r.name, call) < rates.PartialLaunch {
		return least + int(r.lab.chance("how many", r.name, call)*float64(most-least))
	}
	return most
}

// weatherAnInstance decides what befalls an instance that is running since a time.
func (r *region) weatherAnInstance(i *instance, since time.Time) {
	l, rates := r.lab, r.lab.weather.rates
	fate := func(kind string) time.Time {
		return since.Add(time.Duration(l.chance(kind+" when", i.id) * withinHour))
	}
	switch {
	case l.chance("impaired at boot", i.id) < rates.ImpairedAtBoot:
		i.impairedSince = i.healthyAt
	case l.chance("impaired later", i.id) < rates.ImpairedLater:
		i.impairedSince = fate("impaired later")
	}
	if l.chance("vanished", i.id) < rates.Vanished {
		l.agenda.add(fate("vanished"), func(time.Time) { i.terminate(reasonUserShutdown) })
	}
}
