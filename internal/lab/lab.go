package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// Options say what kind of lab it is. The zero value is a calm lab, seed 0, at the
// machine's own speed, without guests.
type Options struct {
	// Weather is a weather's name: "calm", "aws" or "storm"; empty means "calm".
	Weather string
	// Storm, if not nil, is how often things go wrong by themselves, in place of the
	// weather's own rates. In weather other than a storm those are zero.
	Storm *Storm
	// Neighbour is the share of each of EC2's token buckets, of what it holds and of what
	// comes back, that others of the account use all the time: from 0 to less than 1.
	Neighbour float64
	// Seed decides every id and, in weather that has some, every stroke of luck.
	Seed uint64
	// Speed is how much faster than the machine's the lab's clock runs; zero means 1.
	Speed float64
	// Guests starts what is inside the instances; nil means that nothing is. The lab
	// closes it.
	Guests guests.Host
	// Hosts are further names by which clients may call the lab. It always answers for
	// localhost, for loopback addresses and for the address that a request came in at.
	Hosts []string
	// OnRequest, if not nil, is called for each request before anything comes of it, with
	// its number, from 1, and its action. It may use the lab; the request waits for it.
	OnRequest func(number int, action string)
}

// Lab is a rehearsal cloud, with one account that everybody starts in. It is safe for concurrent use.
type Lab struct {
	clock   clock
	weather weather
	// weatherName is what the page calls the weather.
	weatherName string
	guests      guests.Host
	door        http.Handler
	// cloud is everything but the door.
	cloud http.Handler
	seed  uint64
	// neighbour is the option's.
	neighbour float64
	// hosts are the option's, in lower case.
	hosts []string
	// onRequest is nil or the option's; requests numbers the requests.
	onRequest func(number int, action string)
	requests  atomic.Int64
	// closing is closed with the lab: it ends whoever waits for the lab's time.
	closing chan struct{}

	// mu guards everything below, in all accounts and regions. It is never held while a guest is
	// driven, which may take minutes.
	mu     sync.Mutex
	agenda agenda
	ids    ids
	// accounts are by number, places by the name of their region.
	accounts map[string]*account
	places   map[string]*place
	counts   counts
	// tallies are the requests by second and by minute.
	tallies []*tally
	// buckets are EC2's token buckets, as far as they have been used.
	buckets  map[bucketKey]*bucket
	troubles troubles
	closed   bool
	// drivers are the goroutines that drive guests; life ends when the lab is closed.
	drivers sync.WaitGroup
	life    context.Context
	endLife context.CancelCauseFunc
	// s3Buckets are those of all regions; sessions are roles' by access key id.
	s3Buckets map[string]*s3Bucket
	sessions  map[string]*session
	// address is where the lab was last asked something: guests reach it there as well.
	address netip.AddrPort
}

// New makes a lab. It fails on an unknown weather, on rates that are not probabilities,
// on a neighbour who leaves nothing and on a negative speed.
func New(options Options) (*Lab, error) {
	weather, err := weatherOf(options)
	if err != nil {
		return nil, err
	}
	if !(options.Neighbour >= 0 && options.Neighbour < 1) {
		return nil, fmt.Errorf("neighbour %g: want a share from 0 to less than 1", options.Neighbour)
	}
	if options.Speed < 0 {
		return nil, fmt.Errorf("speed %g: the clock cannot run backwards", options.Speed)
	}
	lab := &Lab{
		clock:   newClock(cmp.Or(options.Speed, 1)),
		weather: weather, weatherName: cmp.Or(options.Weather, "calm"),
		guests:    options.Guests,
		seed:      options.Seed,
		neighbour: options.Neighbour,
		ids:       newIDs(options.Seed, "requests"),
		accounts:  map[string]*account{},
		places:    map[string]*place{},
		counts:    newCounts(),
		tallies:   newTallies(),
		buckets:   map[bucketKey]*bucket{},
		s3Buckets: map[string]*s3Bucket{},
		sessions:  map[string]*session{},
		onRequest: options.OnRequest,
		closing:   make(chan struct{}),
	}
	for _, name := range options.Hosts {
		lab.hosts = append(lab.hosts, strings.ToLower(name))
	}
	lab.life, lab.endLife = context.WithCancelCause(context.Background())
	lab.door, lab.cloud = lab.doorHandler(), http.HandlerFunc(lab.serveCloud)
	return lab, nil
}

// guestsRun tells whether something really runs inside instances, and if not why.
func (l *Lab) guestsRun() (running bool, reason string) {
	if l.guests == nil {
		return false, "the lab was started without guests"
	}
	return l.guests.Status()
}

// guestsRunOn tells the same of instances with such a disk.
func (l *Lab) guestsRunOn(d disk) (running bool, reason string) {
	if running, reason = l.guestsRun(); !running {
		return false, reason
	}
	return guests.Runs(l.guests, d.os)
}

// emptyAmongOthers is why an instance ends at pending that no guest can run in, while
// guests run in others: who launched it would wait for what never comes.
func (l *Lab) emptyAmongOthers(i *instance) *stateReason {
	if running, _ := l.guestsRun(); !running {
		return nil
	}
	if runs, why := l.guestsRunOn(i.disk()); !runs {
		return &stateReason{Code: reasonGuest.Code, Message: reasonGuest.Code + ": " + why}
	}
	return nil
}

// Close ends all guests and waits for what drives them. Closing again does nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	before := l.closed
	l.closed = true
	l.mu.Unlock()
	if before {
		return nil
	}
	close(l.closing)
	l.endLife(errClosing)
	l.drivers.Wait()
	if l.guests == nil {
		return nil
	}
	if err := l.guests.Close(); err != nil {
		return fmt.Errorf("closing the guests: %w", err)
	}
	return nil
}

// ErrNoSuchInstance says that no region of the lab has an instance of that id.
var ErrNoSuchInstance = errors.New("no such instance")

// ErrNoGuest says that nothing runs inside the instance.
var ErrNoGuest = errors.New("nothing runs inside the instance")

// SetState does to an instance what bad luck would: "terminated" and "stopped" as
// if somebody else had done it, "impaired" fails its status checks until it is
// stopped and started.
func (l *Lab) SetState(id, state string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agenda.settle(l.clock.now())
	found, err := l.instance(id)
	if err != nil {
		return err
	}
	switch state {
	case stateTerminated:
		found.terminate(reasonUserShutdown)
	case stateStopped:
		if found.live() {
			found.stop(reasonScheduledStop)
		}
	case "impaired":
		found.impairedSince = l.clock.now()
	default:
		return fmt.Errorf("state %q: want terminated, impaired or stopped", state)
	}
	l.agenda.settle(l.clock.now())
	return nil
}

// Run runs a shell script as root inside an instance and returns its combined
// output and exit code. It waits until what was asked of the guest before is done.
func (l *Lab) Run(ctx context.Context, id, script string) (output string, exitCode int, err error) {
	l.mu.Lock()
	found, err := l.instance(id)
	l.mu.Unlock()
	if err != nil {
		return "", 0, err
	}
	guest, err := found.machine.idle(ctx)
	if err != nil {
		return "", 0, fmt.Errorf("instance %s: %w", id, err)
	}
	output, exitCode, err = guest.Run(ctx, script)
	if err != nil {
		return output, exitCode, fmt.Errorf("instance %s: %w", id, err)
	}
	return output, exitCode, nil
}

// instance finds an instance in any account and region.
func (l *Lab) instance(id string) (*instance, error) {
	for _, r := range l.allRegions() {
		if found := r.instances.get(id); found != nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("instance %s: %w", id, ErrNoSuchInstance)
}
