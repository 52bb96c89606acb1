package lab

import (
	"cmp"
	"time"
)

// strike finds a trouble of a kind that is not spent and matches, and counts that it
// strikes. It is nil without one.
func strike[T Trouble](l *Lab, match func(*order, T) bool) *T {
	for _, o := range l.troubles.orders {
		trouble, ok := o.Trouble.(T)
		if ok && !o.spent() && match(o, trouble) {
			o.Struck++
			return &trouble
		}
	}
	return nil
}

// failOnOrder finds the order by which this request fails. Every order counts every
// request that matches, so that orders do not shift one another.
func (l *Lab) failOnOrder(c *call) *FailCall {
	for _, o := range l.troubles.orders {
		if t, ok := o.Trouble.(FailCall); ok && (t.Action == "" || t.Action == c.action) && (t.Region == "" || t.Region == c.region) {
			o.seen++
		}
	}
	return strike(l, func(o *order, t FailCall) bool {
		return (t.Action == "" || t.Action == c.action) && (t.Region == "" || t.Region == c.region) && o.seen >= t.Nth
	})
}

// failure is what the client gets.
func (t FailCall) failure(c *call) *apiError {
	switch {
	case t.Torn:
		return cutConnection(cutHalfway)
	case t.Cut:
		return cutConnection(cutAtOnce)
	case t.Code == "RequestLimitExceeded" && c.service != "ec2":
		return c.throttled()
	}
	err := codedFailure(cmp.Or(t.Code, "InternalError"))
	err.status = cmp.Or(t.Status, err.status)
	err.message = cmp.Or(t.Message, err.message)
	return err
}

// capacity is how many instances of a type a subnet's zone has, of those that a launch
// asks for. An answer below the least is none.
func (r *region) capacity(kind *instanceType, in *subnet, least, most int) int {
	most = r.stormCapacity(kind, in, least, most)
	strike(r.lab, func(o *order, t NoCapacity) bool {
		if !t.of(kind, in) || o.left >= most {
			return false
		}
		most = min(most, o.left)
		return true
	})
	return most
}

// occupy takes a launch's instances from what its pools still have.
func (r *region) occupy(planned *launch) {
	for _, o := range r.lab.troubles.orders {
		if t, ok := o.Trouble.(NoCapacity); ok && t.of(planned.kind, planned.subnet) {
			o.left = max(0, o.left-planned.count)
		}
	}
}

// of tells whether the trouble is about a pool.
func (t NoCapacity) of(kind *instanceType, in *subnet) bool {
	return (t.Type == "" || t.Type == kind.name) && (t.Subnet == "" || t.Subnet == in.id)
}

// launchFailure is why a new instance ends at pending; nil when it does not.
func (r *region) launchFailure(i *instance) *stateReason {
	ordered := strike(r.lab, func(_ *order, t FailLaunch) bool {
		return (t.Image == "" || t.Image == i.image.id) && (t.Type == "" || t.Type == i.kind.name)
	})
	if ordered != nil {
		return reasonOr(ordered.Code, ordered.Message, reasonLaunch)
	}
	for _, v := range i.volumes {
		if why := r.keyFailure(v); why != nil {
			return why
		}
	}
	if why := r.lab.emptyAmongOthers(i); why != nil {
		return why
	}
	if r.lab.chance("failed launch", i.id) < r.lab.weather.rates.FailedLaunch {
		return &reasonLaunch
	}
	return nil
}

// reasonLaunch is a launch that failed within AWS, reasonImage an image.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
var (
	reasonLaunch = stateReason{"Server.InternalError", "Server.InternalError: Internal error on launch"}
	reasonImage  = stateReason{"Server.InternalError", "Server.InternalError: Internal error"}
)

// reasonOr is an ordered reason; its message begins with its code, as AWS's do.
func reasonOr(code, message string, usual stateReason) *stateReason {
	switch {
	case code == "" && message == "":
		return &usual
	case code == "":
		code = usual.Code
	case message == "":
		message = code
	}
	return &stateReason{Code: code, Message: message}
}

// afflict decides what befalls an instance that has just begun to run.
func (r *region) afflict(i *instance, since time.Time) {
	r.weatherAnInstance(i, since)
	ordered := strike(r.lab, func(_ *order, t Impair) bool {
		return t.Instance == "" && (t.Image == "" || t.Image == i.image.id)
	})
	if ordered != nil {
		i.impairedSince = i.healthyAt.Add(seconds(ordered.AfterSeconds))
	}
}

// mend ends an instance's impairment.
func (i *instance) mend() { i.impairedSince = time.Time{} }

// heldImage is an image that would have become available, and how it does.
type heldImage struct {
	image *image
	done  func(at time.Time, failed *stateReason)
}

// develop puts the end of an image's making on the agenda: done is called with the
// reason why it has failed, or nil. Capture and copy both end here.
func (r *region) develop(made *image, what transition, done func(at time.Time, failed *stateReason)) {
	l := r.lab
	l.agenda.add(l.clock.now().Add(l.takes(what, made.id)), func(at time.Time) {
		l.developed(heldImage{image: made, done: done}, at)
	})
}

func (l *Lab) developed(ready heldImage, at time.Time) {
	matches := func(name string) bool { return name == "" || name == ready.image.id || name == ready.image.name }
	if strike(l, func(_ *order, t HoldImage) bool { return matches(t.Image) }) != nil {
		l.troubles.held = append(l.troubles.held, ready)
		return
	}
	var failed *stateReason
	if ordered := strike(l, func(_ *order, t FailImage) bool { return matches(t.Image) }); ordered != nil {
		failed = reasonOr(ordered.Code, ordered.Message, reasonImage)
	} else if l.chance("failed image", ready.image.id) < l.weather.rates.FailedImage {
		failed = &reasonImage
	}
	ready.done(at, failed)
}

// releaseImages lets go of the images that nothing holds any more.
func (l *Lab) releaseImages() {
	waiting := l.troubles.held
	l.troubles.held = nil
	for _, ready := range waiting {
		l.developed(ready, l.clock.now())
	}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
