package lab

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Trouble is one thing that goes wrong on order: a FailCall, NoCapacity, FailLaunch,
// Impair, HoldImage or FailImage.
type Trouble interface {
	// kind is its name at the door.
	kind() string
	// check refuses orders that could never strike as meant.
	check() error
	// times is how often it strikes; negative means until it is lifted.
	times() int
}

// FailCall makes requests fail, by number: for what happens when the third
// RunInstances, or the fortieth request of all, goes wrong.
type FailCall struct {
	// Nth is the first request that fails, counted from the order among those that
	// match: 1, or 0, is the next.
	Nth int `json:"nth,omitempty"`
	// Times is how many fail, from that one on: 0 means 1, a negative number all.
	Times int `json:"times,omitempty"`
	// Action and Region narrow it; empty means any.
	Action string `json:"action,omitempty"`
	Region string `json:"region,omitempty"`
	// Code is the error code, InternalError unless given. Status and Message are those
	// that belong to it unless given.
	Code    string `json:"code,omitempty"`
	Status  int    `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	// After lets the request have its effect first.
	After bool `json:"after,omitempty"`
	// Cut cuts the connection instead of answering. Torn lets the request have its
	// effect and cuts the connection in the middle of the answer.
	Cut  bool `json:"cut,omitempty"`
	Torn bool `json:"torn,omitempty"`
}

// NoCapacity empties pools: launches there meet InsufficientInstanceCapacity, or get
// fewer instances than they would take.
type NoCapacity struct {
	// Type is an instance type, Subnet a subnet's id; empty means any.
	Type   string `json:"type,omitempty"`
	Subnet string `json:"subnet,omitempty"`
	// Left is how many instances can still be launched, by all such launches together.
	Left int `json:"left,omitempty"`
	// Times is how many launches find it so; 0 means until it is lifted.
	Times int `json:"times,omitempty"`
}

// FailLaunch ends new instances at pending.
type FailLaunch struct {
	// Image and Type narrow it; empty means any.
	Image string `json:"image,omitempty"`
	Type  string `json:"type,omitempty"`
	// Code and Message are the state's reason; "Server.InternalError" with its message
	// unless given.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Times is how many instances end so; 0 means until it is lifted.
	Times int `json:"times,omitempty"`
}

// Impair makes status checks fail: of one instance from now on, or of new instances
// from their first checks on.
type Impair struct {
	// Instance is an id. Without one it is about new instances, of Image if that is given.
	Instance string `json:"instance,omitempty"`
	Image    string `json:"image,omitempty"`
	// AfterSeconds is how much later it begins, in the lab's time.
	AfterSeconds float64 `json:"after_seconds,omitempty"`
	// Times is how many new instances are impaired; 0 means until it is lifted.
	Times int `json:"times,omitempty"`
}

// HoldImage keeps images pending that would have become available, until it is lifted.
type HoldImage struct {
	// Image is an id or a name; empty means any.
	Image string `json:"image,omitempty"`
}

// FailImage makes images fail in place of becoming available, with their snapshots.
type FailImage struct {
	// Image is an id or a name; empty means any.
	Image string `json:"image,omitempty"`
	// Code and Message are the state's reason; "Server.InternalError" unless given.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Times is how many images fail; 0 means until it is lifted.
	Times int `json:"times,omitempty"`
}

func (FailCall) kind() string   { return "fail_call" }
func (NoCapacity) kind() string { return "no_capacity" }
func (FailLaunch) kind() string { return "fail_launch" }
func (Impair) kind() string     { return "impair" }
func (HoldImage) kind() string  { return "hold_image" }
func (FailImage) kind() string  { return "fail_image" }

const forever = -1

func (t FailCall) times() int   { return cmp.Or(t.Times, 1) }
func (t NoCapacity) times() int { return cmp.Or(t.Times, forever) }
func (t FailLaunch) times() int { return cmp.Or(t.Times, forever) }
func (t Impair) times() int     { return cmp.Or(t.Times, forever) }
func (HoldImage) times() int    { return forever }
func (t FailImage) times() int  { return cmp.Or(t.Times, forever) }

func (t FailCall) check() error {
	switch {
	case t.Nth < 0:
		return errors.New("nth counts from 1")
	case t.Cut && t.Torn:
		return errors.New("a connection is cut before the answer or in it, not both")
	case (t.Cut || t.Torn) && t.Code != "":
		return errors.New("a cut connection carries no code")
	}
	return nil
}

func (t NoCapacity) check() error {
	if t.Left < 0 {
		return errors.New("left counts from 0")
	}
	return nil
}

func (FailLaunch) check() error { return nil }

func (t Impair) check() error {
	switch {
	case t.Instance != "" && t.Image != "":
		return errors.New("an instance and an image are named; want one of them")
	case t.AfterSeconds < 0:
		return errors.New("after_seconds is in the past")
	}
	return nil
}

func (HoldImage) check() error { return nil }
func (FailImage) check() error { return nil }

// Ordered is a trouble that has been ordered.
type Ordered struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Struck is how often it has.
	Struck  int     `json:"struck"`
	Trouble Trouble `json:"trouble"`
}

// order is an Ordered with what the lab needs to know.
type order struct {
	Ordered
	// seen counts the requests that match, left the instances that a pool still has.
	seen, left int
}

// spent tells whether it has struck as often as it does.
func (o *order) spent() bool {
	times := o.Trouble.times()
	return times >= 0 && o.Struck >= times
}

// troubles are what was ordered and not lifted, spent ones too, and the images that
// are held.
type troubles struct {
	last   int
	orders []*order
	held   []heldImage
}

// Order orders a trouble and returns the id to lift it by.
func (l *Lab) Order(trouble Trouble) (id string, err error) {
	if err := trouble.check(); err != nil {
		return "", fmt.Errorf("%s: %w", trouble.kind(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agenda.settle(l.clock.now())
	made := &order{Ordered: Ordered{Kind: trouble.kind(), Trouble: trouble}}
	switch trouble := trouble.(type) {
	case NoCapacity:
		made.left = trouble.Left
	case Impair:
		if trouble.Instance == "" {
			break
		}
		found, err := l.instance(trouble.Instance)
		if err != nil {
			return "", err
		}
		found.impairedSince = l.clock.now().Add(seconds(trouble.AfterSeconds))
		made.Struck = 1
	}
	l.troubles.last++
	made.ID = strconv.Itoa(l.troubles.last)
	l.troubles.orders = append(l.troubles.orders, made)
	return made.ID, nil
}

// Troubles returns what was ordered and not lifted, the oldest first.
func (l *Lab) Troubles() []Ordered {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := []Ordered{}
	for _, o := range l.troubles.orders {
		all = append(all, o.Ordered)
	}
	return all
}

// ErrNoSuchTrouble says that no trouble of that id is ordered.
var ErrNoSuchTrouble = errors.New("no such trouble")

// Lift ends one trouble: held images become available, an impaired instance that was
// named passes its checks again. What has struck otherwise stays as it is.
func (l *Lab) Lift(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.troubles.orders, func(o *order) bool { return o.ID == id })
	if at < 0 {
		return fmt.Errorf("trouble %s: %w", id, ErrNoSuchTrouble)
	}
	l.lift(at)
	return nil
}

// LiftAll ends all troubles.
func (l *Lab) LiftAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.troubles.orders) > 0 {
		l.lift(0)
	}
}

func (l *Lab) lift(at int) {
	lifted := l.troubles.orders[at]
	l.troubles.orders = slices.Delete(l.troubles.orders, at, at+1)
	if impair, ok := lifted.Trouble.(Impair); ok && impair.Instance != "" {
		if found, err := l.instance(impair.Instance); err == nil {
			found.mend()
		}
	}
	l.releaseImages()
}
